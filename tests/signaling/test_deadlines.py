"""Time limits of many things, on a real event loop."""

import asyncio

import pytest

from signaling.deadlines import Deadlines
from tests.cast import until


@pytest.fixture
def over():
    return []


class DeadlinesTests:
    async def test_what_has_not_ended_in_time_is_over_in_its_order(self, over):
        deadlines = Deadlines(0.05, over.append)
        for thing in "abc":
            deadlines.begin(thing)
            await asyncio.sleep(0.01)

        await until(lambda: len(over) == 3)

        assert over == ["a", "b", "c"]
        assert len(deadlines) == 0

    async def test_nothing_is_over_before_its_time(self, over):
        loop = asyncio.get_running_loop()
        began, ended = {}, {}
        deadlines = Deadlines(0.1, lambda thing: ended.update({thing: loop.time()}))
        for thing in range(10):
            began[thing] = loop.time()
            deadlines.begin(thing)
            await asyncio.sleep(0.02)

        await until(lambda: len(ended) == 10)

        assert min(ended[thing] - began[thing] for thing in range(10)) >= 0.099

    async def test_what_has_ended_is_never_over(self, over):
        deadlines = Deadlines(0.05, over.append)
        for thing in range(6):
            deadlines.begin(thing)
        for thing in (0, 1, 3, 5):
            deadlines.end(thing)
        deadlines.end(0)
        deadlines.end("never begun")

        await until(lambda: len(over) == 2)
        await asyncio.sleep(0.1)

        assert over == [2, 4]

    async def test_what_begins_after_all_others_were_over_is_watched_too(self, over):
        deadlines = Deadlines(0.02, over.append)
        for thing in "abc":
            deadlines.begin(thing)
            await until(lambda thing=thing: over[-1:] == [thing])

        assert over == ["a", "b", "c"]

    async def test_one_that_is_over_may_end_another_and_begin_a_third(self, over):
        def act(thing: str) -> None:
            over.append(thing)
            if thing == "first":
                deadlines.end("second")
                deadlines.begin("third")

        deadlines = Deadlines(0.02, act)
        deadlines.begin("first")
        deadlines.begin("second")

        await until(lambda: len(over) == 2)

        assert over == ["first", "third"]

    async def test_many_that_end_in_time_share_one_timer(self, over):
        loop = asyncio.get_running_loop()
        made = []
        make = loop.call_later
        loop.call_later = lambda *arguments: made.append(arguments) or make(*arguments)
        deadlines = Deadlines(10, over.append)

        for thing in range(1000):
            deadlines.begin(thing)
            deadlines.end(thing)

        assert len(made) == 1
        assert len(deadlines) == 0
