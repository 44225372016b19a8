"""When a process rests between two readings."""

import asyncio

import pytest

from signaling.pace import ALONE, AMONG_OTHERS, Pace

NOW = 1000.0


class Watch:
    """A clock that goes on while somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def watch():
    return Watch()


def read(watch: Watch, *readings: tuple[float, int, float], period: float = ALONE) -> list[float]:
    """At so many seconds so many signals are read, which takes so long; answers the rests, in milliseconds."""

    async def run() -> None:
        pace = Pace(period, clock=watch.time, sleep=watch.sleep)
        for at, signals, takes in readings:
            watch.now = max(watch.now, NOW + at)
            for _ in range(signals):
                pace.keep()
            watch.now += takes
            await asyncio.sleep(0)

    asyncio.run(run())
    return [round(seconds * 1000, 3) for seconds in watch.slept]


def test_what_comes_seldom_waits_for_nobody(watch):
    assert read(watch, (0, 1, 0.0001), (0.009, 1, 0.0001), (0.018, 3, 0.0001)) == []


def test_what_comes_often_is_read_every_four_milliseconds(watch):
    assert read(watch, (0, 1, 0.0005), (0.001, 1, 0.0005), (0.002, 2, 0.001)) == [3.5, 3]


def test_among_other_nodes_it_is_read_every_eight_milliseconds(watch):
    readings = (0, 1, 0.0005), (0.012, 1, 0.0005), (0.013, 2, 0.001), (0.100, 1, 0.0005)

    assert read(watch, *readings, period=AMONG_OTHERS) == [7.5, 7]


def test_all_of_one_reading_have_one_rest(watch):
    assert read(watch, (0, 1, 0), (0.001, 500, 0)) == [4]


def test_who_has_much_to_do_does_not_rest(watch):
    assert read(watch, (0, 1, 0.005), (0.005, 100, 0.005), (0.010, 100, 0.02)) == []


def test_after_a_silence_nobody_waits_again(watch):
    assert read(watch, (0, 1, 0), (0.001, 1, 0), (1, 1, 0), (1.001, 1, 0)) == [4, 4]
