"""Which calls there were: when and with how many, but not whose; neither a code nor an address is kept."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import models
from django.db.models import Avg, Case, Count, Func, Max, Min, Q, Sum, Value, When
from django.utils import timezone

from signaling.growth import Month, Row, Total, rows
from signaling.rooms import EndedCall

_LATE_MS = 60_000  # what comes later was reported by somebody who came later
_MOST_MS = 2**31 - 1  # that the column holds


class _Seconds(Func):
    """From the second moment to the first, to the millisecond, by the database itself: Django's way on SQLite takes 30 µs a row."""

    output_field = models.FloatField()
    arity = 2
    template = "EXTRACT(EPOCH FROM %(expressions)s)::double precision"
    arg_joiner = " - "

    def as_sqlite(self, compiler, connection, **extra):
        template = "(julianday(%(expressions)s)) * 86400.0"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **extra)


class CallQuerySet(models.QuerySet):
    def by_month(self, *, since: Month | None = None, until: Month | None = None) -> list[Total]:
        """
        The months in which calls began, by the site's time zone; both ends count.

        Two queries: the ends of the index on `started`, and one pass over the rows, of which the newest, and most, are compared first.
        """
        calls = self
        if since:
            calls = calls.filter(started__gte=_beginning(since))
        if until:
            calls = calls.filter(started__lt=_beginning(until.next))
        ends = calls.aggregate(first=Min("started"), last=Max("started"))
        if not ends["first"]:
            return []
        months = [month := _month_of(ends["first"])]
        while month < _month_of(ends["last"]):
            months.append(month := month.next)
        newest_first = [
            When(started__gte=_beginning(months[number]), then=Value(number))
            for number in range(len(months) - 1, 0, -1)
        ]
        connected = Q(connected=True)
        found = (
            calls.annotate(month=Case(*newest_first, default=Value(0)))
            .values("month")
            .order_by("month")
            .annotate(
                seconds=Sum(_Seconds("ended", "started"), filter=connected),
                calls=Count("pk", filter=connected),
                unconnected=Count("pk", filter=~connected),
                relayed=Count("pk", filter=connected & Q(relayed=True)),
                connect_ms=Avg("connect_ms", filter=connected & Q(connect_ms__lte=_LATE_MS)),
            )
        )
        return [
            Total(
                month=months[row["month"]],
                seconds=round(row["seconds"] or 0.0, 3),
                calls=row["calls"],
                unconnected=row["unconnected"],
                relayed=row["relayed"],
                connect_seconds=None if row["connect_ms"] is None else round(float(row["connect_ms"]) / 1000, 3),
            )
            for row in found
        ]

    def growth(self, *, since: Month | None = None, until: Month | None = None) -> list[Row]:
        """Month by month up to this one, with the growth against the year before."""
        totals = self.by_month(since=since and since.year_before, until=until)
        return rows(totals, this_month=self.this_month(), since=since, until=until)

    @staticmethod
    def this_month() -> Month:
        return _month_of(timezone.now())

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

    connect_ms = models.PositiveIntegerField(
        "time to connect",
        null=True,
        help_text="Milliseconds from when the second person came until a client said that it was connected.",
    )

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-started"]

    def __str__(self) -> str:
        return f"{self.started:%Y-%m-%d %H:%M} ({self.largest})"

    @classmethod
    def of(cls, call: EndedCall) -> "Call":
        """
        Raises:
            ValueError, OverflowError, OSError: there is no such moment, or no such number of people.
        """
        if call.largest < 0:  # SQLite would ignore it, as it ignores a call that is known
            raise ValueError(f"{call.largest} people")
        return cls(
            call_id=call.id,
            room=call.room,
            started=datetime.fromtimestamp(call.started, UTC),
            ended=datetime.fromtimestamp(call.ended, UTC),
            largest=call.largest,
            connected=call.connected,
            relayed=call.relayed if call.connected else None,
            connect_ms=None if call.connect_seconds is None else min(round(call.connect_seconds * 1000), _MOST_MS),
        )


def _month_of(moment: datetime) -> Month:
    day = timezone.localdate(moment, timezone.get_default_timezone())
    return Month(day.year, day.month)


def _beginning(month: Month) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=timezone.get_default_timezone())
