"""Charts out of a few lines of text."""

import pytest

from library import charts

BARS = """
type: bars
title: Call minutes: a year
description: They rise.
unit: times
January: 7.2
February: 7.5
December: 13
"""


class ReadTests:
    def test_takes_what_is_said_and_the_values(self):
        chart = charts.read(BARS)

        assert (chart.type, chart.title, chart.unit) == ("bars", "Call minutes: a year", "times")
        assert chart.points == [("January", [7.2]), ("February", [7.5]), ("December", [13.0])]

    def test_a_line_may_have_several_series(self):
        chart = charts.read("type: line\ntitle: x\nseries: last year | this year\n2024: 1,000 | 3\n2025: 2 | 21")

        assert chart.series == ["last year", "this year"]
        assert chart.points[0] == ("2024", [1000.0, 3.0])

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "it has no title"),
            ("title: x", "it has 0 values"),
            ("title: x\na: 1", "it has 1 values"),
            ("title: x\na: 1\nb", "line 3 is not like"),
            ("title: x\na: 1\nb: two", "line 3 has “two” where a number should be"),
            ("title: x\na: 1\nb: -2", "line 3 has a number that cannot be drawn"),
            ("title: x\na: 1\nb: nan", "line 3 has a number that cannot be drawn"),
            ("title: x\na: 1\nb: inf", "line 3 has a number that cannot be drawn"),
            ("title: x\ntype: pie\na: 1\nb: 2", "the type “pie” is neither"),
            ("title: x\na: 1 | 2\nb: 2 | 3", "bars show one value"),
            ("title: x\ntype: line\na: 1 | 2\nb: 2", "every line must have the same number"),
            ("title: x\nseries: a | b\na: 1\nb: 2", "does not have a name for each column"),
            ("title: x\n" + "\n".join(f"n{number}: 1" for number in range(61)), "it has 61 values"),
        ],
    )
    def test_what_is_no_chart_is_refused_with_the_reason(self, text, why):
        with pytest.raises(charts.BadChart, match=why.replace("|", r"\|")):
            charts.read(text)


class ScaleTests:
    @pytest.mark.parametrize(
        ("greatest", "ticks"),
        [
            (13, [0, 2.5, 5, 7.5, 10, 12.5, 15]),
            (6.44, [0, 2, 4, 6, 8]),
            (100, [0, 20, 40, 60, 80, 100]),
            (0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
            (0, [0, 1]),
        ],
    )
    def test_its_numbers_are_round_and_reach_the_greatest(self, greatest, ticks):
        assert charts.scale(greatest) == ticks


class LayoutTests:
    def test_bars_stand_on_the_base_and_the_greatest_is_the_highest(self):
        layout = charts.layout(charts.read(BARS))

        assert all(bar["y"] + bar["height"] == layout["base"] for bar in layout["bars"])
        assert min(layout["bars"], key=lambda bar: bar["y"]) == layout["bars"][2]
        assert layout["rows"][0] == ("January", ["7.2"])

    def test_of_many_names_only_as_many_as_can_be_read_are_written(self):
        text = "title: x\n" + "\n".join(f"a rather long name {number}: {number}" for number in range(30))

        assert len(charts.layout(charts.read(text))["labels"]) < 8

    def test_nothing_lies_outside(self):
        layout = charts.layout(charts.read("type: line\ntitle: x\na: 0\nb: 5\nc: 10"))

        for x, y in layout["lines"][0]["dots"]:
            assert 0 <= x <= charts.WIDTH
            assert 0 <= y <= charts.HEIGHT
