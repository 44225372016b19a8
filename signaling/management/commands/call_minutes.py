"""Prints the call minutes of each month, and how they grow."""

import argparse

from django.core.management.base import BaseCommand, CommandError

from signaling.growth import FORMATS, Month
from signaling.models import Call


class Command(BaseCommand):
    help = (
        "Call minutes by month, with the growth against the same month of the year before. Minutes are wall time and count in the "
        "month in which the call began; calls that nobody has reported as connected are not counted."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--format", choices=list(FORMATS), default="table")
        parser.add_argument(
            "--since", type=_month, metavar="YYYY-MM", help="the first month; without it that of the first call"
        )
        parser.add_argument(
            "--until", type=_month, metavar="YYYY-MM", help="the last month; without it the current one"
        )

    def handle(self, *args, since: Month | None, until: Month | None, format: str, **options) -> None:
        if since and until and until < since:
            raise CommandError(f"--until {until} is before --since {since}.")
        self.stdout.write(FORMATS[format](Call.objects.growth(since=since, until=until)))


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
