"""The table of what was seen, as it is read."""

import pytest

from tests.nat import table
from tests.nat.outcome import Outcome

_DIRECT = Outcome("full", "port", True, ("srflx/udp", "prflx/udp"), 400, 500)
_RELAYED = Outcome("noudp", "port", True, ("relay/tcp", "srflx/udp"), 600, None)
_APART = Outcome("sym", "sym", False)


class RowTests:
    @pytest.mark.parametrize(
        ("outcome", "row"),
        [
            (_DIRECT, "| full | port | yes | srflx/udp – prflx/udp | 400 ms | 500 ms |"),
            (_RELAYED, "| noudp | port | yes | relay/tcp – srflx/udp | 600 ms |  |"),
            (_APART, "| sym | sym | **no** |  |  |  |"),
        ],
    )
    def test_it_says_how_they_are_connected_or_that_they_are_not(self, outcome, row):
        assert table.row(outcome) == row


class SummaryTests:
    def test_it_counts_and_names_the_middle_and_the_worst(self):
        assert table.summary([_DIRECT, _RELAYED, _APART]) == (
            "2 of 3 pairs connect, 1 of them through the relay; to connect: median 500 ms, at most 600 ms."
        )

    def test_it_has_no_times_when_nobody_connects(self):
        assert table.summary([_APART]) == "0 of 1 pairs connect, 0 of them through the relay."


class ReportTests:
    def test_it_holds_both_tables_and_explains_each_kind(self):
        text = table.report({table.WITH_TURN: [_RELAYED], table.WITHOUT_TURN: [_APART]}, stamp="today, commit abc")

        for part in ("today, commit abc", table.row(_RELAYED), table.row(_APART), "- `noudp`: UDP is blocked"):
            assert part in text
