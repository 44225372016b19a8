"""Links between nodes, over a real Redis."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from signaling.links import Link, _Waiting
from tests.cast import until
from tests.redis_server import RedisServer

QUIET = {"test_every": 60.0, "patience": 120.0}
PARCEL = ("room", "peer", b"text")


@asynccontextmanager
async def running(link: Link):
    serving = asyncio.get_running_loop().create_task(link.serve())
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@asynccontextmanager
async def open_link(redis: RedisServer, **times):
    """A link of a node of its own, and what has arrived there."""
    arrived = []
    link = Link(redis.url, lambda *parcel: arrived.append(parcel), **{"test_every": 0.1, "patience": 1.0, **times})
    async with running(link):
        async with asyncio.timeout(10):
            await link.is_proven()
        yield link, arrived


@pytest.fixture
def redis():
    with RedisServer() as running:
        yield running


class LinkTests:
    async def test_what_is_posted_arrives_once_and_in_order(self, redis):
        async with open_link(redis) as (alices, _), open_link(redis) as (bobs, arrived):
            parcels = [("room", "peer", b"%d" % number) for number in range(2000)]

            for parcel in parcels:
                alices.post(bobs.address, *parcel)

            await until(lambda: len(arrived) == len(parcels))
            assert arrived == parcels

    async def test_what_gathers_goes_as_few_messages(self, redis):
        async with open_link(redis, **QUIET) as (bobs, arrived), open_link(redis, **QUIET) as (alices, _):
            before = redis.calls("publish")

            for _number in range(1000):
                alices.post(bobs.address, "room", "peer", b"x" * 1000)

            await until(lambda: len(arrived) == 1000)
            assert redis.calls("publish") - before == 4  # of 256 KiB at most

    async def test_a_few_that_come_seldom_go_at_once_and_many_gather(self, redis):
        async with open_link(redis, **QUIET) as (bobs, arrived), open_link(redis, **QUIET) as (alices, _):
            await asyncio.sleep(0.1)  # since what it has sent to itself
            at_once, before = [], redis.calls("publish")

            for _number in range(3):
                alices.post(bobs.address, *PARCEL)
                await asyncio.sleep(0)
                at_once.append(alices.waiting == 0)
            for _number in range(300):
                alices.post(bobs.address, *PARCEL)
                await asyncio.sleep(0)

            await until(lambda: len(arrived) == 303)
            assert at_once == [True, True, True]
            assert 4 <= redis.calls("publish") - before < 50

    async def test_a_wire_that_takes_more_again_leaves_no_timer_behind(self, redis):
        """Each that is left would go on for ever, beside the others, for as long as there is something to send."""
        async with open_link(redis, **QUIET) as (bobs, _), open_link(redis, **QUIET) as (alices, _):
            while not alices.waiting:
                alices.post(bobs.address, *PARCEL)
                await asyncio.sleep(0)
            timer = alices._flush_due

            alices._wire._can_write()

            assert timer.cancelled()
            assert alices.waiting == 0

    async def test_a_host_that_is_gone_without_a_word_is_tried_anew(self, redis, caplog):
        async with open_link(redis, patience=0.5) as (link, _):
            first = redis.listeners()
            redis.freeze()
            await until(lambda: "does not answer" in caplog.text)
            redis.thaw()

            await until(lambda: link.is_up)

            assert first and first.isdisjoint(redis.listeners())

    async def test_a_lost_host_stops_its_own_links_only(self, redis):
        with RedisServer() as second:
            async with (
                open_link(redis) as (alices, _),
                open_link(redis) as (bobs, arrived),
                open_link(second) as (lost, _),
            ):
                second.kill()
                await until(lambda: not lost.is_up)

                alices.post(bobs.address, *PARCEL)

                await until(lambda: arrived == [PARCEL])
                assert alices.is_up and bobs.is_up

    async def test_a_link_is_down_while_redis_hangs_and_up_again_afterwards(self, redis):
        async with open_link(redis) as (link, _):
            assert link.is_up

            redis.freeze()
            await until(lambda: not link.is_up)
            redis.thaw()

            await until(lambda: link.is_up)

    async def test_a_link_comes_back_when_redis_is_started_anew(self, redis):
        async with open_link(redis) as (alices, _), open_link(redis) as (bobs, arrived):
            redis.kill()
            await until(lambda: not alices.is_up and not bobs.is_up)
            redis.start()
            await until(lambda: alices.is_up and bobs.is_up)

            alices.post(bobs.address, *PARCEL)

            await until(lambda: arrived == [PARCEL])

    async def test_what_has_waited_for_too_long_is_dropped(self, redis):
        async with open_link(redis) as (alices, _), open_link(redis) as (bobs, arrived):
            redis.kill()
            await until(lambda: not alices.is_up)
            alices.post(bobs.address, "room", "peer", b"old")
            await asyncio.sleep(2.1)
            redis.start()
            await until(lambda: alices.is_up and bobs.is_up)

            alices.post(bobs.address, "room", "peer", b"new")

            await until(lambda: arrived)
            assert [text for _, _, text in arrived] == [b"new"]
            assert alices.tally.dropped >= 1

    async def test_what_is_too_much_is_dropped(self, redis):
        async with open_link(redis) as (alices, _), open_link(redis) as (bobs, arrived):
            redis.kill()
            await until(lambda: not alices.is_up)
            for number in range(3000):
                alices.post(bobs.address, "room", "peer", b"%1000d" % number)
            redis.start()
            await until(lambda: alices.is_up and bobs.is_up)

            alices.post(bobs.address, "room", "peer", b"last")

            await until(lambda: arrived and arrived[-1][2] == b"last")
            assert len(arrived) <= 1 + 1024 * 1024 // 1000
            assert alices.tally.dropped >= 3000 - 1024 * 1024 // 1000
            assert alices.waiting == 0

    def test_what_was_sent_makes_room_again_while_more_waits(self):
        waiting, parcel = _Waiting(), ("room", "peer", b"x" * 100_000)
        for _ in range(4):
            waiting.add(*parcel)

        for _ in range(20):
            assert [waiting.add(*parcel) for _ in range(2)] == [True, True]
            assert len(waiting.take()[0]) == 2 * len(parcel)

        assert waiting.size == 400_000

    async def test_what_it_sends_to_itself_tells_the_delay(self, redis):
        async with open_link(redis) as (link, _):
            await until(lambda: sum(link.tally.delays.counts) > 2)

            assert link.tally.delays.total > 0

    async def test_a_redis_that_is_away_at_the_start_is_waited_for(self, redis, caplog):
        redis.kill()
        link = Link(redis.url, print, test_every=0.1, patience=1.0)
        async with running(link):
            await until(lambda: "cannot be reached" in caplog.text)
            assert not link.is_up

            redis.start()

            await until(lambda: link.is_up)

    async def test_a_redis_that_wants_a_password_gets_the_one_of_its_address(self, redis):
        redis.command("CONFIG", "SET", "requirepass", "swordfish")
        link = Link(f"{redis.url}?password=swordfish", print, test_every=0.1, patience=1.0)
        async with running(link):
            await until(lambda: link.is_up)

    async def test_a_redis_that_refuses_us_is_complained_of_once(self, redis, caplog):
        redis.command("CONFIG", "SET", "requirepass", "swordfish")
        link = Link(redis.url, print, test_every=0.1, patience=1.0)
        async with running(link):
            await until(lambda: "cannot be reached" in caplog.text)
            assert not link.is_up
        assert caplog.text.count("cannot be reached") == 1
