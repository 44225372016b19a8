"""What only a store outside of the process has to do: leases, nodes that die, and a Redis that comes back empty."""

import asyncio
import random

import pytest
from redis.asyncio import Redis

from signaling.protocol import ProtocolError, ShowState, State
from signaling.rooms import Held
from signaling.rooms.redis import RedisRooms
from tests.cast import ALICE, BOB, CHARLIE, Clock, entry, peer_id, told


@pytest.fixture
def clock():
    return Clock(0)


@pytest.fixture
async def make_rooms(redis_socket, clock):
    """Stores of several nodes on one empty Redis."""
    clients = []

    def make(**times) -> RedisRooms:
        clients.append(Redis(unix_socket_path=redis_socket))
        return RedisRooms(clients[-1], **({"lease": 15, "quarantine": 0} | times), skew=clock)

    async with Redis(unix_socket_path=redis_socket) as client:
        await client.flushall()
    yield make
    for client in clients:
        await client.aclose()


async def held(rooms, *peers: str) -> Held:
    room = await rooms.view("room")
    return Held(room, tuple(room.members[peer] for peer in peers))


async def flush(redis_socket) -> None:
    async with Redis(unix_socket_path=redis_socket) as client:
        await client.flushall()


class LeaseTests:
    async def test_who_is_not_renewed_is_lost_and_the_node_of_the_others_learns_it(self, make_rooms, clock):
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=2)
        await theirs.join(entry(BOB), capacity=2)
        alice = await held(mine, ALICE)

        clock.move(10)
        assert await mine.renew([alice]) == []
        clock.move(5)  # the other node has died: nobody renews Bob
        outcomes = await mine.renew([alice])

        assert [told(outcome) for outcome in outcomes] == [
            [{"type": "left", "revision": 3, "peer": BOB, "reason": "lost"}]
        ]
        await mine.join(entry(CHARLIE), capacity=2)

    async def test_who_is_renewed_stays_for_hours(self, make_rooms, clock):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=2)
        alice = await held(rooms, ALICE)

        for _ in range(1000):
            clock.move(14)
            assert await rooms.renew([alice]) == []

        assert set((await rooms.view("room")).members) == {ALICE}

    async def test_a_renewal_by_an_older_node_does_nothing(self, make_rooms, clock):
        old, new = make_rooms(), make_rooms()
        await old.join(entry(ALICE), capacity=2)
        stale = await held(old, ALICE)
        await new.resume(entry(ALICE), capacity=2, stamp=1, connection=1)
        await new.away("room", ALICE, connection=2, keep=5)

        clock.move(6)
        await old.renew([stale])

        assert (await old.view("room")).members == {}

    async def test_a_node_that_missed_something_gets_the_room_as_it_is(self, make_rooms):
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=3)
        alice = await held(mine, ALICE)
        await theirs.join(entry(BOB, state=State(name="Bob")), capacity=3)
        await theirs.show("room", BOB, connection=1, change=ShowState(hand=True))

        (outcome,) = await mine.renew([alice])

        assert outcome.room.revision == 3
        assert outcome.room.members[BOB].state == State(name="Bob", hand=True)

    async def test_a_room_of_which_all_nodes_have_died_leaves_nothing_in_redis(self, make_rooms, redis_socket):
        await make_rooms(lease=0.01).join(entry(ALICE), capacity=2)

        async with Redis(unix_socket_path=redis_socket) as client:
            assert 0 < await client.pttl("room:room") <= 61_000


class EmptyRedisTests:
    async def test_those_whose_sockets_stand_are_put_back_as_they_were(self, make_rooms, redis_socket):
        rooms = make_rooms(quarantine=12)
        clock_of_boot = make_rooms()
        await clock_of_boot.join(entry(ALICE, state=State(name="Alice")), capacity=2)
        await clock_of_boot.join(entry(BOB), capacity=2)
        await clock_of_boot.lock("room", BOB, connection=1, locked=True)
        both = await held(rooms, ALICE, BOB)

        await flush(redis_socket)
        (outcome,) = await rooms.renew([both])

        assert outcome.room.locked is True
        assert {peer: (member.stamp, member.state) for peer, member in outcome.room.members.items()} == {
            member.peer: (member.stamp, member.state) for member in both.members
        }
        assert [message["type"] for message in told(outcome)] == ["joined", "joined"]
        assert await rooms.renew([Held(outcome.room, tuple(outcome.room.members.values()))]) == []

    async def test_for_a_while_strangers_wait_and_those_who_come_back_do_not(self, make_rooms, redis_socket, clock):
        rooms = make_rooms(quarantine=12)

        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(CHARLIE), capacity=2)
        assert (refusal.value.code, refusal.value.members) == ("unavailable", {"retry_after": 12})
        assert (await rooms.resume(entry(ALICE), capacity=2, stamp=5, connection=3)).member.stamp == 5

        clock.move(11.5)
        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(CHARLIE), capacity=2)
        assert refusal.value.members == {"retry_after": 1}
        clock.move(0.5)
        assert (await rooms.join(entry(CHARLIE), capacity=2)).member.peer == CHARLIE

    async def test_nobody_is_put_back_beyond_the_capacity_or_after_leaving(self, make_rooms, redis_socket):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=2)
        await rooms.join(entry(BOB), capacity=2)
        both = await held(rooms, ALICE, BOB)
        await flush(redis_socket)
        await rooms.join(entry(CHARLIE), capacity=2)
        await rooms.resume(entry(BOB), capacity=2, stamp=both.members[1].stamp, connection=1)
        await rooms.leave("room", BOB, connection=2)

        await rooms.renew([both])

        assert set((await rooms.view("room")).members) == {ALICE, CHARLIE}

    async def test_a_clock_that_was_set_back_does_not_lock_the_door_for_long(self, make_rooms, clock):
        rooms = make_rooms(quarantine=12)
        clock.move(12)
        with pytest.raises(ProtocolError):
            await rooms.join(entry(ALICE), capacity=2)
        clock.move(-3600)
        with pytest.raises(ProtocolError):
            await rooms.join(entry(ALICE), capacity=2)

        clock.move(12)

        assert await rooms.join(entry(ALICE), capacity=2)


class RaceTests:
    async def test_of_those_who_come_at_once_on_different_nodes_exactly_two_get_in(self, make_rooms):
        seed = random.randrange(10**9)
        chance = random.Random(seed)
        nodes = [make_rooms() for _ in range(4)]
        for number in range(500):
            names = [peer_id(f"peer{name}") for name in range(chance.randint(3, 5))]
            coming = [chance.choice(nodes).join(entry(name, room=f"room {number}"), capacity=2) for name in names]

            outcomes = await asyncio.gather(*coming, return_exceptions=True)

            admitted = sorted(
                (one for one in outcomes if not isinstance(one, Exception)), key=lambda one: one.member.stamp
            )
            assert [len(one.room.others(one.member.peer)) for one in admitted] == [0, 1], f"seed {seed}"
            refused = [one for one in outcomes if isinstance(one, Exception)]
            assert {one.code for one in refused} == {"room-full"} and len(refused) == len(names) - 2, f"seed {seed}"

    async def test_a_script_whose_answer_was_lost_may_be_run_again(self, make_rooms):
        rooms = make_rooms()
        asked = entry(ALICE)

        answers = await asyncio.gather(*(rooms.join(asked, capacity=2) for _ in range(20)))

        assert {answer.member.connection for answer in answers} == {1}
        assert (await rooms.view("room")).revision == 1


class RenewalTests:
    async def test_thousands_of_rooms_are_renewed_in_slices(self, make_rooms, clock):
        rooms = make_rooms()
        outcomes = [await rooms.join(entry(ALICE, room=f"room {number}"), capacity=2) for number in range(450)]
        all_held = [Held(outcome.room, (outcome.member,)) for outcome in outcomes]

        clock.move(10)
        assert await rooms.renew(all_held) == []
        clock.move(10)

        assert all([(await rooms.view(f"room {number}")).members for number in range(450)])
        assert await rooms.renew([]) == []
