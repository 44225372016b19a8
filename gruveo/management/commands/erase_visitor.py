"""`manage.py erase_visitor ADDRESS`: what somebody wrote to us goes, at their wish."""

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from pages.models import Message


class Command(BaseCommand):
    help = (
        "Deletes the messages whose writer gave this e-mail address, with every line of the admin's log that quotes them. Names others "
        "that mention the address, for somebody to read. May be run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="the e-mail address")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def handle(self, *, address: str, dry_run: bool, **options) -> None:
        try:
            validate_email(address.strip())
        except ValidationError:
            raise CommandError("this is no e-mail address.", returncode=2) from None
        theirs = Message.objects.of(address)
        count = theirs.count() if dry_run else theirs.erase()
        self.stdout.write(f"{count} messages {'would be ' if dry_run else ''}deleted.")
        for other in Message.objects.mentioning(address):
            self.stdout.write(
                f"message {other.pk} mentions the address: read it at /admin/pages/message/{other.pk}/change/"
            )
