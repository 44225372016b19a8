"""Token buckets, and whom a limit by address counts as one."""

from hypothesis import given
from hypothesis import strategies as st

from signaling import conf
from signaling.limits import BucketTable, Limits, TokenBucket


def test_a_site_that_sets_nothing_has_the_figures_of_the_paper():
    assert conf.limits() == Limits()
    assert (conf.lease(), conf.quarantine()) == (15, 12)  # within 20 seconds the place of a dead node's people is free


class TokenBucketTests:
    def test_a_burst_goes_through_and_the_next_one_hears_how_long_to_wait(self):
        bucket = TokenBucket(rate=2, burst=3, now=0)

        assert [bucket.take(0) for _ in range(4)] == [0, 0, 0, 0.5]

    def test_it_fills_again_up_to_the_burst(self):
        bucket = TokenBucket(rate=2, burst=3, now=0)
        for _ in range(3):
            bucket.take(0)

        assert [bucket.take(100) > 0 for _ in range(4)] == [False, False, False, True]

    def test_what_is_given_back_can_be_taken_once_more(self):
        bucket = TokenBucket(rate=1, burst=2, now=0)
        for _ in range(2):
            bucket.take(0)

        bucket.give_back()

        assert [bucket.take(0) for _ in range(2)] == [0, 1]

    def test_a_clock_that_goes_back_gives_nothing_away(self):
        bucket = TokenBucket(rate=1, burst=1, now=100)
        bucket.take(100)

        assert bucket.take(50) > 0
        assert bucket.take(100.5) > 0

    @given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.1, 10), st.integers(1, 5))
    def test_no_more_than_rate_and_burst_ever_pass(self, waits, rate, burst):
        bucket, now, passed = TokenBucket(rate=rate, burst=burst, now=0), 0.0, 0

        for wait in waits:
            now += wait
            passed += not bucket.take(now)

        assert passed <= burst + rate * now + 1e-6


class BucketTableTests:
    def test_each_key_has_its_own_bucket(self):
        table = BucketTable(lambda now: TokenBucket(rate=1, burst=1, now=now))

        assert [table.take("alice", 0), table.take("bob", 0)] == [0, 0]
        assert table.take("alice", 0) > 0

    def test_those_who_have_been_quiet_are_forgotten(self):
        table = BucketTable(lambda now: TokenBucket(rate=1, burst=1, now=now), tidy_above=100)
        for number in range(100):
            table.take(f"visitor {number}", 0)

        table.take("one more", 10)

        assert len(table) == 1
