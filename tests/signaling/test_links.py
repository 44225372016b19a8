"""Links between nodes, over the stock layer and a real Redis."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer

from signaling.links import Link, Parcel
from tests.cast import until
from tests.redis_server import RedisServer


async def end(tasks: list[asyncio.Task]) -> None:
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=1)


class Counting(RedisPubSubChannelLayer):
    """Counts what it sends to each name."""

    sent = Counter()

    async def send(self, channel, message):
        self.sent[channel] += 1
        await self.__getattr__("send")(channel, message)


@asynccontextmanager
async def open_link(*redis, host=0, layer=RedisPubSubChannelLayer, **times):
    """A link of a node of its own, and what has arrived there."""
    arrived = []
    layer = layer(hosts=[one.url for one in redis])
    link = Link(layer, arrived.append, host=host, hosts=len(redis), **{"test_every": 0.1, "patience": 1.0, **times})
    running = [asyncio.get_running_loop().create_task(part) for part in link.parts()]
    try:
        async with asyncio.timeout(10):
            await link.is_proven()
        yield link, arrived
    finally:
        await end(running)
        await layer.flush()


@pytest.fixture
def redis():
    with RedisServer() as running:
        yield running


class LinkTests:
    async def test_what_is_posted_arrives_once_and_in_order(self, redis):
        async with open_link(redis) as (alices, _), open_link(redis) as (bobs, arrived):
            parcels = [Parcel("room", "peer", str(number)) for number in range(2000)]

            for parcel in parcels:
                alices.post(bobs.address, parcel)

            await until(lambda: len(arrived) == len(parcels))
            assert arrived == parcels

    async def test_what_gathers_goes_as_few_messages(self, redis):
        async with open_link(redis) as (bobs, arrived), open_link(redis, layer=Counting) as (alices, _):
            for _number in range(1000):
                alices.post(bobs.address, Parcel("room", "peer", "x" * 1000))

            await until(lambda: len(arrived) == 1000)
            assert Counting.sent[bobs.address] == 4  # of 256 KiB at most

    async def test_each_host_has_its_own_name(self, redis):
        with RedisServer() as second, RedisServer() as third:
            hosts = (redis, second, third)
            async with AsyncExitStack() as stack:
                ours = [await stack.enter_async_context(open_link(*hosts, host=number)) for number in range(3)]
                theirs = [await stack.enter_async_context(open_link(*hosts, host=number)) for number in range(3)]
                second.kill()

                for (link, _), (other, _) in zip(ours, theirs, strict=True):
                    link.post(other.address, Parcel("room", "peer", "text"))

                await until(lambda: theirs[0][1] and theirs[2][1])
                await until(lambda: not ours[1][0].is_up)
                assert theirs[1][1] == []
                assert ours[0][0].is_up and ours[2][0].is_up

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

            alices.post(bobs.address, Parcel("room", "peer", "text"))

            await until(lambda: arrived == [Parcel("room", "peer", "text")])

    async def test_what_has_waited_for_too_long_is_dropped_and_so_is_what_is_too_much(self, redis):
        async with open_link(redis) as (alices, _), open_link(redis) as (bobs, arrived):
            redis.kill()
            await until(lambda: not alices.is_up)
            for number in range(3000):
                alices.post(bobs.address, Parcel("room", "peer", f"{number:1000}"))
            redis.start()
            await until(lambda: alices.is_up and bobs.is_up)

            alices.post(bobs.address, Parcel("room", "peer", "last"))

            await until(lambda: arrived and arrived[-1].text == "last")
            assert len(arrived) <= 1 + 1024 * 1024 // 1000

    async def test_a_redis_that_is_away_at_the_start_is_waited_for(self, redis):
        redis.kill()
        arrived = []
        layer = RedisPubSubChannelLayer(hosts=[redis.url])
        link = Link(layer, arrived.append, test_every=0.1, patience=1.0)
        running = [asyncio.get_running_loop().create_task(part) for part in link.parts()]
        await until(lambda: link._complained)
        assert not link.is_up

        redis.start()

        await until(lambda: link.is_up)
        await end(running)
        await layer.flush()
