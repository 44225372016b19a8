"""The switchboard: who hears of what, and who is reached."""

import json

import pytest

from signaling import protocol
from signaling.protocol import ProtocolError
from signaling.rooms.memory import MemoryRooms
from signaling.switchboard import Switchboard
from tests.cast import ALICE, BOB, CHARLIE, Clock, entry, until


class Outlet:
    """A socket that keeps what it is sent."""

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.closed: int | None = None

    def put(self, text: str) -> None:
        self.heard.append(json.loads(text))

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def switchboard(clock):
    return Switchboard(MemoryRooms(clock=clock), renewal=0.01)


async def join(switchboard, peer, **members) -> Outlet:
    outlet = Outlet()
    outcome = await switchboard.rooms.join(entry(peer), capacity=3, **members)
    switchboard.attach("room", peer, outlet)
    switchboard.publish(outcome)
    return outlet


def signal(to: str) -> protocol.Signal:
    return protocol.parse(json.dumps({"type": "signal", "to": to, "stream": "q", "seq": 1, "body": {}}))


class PublishTests:
    async def test_everybody_but_the_newcomer_hears_of_the_newcomer(self, switchboard):
        alice, bob = await join(switchboard, ALICE), await join(switchboard, BOB)

        assert (alice.types, bob.types) == (["joined"], [])

    async def test_everybody_hears_of_a_lock(self, switchboard):
        alice, bob = await join(switchboard, ALICE), await join(switchboard, BOB)

        switchboard.publish(await switchboard.rooms.lock("room", ALICE, connection=1, locked=True))

        assert (alice.types[-1], bob.types[-1]) == ("lock", "lock")

    async def test_who_was_replaced_hears_it_and_is_closed(self, switchboard):
        alice = await join(switchboard, ALICE)
        bob = await join(switchboard, BOB)

        await join(switchboard, CHARLIE, replaces=ALICE)

        assert (alice.heard[-1]["code"], alice.closed) == ("removed", 4017)
        assert bob.types == ["left", "joined"]

    async def test_who_ran_out_of_time_is_told_to_the_others(self, switchboard, clock):
        alice, bob = await join(switchboard, ALICE), await join(switchboard, BOB)
        switchboard.detach("room", BOB, bob)
        switchboard.publish(await switchboard.rooms.away("room", BOB, connection=1, keep=30))
        clock.move(31)

        await until(lambda: "left" in alice.types)

        assert alice.heard[-1] == {"type": "left", "revision": 4, "peer": BOB, "reason": "lost"}

    async def test_rooms_do_not_hear_of_each_other(self, switchboard):
        alice = await join(switchboard, ALICE)
        outlet = Outlet()
        outcome = await switchboard.rooms.join(entry(BOB, room="another"), capacity=3)
        switchboard.attach("another", BOB, outlet)
        switchboard.publish(outcome)

        assert (alice.heard, outlet.heard) == ([], [])


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
        switchboard.attach("another", BOB, Outlet())

        with pytest.raises(ProtocolError, match="not in the room"):
            switchboard.relay("room", ALICE, signal(BOB))

    async def test_a_signal_to_somebody_who_is_away_is_dropped_without_a_word(self, switchboard):
        await join(switchboard, ALICE)
        bob = await join(switchboard, BOB)
        switchboard.detach("room", BOB, bob)
        switchboard.publish(await switchboard.rooms.away("room", BOB, connection=1, keep=30))

        switchboard.relay("room", ALICE, signal(BOB))


class AttachTests:
    async def test_the_newest_socket_wins_and_the_older_one_is_told(self, switchboard):
        older = await join(switchboard, ALICE)
        newer = Outlet()

        switchboard.attach("room", ALICE, newer)

        assert (older.heard[-1]["code"], older.closed) == ("superseded", 4010)
        assert newer.closed is None

    async def test_the_end_of_an_older_socket_does_not_detach_the_newer(self, switchboard):
        older, bob = await join(switchboard, ALICE), await join(switchboard, BOB)
        newer = Outlet()
        switchboard.attach("room", ALICE, newer)

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
            outlet = Outlet()
            outcome = await switchboard.rooms.join(entry(ALICE, room=f"room {number}"), capacity=2)
            switchboard.attach(outcome.room.id, ALICE, outlet)
            switchboard.publish(outcome)
            assert switchboard._outlets and switchboard._known
            switchboard.detach(outcome.room.id, ALICE, outlet)

        assert not switchboard._outlets and not switchboard._known
