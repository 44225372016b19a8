"""What the growth of the calls looks like: which figures are drawn, and how their numbers are written. Pure."""

from collections.abc import Callable, Sequence

from library.charts import Chart, layout
from signaling.growth import Row

_MOST_MONTHS = 36  # the last ones; the table below has all


def draw(rows: Sequence[Row]) -> list[dict]:
    """Layouts for templates/library/chart.html, without those of which nothing is known."""
    shown = rows[-_MOST_MONTHS:]
    charts = [
        _chart("bars", "Call minutes", "a month", shown, lambda row: row.minutes),
        _chart("line", "Growth against the year before", "times", shown, lambda row: row.growth),
        _chart("bars", "Calls", "a month", shown, lambda row: float(row.calls)),
        _chart("line", "Mean length of a call", "minutes", shown, lambda row: row.mean_minutes),
        _chart("line", "Time to connect", "seconds", shown, lambda row: row.connect_seconds),
        _chart("line", "Calls through a relay", "%", shown, lambda row: _percent(row.relayed_share)),
    ]
    return [layout(chart) for chart in charts if chart]


def _chart(
    type_: str, title: str, unit: str, rows: Sequence[Row], figure: Callable[[Row], float | None]
) -> Chart | None:
    points = [(_name(row), [_rounded(value)]) for row in rows if (value := figure(row)) is not None]
    if not any(values[0] for _, values in points):
        return None
    (first, (before,)), (last, (now,)) = points[0], points[-1]
    said = f"{before:,.10g} in {first}, {now:,.10g} in {last}." if len(points) > 1 else f"{now:,.10g} in {last}."
    return Chart(type_, title, said, unit, [], points)


def _name(row: Row) -> str:
    return f"{row.month}{'' if row.is_over else '*'}"


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _rounded(value: float) -> float:
    """Three digits say enough; of large numbers all before the point."""
    return round(value) if value >= 100 else round(value, 1) if value >= 10 else round(value, 2)
