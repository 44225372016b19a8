"""A year of autoscaling, played through."""

import json
from functools import cache
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from capacity import model, scaling
from capacity.beanstalk import Scaling
from capacity.costs import read
from capacity.options import RESULTS
from capacity.options import scaling as rules
from tests.capacity import paper
from tests.scale import scaled

pytestmark = pytest.mark.slow

RULES = {role: rules(paper.BEANSTALK, role) for role in scaling.ROLES}
A = model.Assumptions()
SMALL = Scaling("Connections", 100, 2, 6, cooldown_seconds=120, warmup_seconds=180)


@cache
def played(role: str, *, times: float = 1, is_on: bool = True, **year: float) -> scaling.Outcome:
    costs = read(RESULTS.read_text())
    changed = RULES[role]._replace(target=RULES[role].target * times)
    groups = (model.Assumptions(), model.Machines())
    return scaling.simulate(scaling.Year(**year), changed, costs, *groups, role=role, is_on=is_on)


@pytest.mark.parametrize("role", scaling.ROLES)
class YearTests:
    def test_as_it_is_set_up_no_more_minutes_are_short_than_may_be(self, role):
        assert played(role).minutes_short <= scaling.MOST_MINUTES_SHORT

    def test_without_scaling_more_are(self, role):
        assert played(role, is_on=False).minutes_short > scaling.MOST_MINUTES_SHORT

    def test_with_twice_the_target_more_are(self, role):
        assert played(role, times=2).minutes_short > scaling.MOST_MINUTES_SHORT

    def test_room_costs_money(self, role):
        off = played(role, is_on=False)
        assert played(role).machine_hours > played(role, times=2).machine_hours > off.machine_hours

    def test_what_is_short_is_short_in_the_spike(self, role):
        assert played(role).short_in_spike == played(role).minutes_short
        assert played(role, spike=1).minutes_short == 0

    # At both ends of the growth so far; the second is near to what is played through anyway.
    @pytest.mark.parametrize("growth", [7, 8][: max(1, scaled(2))])
    def test_so_it_is_with_other_growth(self, role, growth):
        assert played(role, growth=growth).minutes_short <= scaling.MOST_MINUTES_SHORT


class WebTests:
    COSTS = read(RESULTS.read_text())

    def test_a_machine_holds_what_its_processors_make_of_kept_and_other_pages(self):
        a, machines = model.Assumptions(kept_pages=0.25), model.Machines(vcpus=2)

        holds = scaling.tier("web", self.COSTS, a, machines).holds

        us = 0.25 * self.COSTS.kept_page_us + 0.75 * self.COSTS.page_us
        assert holds == pytest.approx(2 * 60 * 1e6 / us)
        assert scaling.tier("web", self.COSTS, model.Assumptions(kept_pages=1), machines).holds > holds

    def test_readers_count_as_much_as_callers(self):
        few, many = (
            next(iter(scaling._requests(scaling.Year(calls_a_day=1000, readers_a_day=readers), self.COSTS, A)))[0]
            for readers in (0, 6000)
        )

        assert many == pytest.approx(2 * few)


class TrafficTests:
    YEAR = scaling.Year()

    def test_ends_as_many_times_larger_as_a_december_has_grown(self):
        week = 7 * 24 * 60
        first = sum(scaling.times(minute, self.YEAR) for minute in range(week))
        last = sum(scaling.times(minute, self.YEAR) for minute in range(scaling.MINUTES - week, scaling.MINUTES))

        assert last / first == pytest.approx(13, rel=0.05)

    def test_the_spike_comes_tenfold_in_five_minutes_and_goes(self):
        plain = scaling.Year(spike=1)
        day = range(163 * 24 * 60, 164 * 24 * 60)
        shares = [scaling.times(minute, self.YEAR) / scaling.times(minute, plain) for minute in day]

        begins = next(number for number, share in enumerate(shares) if share > 1) - 1
        assert shares[begins + 5] == pytest.approx(10)
        assert shares[begins + 65] == pytest.approx(10)
        assert shares[begins + 125] == pytest.approx(1)
        assert max(shares) == pytest.approx(10)


class GroupTests:
    @given(st.lists(st.floats(0, 5000), max_size=200))
    def test_is_never_smaller_or_larger_than_it_may_be(self, traffic):
        group = scaling.Group(SMALL, 4, is_on=True)

        for minute, sockets in enumerate(traffic):
            group.observe(sockets, minute)
            assert 2 <= group.serving <= group.paid <= 6

    def test_goes_out_after_three_minutes_and_serves_when_it_is_up(self):
        group = scaling.Group(SMALL, 4, is_on=True)
        seen = []
        for minute in range(10):
            group.observe(450, minute)
            seen.append((group.paid, group.serving))

        assert seen == [(2, 2), (2, 2), (5, 2), (5, 2), (5, 2), (5, 2), (5, 5), (5, 5), (5, 5), (5, 5)]

    def test_a_moment_above_the_target_starts_nothing(self):
        group = scaling.Group(SMALL, 4, is_on=True)
        for minute in range(30):
            group.observe(450 if minute % 3 else 150, minute)

        assert group.paid == 2

    def test_goes_in_after_a_quiet_quarter_of_an_hour(self):
        group = scaling.Group(SMALL, 0, is_on=True)
        for minute in range(5):
            group.observe(450, minute)
        assert group.serving == 5
        for minute in range(5, 19):
            group.observe(150, minute)
        assert group.serving == 5
        group.observe(150, 19)

        assert group.serving == 2

    def test_nothing_happens_when_it_is_off(self):
        group = scaling.Group(SMALL, 0, is_on=False)
        for minute in range(60):
            group.observe(5000, minute)

        assert (group.paid, group.serving) == (2, 2)


class CommandTests:
    FOLDER = f"--beanstalk={paper.BEANSTALK}"

    @pytest.mark.parametrize(("role", "unit"), [("signaling", "sockets"), ("web", "requests a minute")])
    def test_json_has_what_was_short_and_what_it_costs_and_the_charts_are_those_of_the_paper(
        self, role, unit, tmp_path
    ):
        out = StringIO()
        call_command("autoscaling", self.FOLDER, f"--role={role}", "--json", f"--plot={tmp_path}", stdout=out)

        told = json.loads(out.getvalue())
        assert (told["minutes_short"], told["unit"]) == (played(role).minutes_short, unit)
        assert told["dollars"] == round(played(role).machine_hours * model.Prices().signaling_hour)
        drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
        assert sorted(drawn) == [f"autoscaling-{role}-spike.svg", f"autoscaling-{role}-year.svg"]
        assert drawn == {name: (paper.DOCS / name).read_text() for name in drawn}

    # What each of them makes of each tier is in YearTests; here it is how the command ends.
    @pytest.mark.parametrize("arguments", [["--off"], ["--role=web", "--target-times=2"], ["--limit-minutes=0"]])
    def test_ends_with_an_error_when_more_is_short_than_may_be(self, arguments):
        out = StringIO()
        with pytest.raises(CommandError, match=r"short: [0-9,]+ minutes were short of capacity"):
            call_command("autoscaling", self.FOLDER, *arguments, stdout=out)

        assert "machine hours" in out.getvalue()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--beanstalk=docs"], "no-files"),
            (["--target-times=0"], "bad-value: --target-times"),
            (["--spike-day=400"], "bad-value: --spike-day must be below 364"),
            (["--role=turn"], "bad-value: --role must be signaling or web, not 'turn'"),
            (["--kept-pages=1.5"], "bad-value: --kept-pages is a share"),
            (["--page-us=0"], "bad-value: --page-us must be more than 0"),
            (["--growth=0"], "bad-value: --growth must be more than 0"),
            (["--growth=x"], "is no amount"),
            (["--results=/nowhere"], "no-file: /nowhere cannot be read"),
            (["--plot=/nowhere"], "no-folder"),
        ],
    )
    def test_a_wrong_argument_is_said(self, arguments, words):
        with pytest.raises(CommandError, match=words):
            call_command("autoscaling", self.FOLDER, *arguments, stdout=StringIO())
