"""The switchboard: who hears of what, and who is reached."""

import asyncio
import json
from functools import partial

import pytest

from signaling import protocol
from signaling.protocol import ProtocolError
from signaling.rooms.memory import MemoryRooms
from signaling.shards import Shard
from signaling.switchboard import Switchboard
from tests.cast import ALICE, BOB, CHARLIE, Clock, entry, until


class Outlet:
    """A socket that keeps what it is sent."""

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.closed: int | None = None
        self.waiting = 0

    def put(self, message: bytes) -> None:
        self.heard.append(json.loads(message))

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def switchboard(clock):
    made = Switchboard(Shard(MemoryRooms(clock=clock)), renewal=0.01)
    made.start()
    yield made
    await made.stop()


async def join(switchboard, peer, *, room="room", **members) -> Outlet:
    outlet = Outlet()
    outcome = await switchboard.join(entry(peer, room=room), capacity=3, **members)
    switchboard.attach(room, outcome.member, outlet)
    switchboard.publish(outcome)
    return outlet


async def resume(switchboard, peer) -> Outlet:
    outlet = Outlet()
    outcome = await switchboard.resume(entry(peer), capacity=3, stamp=1, connection=1)
    switchboard.attach("room", outcome.member, outlet)
    switchboard.publish(outcome)
    return outlet


async def lose(switchboard, peer, outlet) -> None:
    held = switchboard.detach("room", peer, outlet)
    await switchboard.tell(held, lambda rooms: rooms.away("room", peer, connection=1, keep=30))


def signal(to: str) -> protocol.Signal:
    return protocol.parse(json.dumps({"type": "signal", "to": to, "stream": "q", "seq": 1, "body": {}}))


class PublishTests:
    async def test_everybody_but_the_newcomer_hears_of_the_newcomer(self, switchboard):
        alice, bob = await join(switchboard, ALICE), await join(switchboard, BOB)

        assert (alice.types, bob.types) == (["joined"], [])

    async def test_everybody_hears_of_a_lock(self, switchboard):
        alice, bob = await join(switchboard, ALICE), await join(switchboard, BOB)

        await switchboard.tell(
            switchboard.held("room", ALICE), lambda rooms: rooms.lock("room", ALICE, connection=1, locked=True)
        )

        assert (alice.types[-1], bob.types[-1]) == ("lock", "lock")

    async def test_who_was_replaced_hears_it_and_is_closed(self, switchboard):
        alice = await join(switchboard, ALICE)
        bob = await join(switchboard, BOB)

        await join(switchboard, CHARLIE, replaces=ALICE)

        assert (alice.types, alice.heard[-1]["code"], alice.closed) == (["joined", "error"], "removed", 4017)
        assert bob.types == ["left", "joined"]

    async def test_who_ran_out_of_time_is_told_to_the_others(self, switchboard, clock):
        alice, bob = await join(switchboard, ALICE), await join(switchboard, BOB)
        await lose(switchboard, BOB, bob)
        clock.move(31)

        await until(lambda: "left" in alice.types)

        assert alice.heard[-1] == {"type": "left", "revision": 4, "peer": BOB, "reason": "lost"}

    async def test_rooms_do_not_hear_of_each_other(self, switchboard):
        alice = await join(switchboard, ALICE)
        bob = await join(switchboard, BOB, room="another")

        assert (alice.heard, bob.heard) == ([], [])


class RelayTests:
    async def test_a_signal_reaches_its_receiver_only(self, switchboard):
        alice, bob, charlie = [await join(switchboard, peer) for peer in (ALICE, BOB, CHARLIE)]

        switchboard.relay("room", ALICE, signal(BOB))

        assert bob.heard[-1] == {"type": "signal", "from": ALICE, "stream": "q", "seq": 1, "body": {}}
        assert "signal" not in alice.types + charlie.types

    async def test_a_signal_to_a_stranger_is_refused_by_name(self, switchboard):
        await join(switchboard, ALICE)

        with pytest.raises(ProtocolError) as refusal:
            switchboard.relay("room", ALICE, signal(BOB))

        assert (refusal.value.code, refusal.value.members["to"]) == ("unknown-peer", BOB)

    async def test_a_signal_to_another_room_is_refused(self, switchboard):
        await join(switchboard, ALICE)
        await join(switchboard, BOB, room="another")

        with pytest.raises(ProtocolError, match="not in the room"):
            switchboard.relay("room", ALICE, signal(BOB))

    async def test_a_signal_to_somebody_who_is_away_is_dropped_without_a_word(self, switchboard):
        await join(switchboard, ALICE)
        bob = await join(switchboard, BOB)
        await lose(switchboard, BOB, bob)

        switchboard.relay("room", ALICE, signal(BOB))


class AttachTests:
    async def test_the_newest_socket_wins_and_the_older_one_is_told(self, switchboard):
        older = await join(switchboard, ALICE)

        newer = await resume(switchboard, ALICE)

        assert (older.heard[-1]["code"], older.closed) == ("superseded", 4010)
        assert newer.closed is None

    async def test_an_older_one_whose_answer_comes_later_takes_nothing_and_is_told(self, switchboard):
        await join(switchboard, ALICE)
        await join(switchboard, BOB)
        older = await switchboard.resume(entry(ALICE), capacity=3, stamp=1, connection=1)
        newer, late = await resume(switchboard, ALICE), Outlet()

        switchboard.attach("room", older.member, late)
        switchboard.relay("room", BOB, signal(ALICE))

        assert (late.types, late.heard[-1]["code"], late.closed) == (["error"], "superseded", 4010)
        assert (newer.types, newer.closed) == (["signal"], None)

    async def test_the_end_of_an_older_socket_does_not_detach_the_newer(self, switchboard):
        older, bob = await join(switchboard, ALICE), await join(switchboard, BOB)
        newer = await resume(switchboard, ALICE)

        switchboard.detach("room", ALICE, older)
        switchboard.relay("room", BOB, signal(ALICE))

        assert newer.types == ["signal"]
        assert bob.closed is None

    async def test_detaching_twice_or_a_stranger_does_nothing(self, switchboard):
        alice = await join(switchboard, ALICE)

        switchboard.detach("room", ALICE, alice)
        switchboard.detach("room", ALICE, alice)
        switchboard.detach("nowhere", BOB, alice)

    async def test_nothing_is_kept_of_those_who_are_gone(self, switchboard):
        for number in range(50):
            outlet = await join(switchboard, ALICE, room=f"room {number}")
            assert switchboard.sessions == 1
            switchboard.detach(f"room {number}", ALICE, outlet)

        assert switchboard.sessions == 0
        assert switchboard.known("room 7") is None


class KeptForLaterTests:
    async def test_what_comes_meanwhile_waits_behind_it(self):
        shard, done = Shard(MemoryRooms()), []

        async def errand(number: int) -> None:
            done.append(number)

        shard._keep(partial(errand, 1))
        await shard.tell(partial(errand, 2))
        assert done == []

        await shard.catch_up(float("inf"))
        assert done == [1, 2]

    async def test_what_is_kept_has_an_end(self):
        """A store may be away for hours, while people come and go."""
        shard, done = Shard(MemoryRooms()), []

        async def errand() -> None:
            done.append(True)

        for _ in range(20_001):
            shard._keep(errand)

        assert shard.waiting == 20_000
        await shard.catch_up(float("inf"))
        assert (shard.waiting, len(done)) == (0, 20_000)


class DrainTests:
    async def test_everybody_is_asked_to_move_at_a_moment_of_their_own_and_nobody_new_is_let_in(self, switchboard):
        outlets = [await join(switchboard, ALICE, room=f"room {number}") for number in range(50)]

        switchboard.drain(10)

        moments = [outlet.heard[-1]["after_ms"] for outlet in outlets]
        assert {outlet.types[-1] for outlet in outlets} == {"reconnect"}
        assert all(0 <= moment <= 10_000 for moment in moments) and len(set(moments)) > 25
        assert not switchboard.is_ready
        with pytest.raises(ProtocolError) as refusal:
            await join(switchboard, BOB)
        assert (refusal.value.code, refusal.value.members) == ("unavailable", {"retry_after": 1})

    async def test_who_was_on_the_way_in_is_asked_to_move_in_the_time_that_is_left(self, switchboard):
        early, late = Outlet(), Outlet()

        switchboard.ask_to_move(early)
        switchboard.drain(0.1)
        await asyncio.sleep(0.11)
        switchboard.ask_to_move(late)

        assert (early.heard, late.heard) == ([], [{"type": "reconnect", "after_ms": 0}])
