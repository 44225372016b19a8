"""`manage.py purge`: what is kept no longer than docs/data.md says goes."""

from argparse import ArgumentParser
from datetime import timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone

from pages.models import Message

_DAYS = 180


class Command(BaseCommand):
    help = (
        "Deletes failed logins that count no more, sessions that have run out, messages of visitors that were dealt with long ago, and "
        "what has lain in the bin for 30 days. May be run at any time, and again; run it once a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
        parser.add_argument(
            "--days", type=int, default=_DAYS, help=f"how long messages are kept that were dealt with; default {_DAYS}"
        )

    def handle(self, *, dry_run: bool, days: int, **options) -> None:
        if days < 0:
            raise CommandError("--days must not be negative.", returncode=2)
        now = timezone.now()
        counted_since = now - settings.AXES_COOLOFF_TIME
        old: dict[str, QuerySet] = {
            "failed logins": AccessAttempt.objects.filter(attempt_time__lt=counted_since),
            "lines about logins": AccessLog.objects.filter(attempt_time__lt=counted_since),
            "lines about failed logins": AccessFailureLog.objects.filter(attempt_time__lt=counted_since),
            "sessions": Session.objects.filter(expire_date__lt=now),
        }
        done = Message.objects.done_before(now - timedelta(days=days))
        would = "would be " if dry_run else ""
        for what, rows in old.items():
            count = rows.count() if dry_run else rows.delete()[0]
            self.stdout.write(f"{count} {what} {would}deleted.")
        self.stdout.write(f"{done.count() if dry_run else done.erase()} messages {would}deleted.")
        call_command("empty_bin", dry_run=dry_run, stdout=self.stdout)
