"""What a simulated year looks like: layouts of its two charts, for templates/library/chart_file.svg. Pure."""

from capacity.scaling import Outcome
from library.charts import Chart, layout

_SERIES = ["sockets", "what the machines hold"]


def draw(outcome: Outcome) -> dict[str, dict]:
    """By the names of their files."""
    return {
        "autoscaling-year": _layout(
            "Autoscaling through a year: the busiest minute of each week",
            "Sockets grow with the calls, stand out in December, and in one week come tenfold; what the machines hold follows in steps.",
            outcome.weeks,
        ),
        "autoscaling-spike": _layout(
            "The spike, minute by minute",
            f"Sockets come tenfold in five minutes; in {outcome.short_in_spike} minutes they are more than the machines hold.",
            outcome.spike,
        ),
    }


def _layout(title: str, description: str, rows: list[tuple[str, float, float]]) -> dict:
    points = [(name, [round(sockets / 1000, 1), round(holds / 1000, 1)]) for name, sockets, holds in rows]
    return layout(Chart("line", title, description, "thousand sockets", _SERIES, points))
