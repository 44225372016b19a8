"""
Call minutes by month, and how they grow. Pure.

Minutes are those of the clock: a call of an hour is 60, with however many people. They count in the month in which the call began. A call
of which nobody has said that it was connected is not counted.
"""

import csv
import io
import json
import re
from collections.abc import Iterable
from typing import NamedTuple


class Month(NamedTuple):
    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """
        Raises:
            ValueError: not a month as in 2026-07.
        """
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text < "0002" or text > "9998":
            raise ValueError(f"{text!r} is no month; write it as 2026-07.")
        return cls(int(text[:4]), int(text[5:]))

    @property
    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def year_before(self) -> "Month":
        return Month(self.year - 1, self.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


class Total(NamedTuple):
    """
    What began in one month: `seconds`, `calls` and `relayed` of those that were connected, how many were not, and how long those of
    which it is known took to connect, on average.
    """

    month: Month
    seconds: float
    calls: int
    unconnected: int
    relayed: int = 0
    connect_seconds: float | None = None


class Row(NamedTuple):
    """
    `growth` is how many times the minutes of the same month of the year before; None when that had none. `mean_minutes`,
    `relayed_share` and `connect_seconds` are of the calls that count; None when there are none.
    """

    month: Month
    calls: int
    minutes: float
    growth: float | None
    unconnected: int
    is_over: bool
    mean_minutes: float | None = None
    relayed_share: float | None = None
    connect_seconds: float | None = None


def rows(
    totals: Iterable[Total], *, this_month: Month, since: Month | None = None, until: Month | None = None
) -> list[Row]:
    """One for each month from the first to the last, those without calls too; `totals` reach back a year before `since`."""
    known = {total.month: total for total in totals}
    first = since or min(known, default=this_month)
    last = until or max([this_month, *known])
    result = []
    month = first
    while month <= last:
        total = known.get(month, Total(month, 0.0, 0, 0))
        before = known.get(month.year_before)
        growth = total.seconds / before.seconds if before and before.seconds else None
        result.append(
            Row(
                month,
                total.calls,
                total.seconds / 60,
                growth,
                total.unconnected,
                month < this_month,
                total.seconds / 60 / total.calls if total.calls else None,
                total.relayed / total.calls if total.calls else None,
                total.connect_seconds,
            )
        )
        month = month.next
    return result


_HEADINGS = ("month", "calls", "minutes", "growth", "unconnected", "mean_minutes", "relayed_share", "connect_seconds")
_TABLE_HEADINGS = (*_HEADINGS[:5], "mean", "relayed", "connect")


def as_table(rows: Iterable[Row]) -> str:
    """For people; a month that is not over has a star."""
    rows = list(rows)
    lines = [_TABLE_HEADINGS, *(cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
    text += ["", "growth: times the minutes of the same month of the year before. unconnected: calls not counted,"]
    text += [
        "because nobody has said that they were connected. mean: minutes of a call. relayed: share of the calls that used a relay.",
        "connect: seconds until somebody said that they were connected, of those who said so within a minute.",
    ]
    if not all(row.is_over for row in rows):
        text += ["*: not over yet."]
    return "\n".join(text)


def as_csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    for row in rows:
        shares = (row.growth, row.mean_minutes, row.relayed_share, row.connect_seconds)
        growth, *others = ("" if share is None else f"{share:.4f}" for share in shares)
        writer.writerow([row.month, row.calls, f"{row.minutes:.2f}", growth, row.unconnected, *others])
    return text.getvalue().rstrip("\n")


def as_json(rows: Iterable[Row]) -> str:
    return json.dumps(
        [
            row._asdict()
            | {
                "month": str(row.month),
                "minutes": round(row.minutes, 2),
                "growth": _digits(row.growth, 4),
                "mean_minutes": _digits(row.mean_minutes, 4),
                "relayed_share": _digits(row.relayed_share, 4),
                "connect_seconds": _digits(row.connect_seconds, 4),
            }
            for row in rows
        ],
        indent=2,
    )


FORMATS = {"table": as_table, "csv": as_csv, "json": as_json}


def cells(row: Row) -> tuple[str, ...]:
    """For people; a month that is not over has a star."""
    return (
        f"{row.month}{'' if row.is_over else '*'}",
        f"{row.calls:,}",
        f"{row.minutes:,.0f}",
        "–" if row.growth is None else f"{row.growth:,.2f}",
        f"{row.unconnected:,}",
        "–" if row.mean_minutes is None else f"{row.mean_minutes:,.1f}",
        "–" if row.relayed_share is None else f"{row.relayed_share:.0%}",
        "–" if row.connect_seconds is None else f"{row.connect_seconds:.2f}",
    )


def _digits(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
