"""Which calls there were: when and with how many, but not whose; neither a code nor an address is kept."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import models
from django.db.models import Count, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from signaling.growth import Month, Total
from signaling.rooms import EndedCall


class CallQuerySet(models.QuerySet):
    def by_month(self, *, since: Month | None = None, until: Month | None = None) -> list[Total]:
        """The months in which calls began, by the site's time zone; both ends count."""
        calls = self
        if since:
            calls = calls.filter(started__gte=_beginning(since))
        if until:
            calls = calls.filter(started__lt=_beginning(until.next))
        connected = Q(connected=True)
        duration = ExpressionWrapper(F("ended") - F("started"), output_field=models.DurationField())
        months = (
            calls.annotate(month=TruncMonth("started", tzinfo=timezone.get_default_timezone()))
            .values("month")
            .order_by("month")
            .annotate(
                time=Sum(duration, filter=connected),
                calls=Count("pk", filter=connected),
                unconnected=Count("pk", filter=~connected),
            )
        )
        return [
            Total(
                month=Month(row["month"].year, row["month"].month),
                seconds=row["time"].total_seconds() if row["time"] else 0.0,
                calls=row["calls"],
                unconnected=row["unconnected"],
            )
            for row in months
        ]

    def record(self, calls: Iterable[EndedCall]) -> None:
        """Writes down those that are not yet; may be said twice, also at the same time."""
        self.bulk_create([Call.of(call) for call in calls], ignore_conflicts=True)


class Call(models.Model):
    call_id = models.CharField("call id", max_length=128, unique=True)
    room = models.CharField(max_length=64, help_text="The keyed hash of the code.")
    started = models.DateTimeField(db_index=True, help_text="When the second person came.")
    ended = models.DateTimeField(help_text="When the second-last was last known to be there.")
    largest = models.PositiveSmallIntegerField("most people", help_text="At the same time.")
    connected = models.BooleanField(help_text="Somebody's client has said that it was connected to somebody.")
    relayed = models.BooleanField(
        null=True,
        help_text="Some of it went through a TURN server; unknown when nobody has said that they were connected.",
    )

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-started"]

    def __str__(self) -> str:
        return f"{self.started:%Y-%m-%d %H:%M} ({self.largest})"

    @classmethod
    def of(cls, call: EndedCall) -> "Call":
        return cls(
            call_id=call.id,
            room=call.room,
            started=datetime.fromtimestamp(call.started, UTC),
            ended=datetime.fromtimestamp(call.ended, UTC),
            largest=call.largest,
            connected=call.connected,
            relayed=call.relayed if call.connected else None,
        )


def _beginning(month: Month) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=timezone.get_default_timezone())
