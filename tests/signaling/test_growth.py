"""Call minutes by month, without a database."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.growth import Month, Total, as_csv, as_json, as_table, rows

JULY = Month(2026, 7)
TOTALS = [
    Total(Month(2025, 7), seconds=6000, calls=10, unconnected=1),
    Total(Month(2026, 6), seconds=0, calls=0, unconnected=4),
    Total(Month(2026, 7), seconds=45_000, calls=70, unconnected=2, relayed=14, connect_seconds=0.8),
]


class MonthTests:
    def test_is_written_as_it_is_read(self):
        assert str(Month.parse("2026-07")) == "2026-07"

    @pytest.mark.parametrize(
        "text", ["", "2026", "2026-7", "2026-13", "2026-00", "26-07", "2026-07-01", "2026/07", "0001-01", "٢٠٢٦-٠٧"]
    )
    def test_other_text_is_refused(self, text):
        with pytest.raises(ValueError, match="2026-07"):
            Month.parse(text)

    @given(st.integers(2, 9997), st.integers(1, 12))
    def test_twelve_months_are_a_year(self, year, month):
        start = later = Month(year, month)
        for _ in range(12):
            assert later < later.next
            later = later.next

        assert later.year_before == start


class RowsTests:
    def test_every_month_from_the_first_call_to_now_has_one(self):
        months = rows(TOTALS, this_month=Month(2026, 8))

        assert [str(row.month) for row in months] == [
            *(f"2025-{month:02}" for month in range(7, 13)),
            *(f"2026-{month:02}" for month in range(1, 9)),
        ]
        assert [row.calls for row in months] == [10, *[0] * 11, 70, 0]
        assert [row.is_over for row in months] == [True] * 13 + [False]

    def test_growth_is_how_many_times_the_same_month_of_the_year_before(self):
        growth = {str(row.month): row.growth for row in rows(TOTALS, this_month=Month(2027, 7))}

        assert growth["2026-07"] == 7.5
        assert growth["2027-07"] == 0
        assert growth["2025-07"] is None
        assert growth["2027-06"] is None  # against nothing there is no growth

    def test_only_the_months_that_were_asked_for_are_told(self):
        (row,) = rows(TOTALS, this_month=Month(2026, 8), since=JULY, until=JULY)

        assert (row.month, row.minutes, row.growth, row.unconnected) == (JULY, 750, 7.5, 2)

    def test_without_any_call_there_is_this_month(self):
        (row,) = rows([], this_month=JULY)

        assert (row.month, row.calls, row.minutes, row.growth) == (JULY, 0, 0, None)


class FormatTests:
    ROWS = rows(TOTALS, this_month=JULY, since=Month(2026, 6), until=JULY)

    def test_a_table_for_people(self):
        assert as_table(self.ROWS).splitlines()[:3] == [
            "month     calls  minutes  growth  unconnected  mean  relayed  connect",
            "2026-06       0        0       –            4     –        –        –",
            "2026-07*     70      750    7.50            2  10.7      20%     0.80",
        ]
        assert as_table(self.ROWS).endswith("*: not over yet.")

    def test_a_month_that_is_over_has_no_star(self):
        assert "*" not in as_table(self.ROWS[:1])

    def test_csv_for_a_spreadsheet(self):
        assert list(csv.reader(as_csv(self.ROWS).splitlines())) == [
            ["month", "calls", "minutes", "growth", "unconnected", "mean_minutes", "relayed_share", "connect_seconds"],
            ["2026-06", "0", "0.00", "", "4", "", "", ""],
            ["2026-07", "70", "750.00", "7.5000", "2", "10.7143", "0.2000", "0.8000"],
        ]

    def test_json_for_programs(self):
        assert json.loads(as_json(self.ROWS))[1] == {
            "month": "2026-07",
            "calls": 70,
            "minutes": 750.0,
            "growth": 7.5,
            "unconnected": 2,
            "is_over": False,
            "mean_minutes": 10.7143,
            "relayed_share": 0.2,
            "connect_seconds": 0.8,
        }
