"""
How traffic lies over a week and over the months. Pure.

The week's curve is an assumption: nothing so far has measured ours. Nights are quiet, evenings are busiest, and a day of the weekend has
four fifths of a weekday.
"""

from collections.abc import Iterator

from signaling.growth import Month

MINUTES_A_WEEK = 7 * 24 * 60
DAYS_A_MONTH = 365.25 / 12
_HOURS = (25, 15, 10, 8, 8, 10, 20, 40, 65, 85, 95, 100, 95, 95, 100, 100, 105, 110, 120, 130, 125, 105, 75, 45)
_WEEKEND = 0.8
_MEAN = sum(_HOURS) / 24 * (5 + 2 * _WEEKEND) / 7


def _weight(hour: int) -> float:
    day, hour = divmod(hour % (7 * 24), 24)
    return _HOURS[hour] * (_WEEKEND if day >= 5 else 1)


def curve(minute: float) -> float:
    """How many times the mean of the week the traffic is, this many minutes after Monday began; it bends at full hours."""
    hour, rest = divmod(minute % MINUTES_A_WEEK, 60)
    before, after = _weight(int(hour)), _weight(int(hour) + 1)
    return (before + (after - before) * rest / 60) / _MEAN


PEAK = max(curve(hour * 60) for hour in range(7 * 24))


def coming(first: Month, minutes: float, *, growth: float, season: float, count: int) -> Iterator[tuple[Month, float]]:
    """Months from `first` on, which has that many minutes. `growth` is times a year; a December has `season` times what it had else."""
    base = minutes / (season if first.month == 12 else 1)
    month = first
    for number in range(count):
        yield month, base * growth ** (number / 12) * (season if month.month == 12 else 1)
        month = month.next
