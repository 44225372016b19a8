"""Calls that are over, into the database: each once, whatever happens on the way. In processes of their own, as nodes are."""

import asyncio
import math
import re

import msgspec
import pytest
from channels.db import database_sync_to_async
from django.db import DatabaseError
from msgspec.structs import replace
from redis.asyncio import Redis

from signaling.models import Call
from signaling.records import keep_recording, record_calls
from signaling.rooms import EndedCall
from signaling.rooms.memory import MemoryRooms
from signaling.rooms.redis import RedisRooms
from tests.cast import ALICE, BOB, Clock, entry, until
from tests.scale import scaled
from tests.server import BASE_DIR
from tests.signaling.databases import Database


@pytest.fixture
async def rooms(redis_socket):
    async with Redis(unix_socket_path=redis_socket) as client:
        await client.flushall()
        yield RedisRooms(client, quarantine=0)


def _pack(ended: EndedCall) -> bytes:
    return msgspec.msgpack.encode(ended)


def _put_back() -> str:
    """The script of the paper."""
    return re.search(r'redis-cli EVAL "(.+?)" 0', (BASE_DIR / "docs" / "data.md").read_text(), re.DOTALL)[1]


async def call(rooms, room: str, *, connected: bool = True, relayed: bool = False) -> None:
    """A short one."""
    for peer in (ALICE + room, BOB + room):
        await rooms.join(entry(peer, room=room), capacity=2)
    if connected:
        await rooms.report(room, ALICE + room, connection=1, relayed=relayed)
    for peer in (ALICE + room, BOB + room):
        await rooms.leave(room, peer, connection=1)


class RecorderTests:
    async def test_two_at_the_same_time_record_each_call_once(self, rooms, database, redis_socket):
        for number in range(scaled(2000)):
            await call(rooms, f"room {number}", connected=number % 3 > 0, relayed=number % 2 > 0)
        ended = await rooms.ended_calls(10_000)
        assert len(ended) == scaled(2000)

        recorders = [database.start_recorder(redis_socket) for _ in range(2)]
        for recorder in recorders:
            recorder.stdin.write("\n")
            recorder.stdin.flush()
        for recorder in recorders:
            output, _ = recorder.communicate(timeout=120)
            assert recorder.returncode == 0 and "away" not in output

        assert await rooms.ended_calls(1) == []
        assert database.rows() == [
            [
                call.id,
                call.room,
                pytest.approx(call.started, abs=1e-5),
                pytest.approx(call.ended, abs=1e-5),
                2,
                call.connected,
                call.relayed if call.connected else None,
            ]
            for call in ended
        ]

    async def test_a_database_that_was_away_misses_none(self, rooms, tmp_path, redis_socket, postgres):
        database = Database(postgres.make_database(), tmp_path)
        await call(rooms, "before")
        recorder = database.start_recorder(redis_socket)
        postgres.kill()
        try:
            await call(rooms, "meanwhile")
            recorder.stdin.write("\n")
            recorder.stdin.flush()
            assert recorder.stdout.readline() == "away\n"
            await call(rooms, "later")
            assert len(await rooms.ended_calls(10)) == 3
        finally:
            postgres.start()

        output, _ = recorder.communicate(timeout=120)

        taken = [int(number) for number in output.split() if number != "away"]
        assert (sum(taken), taken[-1]) == (3, 0)  # two and one if the database was back before the last call was read
        assert [row[1] for row in database.rows()] == ["before", "meanwhile", "later"]

    async def test_what_was_written_but_not_yet_forgotten_is_not_written_again(self, rooms, database, redis_socket):
        """A recorder that died between the two: its entry is there again."""
        await call(rooms, "room")
        async with Redis(unix_socket_path=redis_socket) as client:
            ((_, entry),) = await client.xrange("calls:ended")
            for _ in range(2):
                database.start_recorder(redis_socket).communicate("\n", timeout=60)
                assert await client.xlen("calls:ended") == 0
                await client.xadd("calls:ended", entry)

        assert [row[1] for row in database.rows()] == ["room"]

    async def test_what_the_database_never_takes_is_set_aside_and_holds_up_nothing(self, rooms, database, redis_socket):
        sound = EndedCall("sound", "room", 1.8e9, 1.8e9 + 60, largest=2)
        refused = {
            "in the year 33658": replace(sound, ended=1e12),
            "far later": replace(sound, ended=1e17),
            "for ever": replace(sound, ended=math.inf),
            "fewer than none": replace(sound, largest=-1),
        }
        only_by_postgresql = {
            "a crowd": replace(sound, largest=70_000),
            "no text": replace(sound, room="a\0b"),
            "a long id" + "!" * 128: sound,
        }
        async with Redis(unix_socket_path=redis_socket) as client:
            for name, one in {**refused, **only_by_postgresql, "sound": sound}.items():
                await client.xadd("calls:ended", {"call": _pack(replace(one, id=name))})
            packed = b"\xff", _pack(sound).replace(b"room", b"\xff" * 4), b""
            unread = [await client.xadd("calls:ended", {"call": text}) for text in packed]
            await call(rooms, "last")

            output, log = database.start_recorder(redis_socket).communicate("\n", timeout=60)
            aside = {name.decode() for name in await client.hkeys("calls:refused")}

            assert (output.splitlines()[-1], await client.xlen("calls:ended")) == ("0", 0)
        recorded = {row[0] for row in database.rows()}
        last = next(name for name in recorded if name.startswith("last."))
        assert {"sound", last} <= recorded and refused.keys() <= aside and not recorded & aside
        unread = {entry.decode() for entry in unread}
        assert recorded | aside == {*refused, *only_by_postgresql, *unread, "sound", last}
        assert all(log.count(f"{name!r}") == 1 for name in aside)

    async def test_what_was_set_aside_is_put_back_by_hand(self, rooms, redis_socket):
        """As docs/data.md has it."""
        ended = EndedCall("call", "room", 1.8e9, 1.8e9 + 60, largest=2)
        assert [await rooms.set_aside(ended) for _ in range(2)] == [True, False]

        async with Redis(unix_socket_path=redis_socket) as client:
            await client.eval(_put_back(), 0)

            assert [replace(call, entry="") for call in await rooms.ended_calls(10)] == [ended]
            assert not await client.exists("calls:refused")


@pytest.mark.django_db(transaction=True)
class MemoryTests:
    async def test_calls_of_one_process_are_recorded_and_forgotten(self):
        clock = Clock()
        rooms = MemoryRooms(clock=clock, wall=clock)
        for number in range(3):
            await call(rooms, f"room {number}")
            clock.move(60)

        assert [await record_calls(rooms, count=2) for _ in range(3)] == [2, 1, 0]

        assert [known.room async for known in Call.objects.order_by("started")] == ["room 0", "room 1", "room 2"]

    async def test_what_is_refused_holds_up_nothing(self, caplog):
        rooms = MemoryRooms()
        for number in range(3):
            await call(rooms, f"room {number}")
        rooms._ended[1] = replace(rooms._ended[1], ended=1e12)

        assert [await record_calls(rooms, count=2) for _ in range(3)] == [2, 1, 0]

        assert [known.room async for known in Call.objects.order_by("started")] == ["room 0", "room 2"]
        assert [record.room for record in caplog.records] == ["room 1"]

    async def test_whatever_goes_wrong_it_is_tried_again(self):
        rooms = MemoryRooms()
        await call(rooms, "room")
        read, mistakes = rooms.ended_calls, [ValueError("ours"), ConnectionError("Redis"), DatabaseError("database")]

        async def stumble(count: int) -> list[EndedCall]:
            if mistakes:
                raise mistakes.pop()
            return await read(count)

        rooms.ended_calls = stumble
        recording = asyncio.create_task(keep_recording(rooms, every=0.01))
        await until(lambda: recording.done() or not rooms._ended)
        recording.cancel()

        assert [known.room async for known in Call.objects.all()] == ["room"]

    async def test_a_clock_that_jumped_while_it_connected_keeps_no_call_from_being_recorded(self):
        """A column holds 24 days."""
        ended = EndedCall("call", "room", 1.8e9, 1.8e9 + 60, largest=2, connected=True, connect_seconds=1e9)

        await database_sync_to_async(Call.objects.record)([ended])

        assert (await Call.objects.aget()).connect_ms == 2**31 - 1

    async def test_nothing_is_known_of_the_path_of_a_call_that_was_not_connected(self):
        rooms = MemoryRooms()
        await call(rooms, "room", connected=False)

        await record_calls(rooms)

        known = await Call.objects.aget()
        assert (known.connected, known.relayed) == (False, None)
