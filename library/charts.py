"""
Charts out of a few lines of text: scales and paths are computed here, and a template draws them.

An editor writes a code block in the language `chart`:

    type: bars
    title: Call minutes, against a year before
    description: From eight times in January to thirteen in December.
    unit: times
    January: 7.2
    February: 7.5

`type` is `bars` or `line`; `unit` and `description` may be missing. A line chart may have a second column, `2025: 3 | 21`, whose names
stand in `series: last year | this year`.
"""

from dataclasses import dataclass
from math import floor, isfinite, log10
from zlib import crc32

WIDTH, HEIGHT = 640, 320  # of the drawing's own units
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 16, 40
_MOST_POINTS, _MOST_SERIES = 60, 3
_BAR_SHARE = 0.64  # of the room that a bar has


class BadChart(ValueError):
    """What an editor wrote is no chart; the text says which line is wrong, and why."""


@dataclass(frozen=True)
class Chart:
    type: str
    title: str
    description: str
    unit: str
    series: list[str]
    points: list[tuple[str, list[float]]]


def read(text: str) -> Chart:
    """
    Raises:
        BadChart: see there.
    """
    said: dict[str, str] = {}
    points: list[tuple[str, list[float]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.rpartition(":"))
        if not colon or not name:
            raise BadChart(f"line {number} is not like “name: value”.")
        head, _, rest = line.partition(":")
        if head.strip() in {"type", "title", "description", "unit", "series"}:
            said[head.strip()] = rest.strip()
        else:
            points.append((name, [_number(part, number) for part in value.split("|")]))
    return _checked(said, points)


def layout(chart: Chart) -> dict:
    """What templates/library/chart.html draws: SVG with title and description, and all values in a table."""
    ticks = scale(max(value for _, values in chart.points for value in values))
    return {
        "chart": chart,
        "id": f"chart-{_number_of(chart)}",
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "base": HEIGHT - _BOTTOM,
        "ticks": [{"y": _y(tick, ticks[-1]), "text": _text(tick)} for tick in ticks],
        "labels": _labels(chart),
        "bars": _bars(chart, ticks[-1]) if chart.type == "bars" else [],
        "lines": _lines(chart, ticks[-1]) if chart.type == "line" else [],
        "rows": [(name, [_text(value) for value in values]) for name, values in chart.points],
    }


def scale(greatest: float) -> list[float]:
    """Round numbers from 0 to the first that is not less than the greatest, five to nine of them."""
    if greatest <= 0:
        return [0, 1]
    power = 10 ** floor(log10(greatest))
    step = next(step for step in (power * share for share in (0.1, 0.2, 0.25, 0.5, 1, 2)) if greatest / step <= 6)
    count = 0
    while count * step < greatest:
        count += 1
    return [round(step * number, 10) for number in range(count + 1)]


def _number_of(chart: Chart) -> int:
    """For the ids of its parts: the same for the same chart, in every process."""
    return crc32(repr(chart).encode())


def _number(text: str, line: int) -> float:
    try:
        number = float(text.strip().replace(",", ""))
    except ValueError:
        raise BadChart(f"line {line} has “{text.strip()}” where a number should be.") from None
    if not isfinite(number) or number < 0:
        raise BadChart(f"line {line} has a number that cannot be drawn; they begin at 0.")
    return number


def _checked(said: dict[str, str], points: list) -> Chart:
    type_ = said.get("type", "bars")
    if type_ not in {"bars", "line"}:
        raise BadChart(f"the type “{type_}” is neither “bars” nor “line”.")
    if not said.get("title"):
        raise BadChart("it has no title.")
    if not 2 <= len(points) <= _MOST_POINTS:
        raise BadChart(f"it has {len(points)} values; 2 to {_MOST_POINTS} can be drawn.")
    counts = {len(values) for _, values in points}
    if len(counts) > 1 or max(counts) > _MOST_SERIES:
        raise BadChart(f"every line must have the same number of values, {_MOST_SERIES} at most.")
    if type_ == "bars" and max(counts) > 1:
        raise BadChart("bars show one value for each name; take “type: line” for more.")
    series = [part.strip() for part in said.get("series", "").split("|") if part.strip()]
    if len(series) not in {0, max(counts)}:
        raise BadChart("“series” does not have a name for each column.")
    return Chart(type_, said["title"], said.get("description", ""), said.get("unit", ""), series, points)


def _x(number: int, count: int) -> float:
    room = (WIDTH - _LEFT - _RIGHT) / count
    return round(_LEFT + room * (number + 0.5), 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top, 1)


def _bars(chart: Chart, top: float) -> list[dict]:
    width = (WIDTH - _LEFT - _RIGHT) / len(chart.points) * _BAR_SHARE
    return [
        {
            "x": round(_x(number, len(chart.points)) - width / 2, 1),
            "y": _y(values[0], top),
            "width": round(width, 1),
            "height": round(HEIGHT - _BOTTOM - _y(values[0], top), 1),
            "middle": _x(number, len(chart.points)),
            "above": round(_y(values[0], top) - 6, 1),
            "text": _text(values[0]) if len(chart.points) <= 16 else "",
        }
        for number, (_, values) in enumerate(chart.points)
    ]


def _lines(chart: Chart, top: float) -> list[dict]:
    count = len(chart.points)
    lines = []
    for column in range(len(chart.points[0][1])):
        dots = [(_x(number, count), _y(values[column], top)) for number, (_, values) in enumerate(chart.points)]
        path = "M" + "L".join(f"{x} {y}" for x, y in dots)
        name = chart.series[column] if chart.series else ""
        lines.append({"path": path, "dots": dots, "number": column + 1, "name": name, "end": dots[-1]})
    return lines


def _labels(chart: Chart) -> list[dict]:
    """Names below the axis; of many only as many as can be read."""
    longest = max(len(name) for name, _ in chart.points)
    fitting = max(1, int((WIDTH - _LEFT - _RIGHT) / (longest * 9 + 10)))
    every = -(-len(chart.points) // fitting)
    return [
        {"x": _x(number, len(chart.points)), "text": name}
        for number, (name, _) in enumerate(chart.points)
        if number % every == 0
    ]


def _text(value: float) -> str:
    return f"{value:,.10g}" if value == round(value, 6) and abs(value) < 1e6 else f"{value:,.0f}"
