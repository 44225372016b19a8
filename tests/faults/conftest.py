"""What the tests of faults share."""

import os
import random

import pytest


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be had again: TEST_SEED=… repeats what a failed test has printed."""
    seed = int(os.environ.get("TEST_SEED") or random.randrange(2**32))
    print(f"TEST_SEED={seed}")
    return random.Random(seed)
