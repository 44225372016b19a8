"""From minutes to machines and money, without a database."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import crowd, model
from capacity.costs import Costs
from capacity.plan import Given, reached, sizes, steps
from capacity.traffic import MINUTES_A_WEEK, PEAK, coming, curve
from signaling.growth import Month
from tests.scale import scaled

COSTS = Costs(
    message_us=100,
    join_us=1340,
    socket_us=35.4,
    socket_kib=19.5,
    redis_message_us=40,
    redis_join_us=557,
    redis_socket_us=11.5,
    relay_us=1300,
    page_us=16_820,
    kept_page_us=3260,
    rows_a_second=4000,
)
GIVEN = Given(COSTS, model.Assumptions(), model.Machines(), model.Prices())
MINUTES = st.floats(0, 1e11)


def instances(minutes: float, given: Given = GIVEN) -> list[int]:
    return [need.instances for need in model.month(minutes, *given).needs]


class LoadTests:
    def test_follows_the_formulas(self):
        a = model.Assumptions(call_minutes=10, waiting_minutes=1, people=2, joins=1, peak=2, chance=0, relayed=0.5)
        load = model.load(10 * 365.25 / 12 * 24 * 60, a)  # a call begins each minute, two when it is busy

        assert load.calls == pytest.approx(20)
        assert load.sockets == pytest.approx(42)
        assert load.joins == pytest.approx(4 / 60)
        assert load.relay_mbit == pytest.approx(10 * 2 * 1.5)

    def test_a_call_without_length_is_refused(self):
        with pytest.raises(ValueError, match="length"):
            model.load(1, replace(GIVEN.assumptions, call_minutes=0))


class MonthTests:
    def test_no_traffic_needs_the_minimum(self):
        month = model.month(0, *GIVEN)

        assert [need.instances for need in month.needs] == [2, 2, 1, 2, 1]
        assert {need.by for need in month.needs} == {"minimum"}
        assert month.one_machine == month.egress_gb == 0
        assert month.dollars > 0

    @given(MINUTES, MINUTES)
    def test_more_minutes_never_need_or_cost_less(self, one, other):
        less, more = (model.month(minutes, *GIVEN) for minutes in sorted((one, other)))

        assert all(a.instances <= b.instances for a, b in zip(less.needs, more.needs, strict=True))
        assert less.dollars <= more.dollars and less.one_machine <= more.one_machine

    @given(MINUTES, st.sampled_from(["message_us", "join_us", "socket_us", "redis_join_us"]), st.floats(1, 10))
    def test_what_costs_more_never_needs_less(self, minutes, name, times):
        dearer = GIVEN._replace(costs=replace(COSTS, **{name: getattr(COSTS, name) * times}))

        assert all(a <= b for a, b in zip(instances(minutes), instances(minutes, dearer), strict=True))

    @given(MINUTES)
    def test_no_instance_is_used_beyond_what_it_may_be(self, minutes):
        for need in model.month(minutes, *GIVEN).needs:
            assert need.exact <= need.instances + 1e-6

    @given(MINUTES)
    def test_one_instance_fewer_is_too_few_or_below_the_minimum(self, minutes):
        for need in model.month(minutes, *GIVEN).needs:
            assert need.by == "minimum" or need.exact > need.instances - 1

    def test_what_is_scarcest_decides(self):
        crowded = GIVEN._replace(machines=replace(GIVEN.machines, sockets_an_instance=100))
        need = next(need for need in model.month(1e8, *crowded).needs if need.tier == "signaling")

        assert need.by == "sockets"

    @pytest.mark.parametrize(("relay_us", "by"), [(1300, "traffic"), (13_000, "processor")])
    def test_of_a_relay_that_is_its_network_or_its_processor(self, relay_us, by):
        given = GIVEN._replace(costs=replace(COSTS, relay_us=relay_us))
        need = next(need for need in model.month(1e9, *given).needs if need.tier == "turn")

        assert need.by == by

    def test_large_amounts_of_egress_are_cheaper(self):
        free = {f"{tier}_hour": 0 for tier in model.TIERS} | {"balancers_hour": 0, "storage_gb": 0}
        prices = model.Prices(**free)
        a = model.Assumptions(relayed=1, people=1, relay_kbit=8e6 / 60, pages=0)  # a GB a minute

        dollars = [
            model.month(gb, COSTS, a, GIVEN.machines, prices).dollars for gb in (10_000, 50_000, 150_000, 151_000)
        ]

        assert dollars == pytest.approx([900, 900 + 3400, 900 + 3400 + 7000, 900 + 3400 + 7000 + 50])


class GrowthTests:
    FROM = Month(2026, 3)

    def test_a_year_later_it_is_the_growth(self):
        months = list(coming(self.FROM, 100, growth=7.5, season=2, count=13))

        assert months[0] == (self.FROM, 100)
        assert months[12] == (Month(2027, 3), pytest.approx(750))

    def test_a_december_stands_out(self):
        months = dict(coming(self.FROM, 100, growth=7.5, season=13 / 7.5, count=24))

        assert months[Month(2027, 12)] == pytest.approx(7.5 * months[Month(2026, 12)])
        assert months[Month(2026, 12)] > months[Month(2027, 1)]

    def test_a_december_to_begin_with_is_not_counted_twice(self):
        months = list(coming(Month(2026, 12), 260, growth=1, season=2, count=2))

        assert [minutes for _, minutes in months] == [260, pytest.approx(130)]

    @given(st.floats(0, 1e9), st.floats(0.1, 20), st.floats(0.1, 20), st.integers(2, 36))
    def test_more_growth_never_needs_less(self, minutes, one, other, count):
        less, more = (
            steps(coming(self.FROM, minutes, growth=growth, season=1.7, count=count), GIVEN)
            for growth in sorted((one, other))
        )

        for a, b in zip(less, more, strict=True):
            assert a.minutes <= b.minutes * (1 + 1e-9)
            assert all(x.instances <= y.instances for x, y in zip(a.month.needs, b.month.needs, strict=True))

    def test_says_when_a_limit_is_not_enough_any_more(self):
        found = steps(coming(self.FROM, 1e6, growth=7.5, season=1, count=36), GIVEN)
        when = reached(found, {"turn": 10, "signaling": 10_000})

        assert when["signaling"] is None
        first = next(step for step in found if step.month.needs[3].instances > 10)
        assert when["turn"] == first.name

    def test_sizes_stand_by_themselves(self):
        one, both = sizes([1000], GIVEN), sizes([10, 1000], GIVEN)

        assert one[0] == both[1]


class CurveTests:
    def test_its_mean_is_one(self):
        assert sum(map(curve, range(MINUTES_A_WEEK))) / MINUTES_A_WEEK == pytest.approx(1)

    def test_its_peak_is_on_the_evening_of_a_weekday(self):
        assert PEAK == max(map(curve, range(MINUTES_A_WEEK))) == curve(20 * 60 - 60)

    @given(st.floats(0, 10 * MINUTES_A_WEEK))
    def test_never_stops(self, minute):
        assert 0 < curve(minute) <= PEAK


class SimulationTests:
    """The formulas against calls that come, wait and end one by one."""

    @pytest.mark.parametrize(
        ("minutes", "figures"),
        [(1e6, ["calls", "sockets"]), (1e7, model.Load._fields), (3e7, model.Load._fields)][: 1 + scaled(2)],
    )
    def test_the_busiest_minute_of_a_week_is_at_most_what_the_model_says_and_not_much_less(self, minutes, figures):
        a = model.Assumptions()

        said, seen = model.load(minutes, a), crowd.busiest(minutes, a, random=Random(1))

        for name in figures:
            share = getattr(seen, name) / getattr(said, name)
            assert 0.5 < share <= 1.1, f"{name}: {share:.0%}"
