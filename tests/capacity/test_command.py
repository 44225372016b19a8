"""`manage.py capacity`, and the tables of docs/capacity.md that it prints."""

import csv
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from capacity.costs import Costs
from signaling.models import Call
from signaling.rooms import EndedCall
from tests.capacity import paper
from tests.scale import scaled

pytestmark = pytest.mark.slow

SMALL = ("--minutes-a-month=1000", "--growth=7.5", "--since=2027-01")


def printed(capsys, *arguments: str) -> str:
    call_command("capacity", *arguments)
    return capsys.readouterr().out


@pytest.fixture
def calls(db) -> None:
    """A month that is over, with a growth of 3 against the year before; half of its calls were relayed."""
    this = Call.objects.this_month()
    last_month = datetime(this.year, this.month, 1, tzinfo=UTC) - timedelta(days=10)
    year_before = last_month.replace(year=last_month.year - 1)
    Call.objects.record(
        [
            *(
                EndedCall(f"a{number}", "r", start, start + 1200, 2, True, relayed=number % 2 == 0)
                for number in range(6)
                for start in [last_month.timestamp() + number]
            ),
            *(
                EndedCall(f"b{number}", "r", start, start + 1200, 2, True)
                for number in range(2)
                for start in [year_before.timestamp() + number]
            ),
        ]
    )


class PlanTests:
    def test_a_table_has_a_line_for_each_month(self, capsys):
        lines = printed(capsys, *SMALL, "--months=3").splitlines()

        assert [line.split()[0] for line in lines[:4]] == ["month", "2027-01", "2027-02", "2027-03"]

    def test_json_says_what_decides(self, capsys):
        told = json.loads(printed(capsys, *SMALL, "--months=1", "--json"))

        (step,) = told["steps"]
        assert (step["month"], step["signaling"], step["signaling_by"]) == ("2027-01", 2, "minimum")
        assert told["limits"] == {}

    def test_csv_has_the_same(self, capsys):
        (step,) = csv.DictReader(printed(capsys, *SMALL, "--months=1", "--csv").splitlines())

        assert (step["month"], step["web"]) == ("2027-01", "2")

    def test_says_when_a_limit_is_reached(self, capsys):
        arguments = ("--minutes-a-month=1e8", "--growth=7.5", "--since=2027-01", "--limit=turn=20", "--limit=web=50")

        told = json.loads(printed(capsys, *arguments, "--json"))["limits"]

        assert told["turn"]["limit"] == 20 and told["turn"]["reached"].startswith("2027-")
        assert told["web"] == {"limit": 50, "reached": None}
        assert f"turn: the limit of 20 is not enough from {told['turn']['reached']} on." in printed(capsys, *arguments)

    def test_a_limit_can_be_what_beanstalk_may_start(self, capsys):
        told = json.loads(printed(capsys, *SMALL, f"--beanstalk={paper.BEANSTALK}", "--limit=turn=3", "--json"))[
            "limits"
        ]

        assert {tier: one["limit"] for tier, one in told.items()} == {"web": 12, "signaling": 12, "turn": 3}

    def test_costs_can_be_given_without_any_results(self, capsys, tmp_path):
        costs = [field.name.replace("_", "-") for field in fields(Costs) if field.name != "rows_a_second"]
        given = [f"--{name}=1" for name in costs] + ["--rows-a-second=1000", f"--results={tmp_path / 'none'}"]

        assert "2027-01" in printed(capsys, *SMALL, *given)

    def test_an_option_overrides_what_was_measured(self, capsys):
        def needed(*arguments: str) -> int:
            return json.loads(printed(capsys, "--calls-a-day=10_000_000", "--json", *arguments))["steps"][0][
                "signaling"
            ]

        assert needed("--socket-us=1000") > needed()


class GrowthSoFarTests:
    def test_the_last_whole_month_grows_on_as_it_has_grown(self, capsys, calls):
        first, second = json.loads(printed(capsys, "--json", "--months=2", "--december=1"))["steps"]

        assert first["month"] == str(Call.objects.this_month())
        assert first["minutes_a_month"] == pytest.approx(120 * 3 ** (1 / 12), abs=0.01)
        assert second["minutes_a_month"] == pytest.approx(120 * 3 ** (2 / 12), abs=0.01)

    def test_calls_are_as_long_and_as_often_relayed_as_they_were(self, capsys, calls):
        (told,) = json.loads(printed(capsys, "--json", "--months=1"))["steps"]
        same = ("--call-minutes=20", "--relayed=0.5", f"--minutes-a-month={told['minutes_a_month']}")
        (again,) = json.loads(printed(capsys, "--json", "--months=1", *same))["steps"]

        assert again["relay_mbit"] == pytest.approx(told["relay_mbit"], rel=1e-3)

    @pytest.mark.django_db
    def test_a_site_without_calls_asks_for_minutes(self):
        with pytest.raises(CommandError, match=r"no-calls: .* say --minutes-a-month"):
            call_command("capacity")


class RefusalTests:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--minutes-a-month=-1"], "is no amount"),
            (["--minutes-a-month=nan"], "is no amount"),
            (["--minutes-a-month=1", "--growth=0"], "is no growth"),
            (["--minutes-a-month=1", "--months=0"], "is no number of months"),
            (["--minutes-a-month=1", "--since=May"], "is no month"),
            (["--minutes-a-month=1", "--limit=mail=3"], "is no limit; write one of web"),
            (["--minutes-a-month=1", "--json", "--csv"], "not allowed with"),
            (["--minutes-a-month=1", "--call-minutes=0"], "bad-value: --call-minutes must be more than 0"),
            (["--minutes-a-month=1", "--relayed=1.5"], "bad-value: --relayed is a share"),
            (["--minutes-a-month=1", "--results=/nowhere"], "no-file: /nowhere cannot be read"),
            (["--minutes-a-month=1", "--results=README.md"], "no-section"),
            (["--minutes-a-month=1", "--beanstalk=docs"], "no-files: There are no option files"),
        ],
    )
    def test_a_wrong_argument_is_said(self, arguments, words):
        with pytest.raises(CommandError, match=words):
            call_command("capacity", *arguments)


# The simulation of a week is the longest of them.
@pytest.mark.parametrize("name", sorted(paper.PRINTED, key="simulated".__eq__)[: max(8, scaled(len(paper.PRINTED)))])
def test_the_paper_holds_what_the_command_prints(name):
    assert paper.parts(paper.FILE.read_text())[name] == paper.printed(name)
