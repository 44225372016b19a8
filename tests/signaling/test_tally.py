"""What a node counts."""

import pytest

from signaling.tally import Spread


class SpreadTests:
    def test_a_value_lies_in_the_first_bucket_whose_bound_it_does_not_exceed(self):
        spread = Spread((0.1, 1.0))

        for value in (0.05, 0.1, 0.5, 2.0):
            spread.add(value)

        assert spread.counts == [2, 1, 1]
        assert spread.total == pytest.approx(2.65)
