"""`manage.py daily`: what is to be done once a day, by one machine of many."""

import logging
import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, time, timedelta

from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

logger = logging.getLogger("gruveo")

JOBS = ("purge", "clean_media")
_AT = time(3, 40, tzinfo=UTC)
_CLAIMED = 12 * 3600  # seconds for which the others know that somebody does it


class Command(BaseCommand):
    help = (
        f"Stays, and runs {' and '.join(JOBS)} once a day. Of all that run this one does it each day, if they share a Redis; without one "
        "each does, which costs time and harms nothing. Ends with SIGTERM."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", type=_time, default=_AT, help=f"when, in UTC; default {_AT:%H:%M}")

    def handle(self, *, at: time, **options) -> None:
        ends = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ends.set())
        while True:
            due = following(datetime.now(UTC), at)
            self.stdout.write(f"The next time is {due:%Y-%m-%d %H:%M} UTC.")
            self.stdout.flush()
            if ends.wait((due - datetime.now(UTC)).total_seconds()):
                return
            if _claim(due):
                self._work()
            else:
                self.stdout.write("Another machine does it today.")

    def _work(self) -> None:
        for job in JOBS:
            close_old_connections()
            try:
                call_command(job, stdout=self.stdout)
            except (CommandError, DatabaseError, OSError):
                logger.exception("%s failed, and is run again tomorrow", job)


def following(now: datetime, at: time) -> datetime:
    """The first moment after now at this time of the day."""
    today = datetime.combine(now.date(), at)
    return today if today > now else today + timedelta(days=1)


def _claim(due: datetime) -> bool:
    """Whether nobody else has taken this day; with Redis away, everybody does it."""
    try:
        return cache.add(f"daily:{due.isoformat()}", True, _CLAIMED)
    except RedisError as error:
        logger.warning("the cache is away, so this machine does what is daily: %r", error)
        return True


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time of the day such as 03:40.") from None
