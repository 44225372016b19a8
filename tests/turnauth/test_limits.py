"""How many requests are let through, and who counts as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnauth.limits import Meter, counted_as


class MeterTests:
    def test_so_many_at_once_and_then_one_after_the_other(self):
        meter = Meter()

        assert [meter.take("alice", now=100, per_minute=3) for _ in range(3)] == [0, 0, 0]
        assert meter.take("alice", now=100, per_minute=3) == pytest.approx(20)
        assert meter.take("alice", now=119, per_minute=3) == pytest.approx(1)
        assert meter.take("alice", now=120, per_minute=3) == 0
        assert meter.take("alice", now=120, per_minute=3) == pytest.approx(20)

    def test_who_is_refused_pays_nothing(self):
        meter = Meter()
        meter.take("alice", now=0, per_minute=1)

        assert {meter.take("alice", now=30, per_minute=1) for _ in range(9)} == {30}

    def test_callers_do_not_share(self):
        meter = Meter()
        meter.take("alice", now=0, per_minute=1)

        assert meter.take("bob", now=0, per_minute=1) == 0

    def test_whoever_has_all_back_is_forgotten(self):
        meter = Meter(tidy_above=3)
        for number in range(3):
            meter.take(str(number), now=0, per_minute=60)

        meter.take("late", now=2, per_minute=60)

        assert len(meter) == 1

    @given(st.lists(st.floats(0, 300), min_size=1, max_size=60), st.integers(1, 10))
    def test_no_minute_lets_more_than_twice_the_rate_through(self, times, per_minute):
        meter = Meter()
        passed = [now for now in sorted(times) if not meter.take("alice", now=now, per_minute=per_minute)]

        for begin in passed:
            assert sum(begin <= now < begin + 60 for now in passed) <= 2 * per_minute

    @given(st.lists(st.floats(0, 100), max_size=30))
    def test_a_clock_that_goes_back_raises_nothing_and_gives_no_more(self, times):
        meter = Meter()

        assert sum(not meter.take("alice", now=now, per_minute=2) for now in times) <= 2 + 100 / 30


class CountedAsTests:
    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("", "unknown"),
            ("somewhere", "unknown"),
        ],
    )
    def test_one_is_an_address_or_a_network_of_64_bits(self, address, expected):
        assert counted_as(address) == expected
