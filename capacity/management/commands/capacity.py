"""Says what each tier needs in the coming months, when limits are reached, and what it costs."""

import argparse
from pathlib import Path
from random import Random

from django.core.management.base import BaseCommand, CommandError

from capacity import crowd, model
from capacity.costs import Costs
from capacity.options import RESULTS, add, amount, refusals, scaling
from capacity.options import given as figures_given
from capacity.plan import FORMATS, Given, sizes, steps
from capacity.traffic import coming
from signaling.growth import Month
from signaling.models import Call

_GROWTH, _DECEMBER = 7.5, 13.0  # times a year, as call minutes have grown
_GROUPS = {"costs": Costs, "assumptions": model.Assumptions, "machines": model.Machines, "prices": model.Prices}


class Command(BaseCommand):
    help = (
        "What web, signaling, Redis, TURN and PostgreSQL need in the coming months, by the measured costs of bench/RESULTS.md and the "
        "growth of the calls so far: docs/capacity.md."
    )

    def add_arguments(self, parser) -> None:
        shape = parser.add_mutually_exclusive_group()
        for name in ("json", "csv", "markdown"):
            shape.add_argument(f"--{name}", dest="shape", action="store_const", const=name)
        parser.set_defaults(shape="table")
        parser.add_argument("--results", type=Path, default=RESULTS, help="what was measured")
        parser.add_argument("--minutes-a-month", type=amount, help="instead of the calls of the last whole month")
        parser.add_argument("--growth", type=_positive, help=f"times a year; else as it was, or {_GROWTH:g}")
        parser.add_argument(
            "--december",
            type=_positive,
            help=f"times from December to December; else {_DECEMBER / _GROWTH:.2f} times the growth, as people call more then",
        )
        parser.add_argument("--since", type=_month, metavar="YYYY-MM", help="the first month, instead of this one")
        parser.add_argument("--months", type=_count, default=13, help="how many, 1 to 120")
        parser.add_argument("--calls-a-day", type=amount, nargs="+", help="these sizes instead of months")
        parser.add_argument("--simulate", action="store_true", help="compare the model with a simulated week")
        parser.add_argument(
            "--limit", type=_limit, action="append", default=[], metavar="TIER=COUNT", help="how many instances may be"
        )
        parser.add_argument(
            "--beanstalk",
            type=Path,
            help="a folder with Beanstalk's option files, whose MaxSize limits web and signaling",
        )
        for title, kind in _GROUPS.items():
            add(parser, title, kind)

    def handle(self, *args, **options) -> None:
        last = None if options["minutes_a_month"] is not None or options["calls_a_day"] else _last_month()
        # What calls were like, unless something else is said.
        found_so_far = {"call_minutes": last.mean_minutes, "relayed": last.relayed_share} if last else {}
        given = figures_given(options, **found_so_far)
        limits = _limits(options)
        if options["calls_a_day"]:
            found, of = sizes(options["calls_a_day"], given), "calls a day"
        else:
            found, of = steps(_months(options, last), given), "month"
        if options["simulate"]:
            self.stdout.write(_comparison(found, given))
        else:
            self.stdout.write(FORMATS[options["shape"]](found, of=of, limits=limits))


def _limits(options: dict) -> dict[str, int]:
    """As said, and what the option files let Beanstalk start."""
    limits = {}
    if options["beanstalk"]:
        with refusals():
            limits = {role: scaling(options["beanstalk"], role).most for role in ("web", "signaling")}
    return limits | dict(options["limit"])


def _last_month():
    """The last whole month that had calls, with its growth; None without any."""
    over = [row for row in Call.objects.growth() if row.is_over and row.calls]
    return over[-1] if over else None


def _months(options: dict, last) -> list[tuple[Month, float]]:
    """From the month after the last whole one; what it had grows on from there."""
    if last is None and options["minutes_a_month"] is None:
        raise CommandError("no-calls: No whole month with calls is recorded; say --minutes-a-month.")
    growth = options["growth"] or (last and last.growth) or _GROWTH
    season = max(1.0, (options["december"] or growth * _DECEMBER / _GROWTH) / growth)
    this = Call.objects.this_month()
    if last is None or options["minutes_a_month"] is not None:
        return list(
            coming(
                options["since"] or this,
                options["minutes_a_month"],
                growth=growth,
                season=season,
                count=options["months"],
            )
        )
    since = options["since"] or this
    if since <= last.month:
        raise CommandError(f"bad-month: --since {since} is over; the last whole month with calls is {last.month}.")
    between = (since.year - last.month.year) * 12 + since.month - last.month.month
    months = coming(last.month, last.minutes, growth=growth, season=season, count=between + options["months"])
    return list(months)[between:]


def _comparison(found: list, given: Given) -> str:
    """As Markdown: each figure of the busiest minute, of the model and of one simulated week."""
    lines = ["| | the model | a simulated week | share |", "| --- | ---: | ---: | ---: |"]
    for step in found:
        week = crowd.busiest(step.minutes, given.assumptions, random=Random(step.name))
        lines.append(f"| **{step.name}** | | | |")
        for name, said, seen in zip(week._fields, step.month.load, week, strict=True):
            lines.append(f"| {name} | {said:,.2f} | {seen:,.2f} | {seen / said if said else 0:.0%} |")
    return "\n".join(lines)


def _positive(text: str) -> float:
    number = amount(text)
    if not 0.01 <= number <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no growth; write how many times a year, 0.01 to 1000.")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 120:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of months; write 1 to 120.")
    return int(text)


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _limit(text: str) -> tuple[str, int]:
    tier, _, count = text.partition("=")
    if tier not in model.TIERS or not count.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no limit; write one of {', '.join(model.TIERS)}, as signaling=8."
        )
    return tier, int(count)
