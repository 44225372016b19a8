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

RULES = rules(paper.BEANSTALK, "signaling")
SMALL = Scaling("Connections", 100, 2, 6, cooldown_seconds=120, warmup_seconds=180)


@cache
def played(*, times: float = 1, is_on: bool = True, **year: float) -> scaling.Outcome:
    costs = read(RESULTS.read_text())
    changed = RULES._replace(target=RULES.target * times)
    groups = (model.Assumptions(), model.Machines())
    return scaling.simulate(scaling.Year(**year), changed, costs, *groups, is_on=is_on)


class YearTests:
    def test_as_it_is_set_up_no_more_minutes_are_short_than_may_be(self):
        assert played().minutes_short <= scaling.MOST_MINUTES_SHORT

    def test_without_scaling_more_are(self):
        assert played(is_on=False).minutes_short > scaling.MOST_MINUTES_SHORT

    def test_with_twice_the_target_more_are(self):
        assert played(times=2).minutes_short > scaling.MOST_MINUTES_SHORT

    def test_room_costs_money(self):
        assert played().machine_hours > played(times=2).machine_hours > played(is_on=False).machine_hours

    def test_what_is_short_is_short_in_the_spike(self):
        assert played().short_in_spike == played().minutes_short
        assert played(spike=1).minutes_short == 0

    @pytest.mark.parametrize("growth", [7, 8])
    def test_so_it_is_at_both_ends_of_the_growth_so_far(self, growth):
        assert played(growth=growth).minutes_short <= scaling.MOST_MINUTES_SHORT


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

    def test_json_has_what_was_short_and_what_it_costs(self):
        out = StringIO()
        call_command("autoscaling", self.FOLDER, "--json", stdout=out)

        told = json.loads(out.getvalue())
        assert told["minutes_short"] == played().minutes_short
        assert told["dollars"] == round(played().machine_hours * model.Prices().signaling_hour)

    @pytest.mark.parametrize("arguments", [["--off"], ["--target-times=2"], ["--limit-minutes=0"]])
    def test_ends_with_an_error_when_more_is_short_than_may_be(self, arguments):
        out = StringIO()
        with pytest.raises(CommandError, match=r"short: [0-9,]+ minutes were short of capacity"):
            call_command("autoscaling", self.FOLDER, *arguments, stdout=out)

        assert "machine hours" in out.getvalue()

    def test_the_charts_of_the_paper_are_those_that_it_draws(self, tmp_path):
        call_command("autoscaling", self.FOLDER, f"--plot={tmp_path}", stdout=StringIO())

        drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
        assert sorted(drawn) == ["autoscaling-spike.svg", "autoscaling-year.svg"]
        assert drawn == {name: (paper.DOCS / name).read_text() for name in drawn}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--beanstalk=docs"], "no-files"),
            (["--target-times=0"], "bad-value: --target-times"),
            (["--spike-day=400"], "bad-value: --spike-day must be below 364"),
            (["--growth=0"], "bad-value: --growth must be more than 0"),
            (["--growth=x"], "is no amount"),
            (["--results=/nowhere"], "no-file: /nowhere cannot be read"),
            (["--plot=/nowhere"], "no-folder"),
        ],
    )
    def test_a_wrong_argument_is_said(self, arguments, words):
        with pytest.raises(CommandError, match=words):
            call_command("autoscaling", self.FOLDER, *arguments, stdout=StringIO())
