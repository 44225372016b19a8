"""The library of the rooms, at a real Redis."""

import asyncio
import time

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from signaling.rooms import library
from signaling.rooms.redis import RedisRooms
from tests.cast import ALICE, entry

OTHER = "rooms_0123456789abcdef"


@pytest.fixture
async def redis(redis_socket):
    async with Redis(unix_socket_path=redis_socket) as client:
        await client.flushall()
        await client.function_flush()
        yield client


@pytest.fixture
def rooms(redis):
    return RedisRooms(redis, quarantine=0)


async def names(redis: Redis) -> set[str]:
    """Of the libraries that it knows."""
    return {
        dict(zip(one[::2], one[1::2], strict=True))[b"library_name"].decode() for one in await redis.function_list()
    }


async def loads(redis: Redis) -> int:
    return (await redis.info("commandstats")).get("cmdstat_function|load", {"calls": 0})["calls"]


async def load_other(redis: Redis, *, days_ago: float) -> None:
    """As a node of another version has done."""
    register = f"redis.register_function('{OTHER}', function() return 1 end)"
    await redis.function_load(f"#!lua name={OTHER}\n{register}", replace=True)
    await redis.zadd("libraries", {OTHER: time.time() - days_ago * 24 * 3600})


async def remove(redis: Redis) -> None:
    """As the first node of a newer version does."""
    await redis.zrem("libraries", library.NAME)
    await redis.function_delete(library.NAME)


class RemovingRedis(Redis):
    """Beside a node of a newer version that starts at the same moment."""

    is_removed = False

    async def function_load(self, code: str, replace: bool | None = False) -> str:
        name = await super().function_load(code, replace)
        if not self.is_removed:
            self.is_removed = True
            await remove(self)
        return name


class LibraryTests:
    async def test_a_redis_that_does_not_know_it_is_told(self, redis, rooms):
        outcome = await rooms.join(entry(ALICE), capacity=2)

        assert list(outcome.room.members) == [ALICE]
        assert await names(redis) == {library.NAME}

    async def test_a_redis_that_has_lost_it_is_told_again_and_has_lost_nobody(self, redis, rooms):
        await rooms.join(entry(ALICE), capacity=2)
        await redis.function_flush()

        assert list((await rooms.view("room")).members) == [ALICE]

    async def test_many_who_miss_it_at_the_same_time_load_it_once(self, redis, rooms):
        before = await loads(redis)

        await asyncio.gather(
            *(rooms.join(entry(f"{number:016}", room=f"{number}"), capacity=2) for number in range(50))
        )

        assert await loads(redis) - before == 1

    async def test_two_versions_serve_side_by_side(self, redis, rooms):
        await load_other(redis, days_ago=0.9)

        await rooms.join(entry(ALICE), capacity=2)

        assert await names(redis) == {library.NAME, OTHER}
        assert await redis.fcall(OTHER, 0) == 1

    async def test_a_version_that_nobody_has_loaded_for_a_day_is_removed(self, redis, rooms):
        await load_other(redis, days_ago=1.1)

        await rooms.join(entry(ALICE), capacity=2)

        assert await names(redis) == {library.NAME}
        assert await redis.zrange("libraries", 0, -1) == [library.NAME.encode()]

    async def test_one_that_was_removed_while_it_serves_comes_back(self, redis, rooms):
        await rooms.join(entry(ALICE), capacity=2)
        await remove(redis)

        assert list((await rooms.view("room")).members) == [ALICE]
        assert await names(redis) == {library.NAME}
        assert await redis.zrange("libraries", 0, -1) == [library.NAME.encode()]

    async def test_one_that_is_removed_as_soon_as_it_is_loaded_is_loaded_again(self, redis, redis_socket):
        async with RemovingRedis(unix_socket_path=redis_socket) as unlucky:
            outcome = await RedisRooms(unlucky, quarantine=0).join(entry(ALICE), capacity=2)

        assert list(outcome.room.members) == [ALICE]

    async def test_a_version_that_is_gone_already_is_no_hindrance(self, redis, rooms):
        await redis.zadd("libraries", {OTHER: 0})

        await rooms.join(entry(ALICE), capacity=2)

        assert await redis.zrange("libraries", 0, -1) == [library.NAME.encode()]

    async def test_a_call_that_fails_leaves_nothing_to_the_next(self, redis, rooms):
        await rooms.join(entry(ALICE), capacity=2)
        before = await loads(redis)
        for request in (b"", b"\xc0", rooms._request("no such operation", capacity=2), rooms._request("renew")):
            with pytest.raises(ResponseError):
                await redis.fcall(library.NAME, 2, "room:other", "boot", request)

        assert list((await rooms.view("room")).members) == [ALICE]
        assert not (await rooms.view("other")).members
        assert await loads(redis) == before
