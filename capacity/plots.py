"""What a simulated year looks like: layouts of its two charts, for templates/library/chart_file.svg. Pure."""

from capacity.scaling import Outcome, Tier
from library.charts import Chart, layout


def draw(outcome: Outcome, tier: Tier) -> dict[str, dict]:
    """By the names of their files."""
    loads = tier.unit.capitalize()
    return {
        f"autoscaling-{tier.role}-year": _layout(
            f"Autoscaling of {tier.role} through a year: the busiest minute of each week",
            f"{loads} grow with the calls, stand out in December, and in one week come tenfold; what the machines hold follows in steps.",
            outcome.weeks,
            tier,
        ),
        f"autoscaling-{tier.role}-spike": _layout(
            f"The spike at {tier.role}, minute by minute",
            f"{loads} come tenfold in five minutes; in {outcome.short_in_spike} minutes they are more than the machines hold.",
            outcome.spike,
            tier,
        ),
    }


def _layout(title: str, description: str, rows: list[tuple[str, float, float]], tier: Tier) -> dict:
    points = [(name, [round(load / 1000, 1), round(holds / 1000, 1)]) for name, load, holds in rows]
    series = [tier.unit, "what the machines hold"]
    return layout(Chart("line", title, description, f"thousand {tier.unit}", series, points))
