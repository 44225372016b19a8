"""What only a store outside of the process has to do: leases, nodes that die, and a Redis that comes back empty."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError

from signaling.protocol import ProtocolError, ShowState, State
from signaling.rooms import EndedCall, Entry, Heartbeat, Held, Member, Outcome
from signaling.rooms.redis import RedisRooms
from tests import cast
from tests.cast import ALICE, BOB, CHARLIE, Clock, peer_id, told
from tests.redis_server import RedisServer
from tests.scale import scaled
from tests.signaling.racers import race


@pytest.fixture
def clock():
    return Clock(0)


@pytest.fixture
async def make_rooms(redis_socket, clock):
    """Stores of several nodes on one empty Redis."""
    clients = []

    def make(client=Redis, **times) -> RedisRooms:
        clients.append(client(unix_socket_path=redis_socket))
        return RedisRooms(clients[-1], **({"lease": 15, "quarantine": 0} | times), skew=clock)

    async with Redis(unix_socket_path=redis_socket) as client:
        await client.flushall()
    yield make
    for client in clients:
        await client.aclose()


def entry(peer: str, **given) -> Entry:
    """Each at a node of their own."""
    return cast.entry(peer, **({"node": f"node of {peer}"} | given))


async def live(rooms: RedisRooms, *held: Held) -> list[Outcome]:
    """What a node, or several on one store, do again and again."""
    for node in {member.node for one in held for member in one.members} or {f"node {id(rooms)}"}:
        await rooms.beat(node, holds=bool(held))
    return await rooms.renew(held)


async def held(rooms, *peers: str) -> Held:
    room = await rooms.view("room")
    return Held(room, tuple(room.members[peer] for peer in peers))


async def on_two_nodes(make_rooms) -> tuple[dict[str, RedisRooms], dict[str, Held]]:
    """Alice and Bob in a room, each at a node of their own: these, and what they hold."""
    nodes = {ALICE: make_rooms(), BOB: make_rooms()}
    for peer, node in nodes.items():
        await node.join(entry(peer), capacity=2)
    return nodes, {peer: await held(node, peer) for peer, node in nodes.items()}


async def flush(redis_socket) -> None:
    async with Redis(unix_socket_path=redis_socket) as client:
        await client.flushall()


@asynccontextmanager
async def set_back(redis_socket) -> AsyncIterator[None]:
    """At the end Redis knows the room as it was at the beginning, as a copy that had fallen behind does."""
    async with Redis(unix_socket_path=redis_socket) as client:
        copy = await client.dump("room:room")
        yield
        await client.restore("room:room", 600_000, copy, replace=True)


async def forgotten_while_bob_is_away(make_rooms, redis_socket) -> tuple[Held, Member]:
    """What the node of Alice holds, and Bob, who is away; Redis has come back empty."""
    before = make_rooms()
    for peer in (ALICE, BOB):
        await before.join(entry(peer), capacity=2)
    away = (await before.away("room", BOB, connection=1, keep=30)).member
    alice = await held(before, ALICE)
    await flush(redis_socket)
    return alice, away


async def calls_of(redis_socket) -> int:
    async with Redis(unix_socket_path=redis_socket) as client:
        stats = await client.info("commandstats")
    return sum(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in ("fcall", "evalsha"))


WHAT_CHANGES_A_ROOM = (
    lambda rooms: rooms.join(entry(CHARLIE), capacity=4),
    lambda rooms: rooms.resume(replace(entry(BOB), request="again"), capacity=4, stamp=1, connection=1),
    lambda rooms: rooms.show("room", BOB, connection=1, change=ShowState(hand=True)),
    lambda rooms: rooms.lock("room", BOB, connection=1, locked=True),
    lambda rooms: rooms.report("room", BOB, connection=1, relayed=False),
)


class LeaseTests:
    async def test_rooms_in_which_nothing_happens_are_renewed_by_the_hundred(self, make_rooms, redis_socket, clock):
        rooms = make_rooms()
        outcomes = [await rooms.join(replace(entry(ALICE), room=f"room {number}"), capacity=2) for number in range(250)]
        all_held = [Held(outcome.room, (outcome.member,)) for outcome in outcomes]
        await rooms.join(replace(entry(BOB), room="room 170"), capacity=2)
        before = await calls_of(redis_socket)

        news = await live(rooms, *all_held)

        assert [list(one.room.members) for one in news] == [[ALICE, BOB]]  # of the one room of which there is news
        assert await calls_of(redis_socket) - before == 1 + 3 + 1  # who has run out; by the hundred; that room
        clock.move(14)
        assert len((await rooms.view("room 249")).members) == 1

    async def test_who_is_not_renewed_is_lost_and_the_node_of_the_others_learns_it(self, make_rooms, clock):
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=2)
        await theirs.join(entry(BOB), capacity=2)
        alice = await held(mine, ALICE)

        for seconds in (5, 5):
            clock.move(seconds)
            assert await live(mine, alice) == []
        clock.move(5)  # the other node has died: nobody renews Bob
        outcomes = await live(mine, alice)

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
            assert await live(rooms, alice) == []

        assert set((await rooms.view("room")).members) == {ALICE}

    async def test_who_is_renewed_stays_while_somebody_else_is_away(self, make_rooms, clock):
        """Such a room is not renewed by the hundred."""
        rooms = make_rooms()
        for peer in (ALICE, BOB):
            await rooms.join(entry(peer), capacity=2)
        await rooms.away("room", BOB, connection=1, keep=30)
        alice = await held(rooms, ALICE)

        for _ in range(7):
            clock.move(4)
            assert [told(outcome) for outcome in await live(rooms, alice) if outcome.changes] == []

    async def test_a_renewal_by_an_older_node_does_nothing(self, make_rooms, clock):
        old, new = make_rooms(), make_rooms()
        await old.join(entry(ALICE), capacity=2)
        stale = await held(old, ALICE)
        await new.resume(entry(ALICE), capacity=2, stamp=1, connection=1)
        await new.away("room", ALICE, connection=2, keep=5)

        clock.move(6)
        await live(old, stale)

        assert (await old.view("room")).members == {}

    async def test_a_node_that_missed_something_gets_the_room_as_it_is(self, make_rooms):
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=3)
        alice = await held(mine, ALICE)
        await theirs.join(entry(BOB, state=State(name="Bob")), capacity=3)
        await theirs.show("room", BOB, connection=1, change=ShowState(hand=True))

        (outcome,) = await live(mine, alice)

        assert outcome.room.revision == 3
        assert outcome.room.members[BOB].state == State(name="Bob", hand=True)

    @pytest.mark.parametrize("number", range(len(WHAT_CHANGES_A_ROOM)))
    async def test_of_whatever_changes_a_room_a_node_learns_once(self, make_rooms, redis_socket, number):
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=4)
        await theirs.join(entry(BOB), capacity=4)
        alice = await held(mine, ALICE)
        await WHAT_CHANGES_A_ROOM[number](theirs)
        bob = await held(theirs, BOB)

        (outcome,) = await live(mine, alice)

        assert replace(outcome.room, members={}) == replace(bob.room, members={})
        assert outcome.room.version != alice.room.version
        before = await calls_of(redis_socket)
        assert await live(mine, replace(alice, room=outcome.room)) == []
        assert await live(theirs, bob) == []
        assert await calls_of(redis_socket) - before == 2 * 2

    async def test_a_member_that_the_node_knows_otherwise_than_the_room_is_looked_at(self, make_rooms):
        """Its socket is older than the one of which news have come."""
        mine, theirs = make_rooms(), make_rooms()
        member = (await mine.join(entry(ALICE), capacity=2)).member
        await theirs.resume(replace(entry(ALICE), request="again"), capacity=2, stamp=1, connection=1)

        (outcome,) = await live(mine, Held(await mine.view("room"), (member,)))

        assert outcome.no_place == {ALICE: "superseded"}

    async def test_a_clock_that_was_set_back_sends_nobody_the_long_way_for_ever(self, make_rooms, redis_socket, clock):
        nodes, known = await on_two_nodes(make_rooms)
        clock.move(-5)
        for peer, node in nodes.items():
            assert await live(node, known[peer]) == []
        members = (await nodes[ALICE].view("room")).members.values()
        async with Redis(unix_socket_path=redis_socket) as client:
            assert await client.zscore("calls:due", "room") <= max(member.expires_at for member in members)
        before = await calls_of(redis_socket)

        for peer, node in nodes.items():
            assert await live(node, known[peer]) == []

        assert await calls_of(redis_socket) - before == 2 * 2

    async def test_it_is_swept_and_forgotten_in_time_whenever_it_was_renewed(self, make_rooms, redis_socket, clock):
        seed = random.randrange(2**32)
        print("seed", seed)
        draw = random.Random(seed)
        nodes, known = await on_two_nodes(make_rooms)
        times = []
        async with Redis(unix_socket_path=redis_socket) as client:
            for _ in range(60):
                clock.move(draw.uniform(0, 5))
                peer = draw.choice([ALICE, BOB])
                await client.pexpire("room:room", 10_000)
                assert await live(nodes[peer], known[peer]) == []
                members = (await nodes[peer].view("room")).members.values()
                due = await client.zscore("calls:due", "room")
                assert due <= max(member.expires_at for member in members) + 0.001
                times.append(await client.pttl("room:room"))
                for other, node in nodes.items():  # nobody is lost meanwhile
                    await live(node, known[other])

        assert max(times) > 24 * 3600 * 1000

    async def test_a_room_of_which_all_nodes_have_died_leaves_nothing_in_redis(self, make_rooms, redis_socket):
        await make_rooms(lease=0.01).join(entry(ALICE), capacity=2)

        async with Redis(unix_socket_path=redis_socket) as client:
            assert 0 < await client.pttl("room:room") <= 61_000

    @pytest.mark.parametrize("end", ["leaves", "is replaced"])
    async def test_that_somebody_has_left_is_known_for_as_long_as_a_token_serves(self, make_rooms, redis_socket, end):
        rooms = make_rooms(remember=3600)
        await rooms.join(entry(ALICE), capacity=2)

        if end == "leaves":
            await rooms.leave("room", ALICE, connection=1)
        else:
            await rooms.join(entry(BOB), capacity=2, replaces=ALICE)

        async with Redis(unix_socket_path=redis_socket) as client:
            assert 3_500_000 < await client.pttl(f"gone:{ALICE}") <= 3_600_000


class HeartbeatTests:
    """What keeps a place is that its node lives: rooms in which nothing happens are looked at seldom."""

    BEAT = 2  # seconds

    async def beat(self, rooms: RedisRooms, clock, seconds: float, node: str) -> list[Heartbeat]:
        heard = []
        for _ in range(round(seconds / self.BEAT)):
            clock.move(self.BEAT)
            heard.append(await rooms.beat(node, holds=True))
        return heard

    @pytest.fixture
    async def nodes(self, make_rooms):
        """As `on_two_nodes`, both of which live and have renewed what they hold once."""
        nodes, known = await on_two_nodes(make_rooms)
        for peer, node in nodes.items():
            await live(node, known[peer])
            await node.beat(f"node of {peer}", holds=True)
        return nodes, known

    async def test_whom_its_node_has_spoken_for_stays_for_eight_minutes_while_the_node_lives(self, nodes, clock):
        nodes, _ = nodes

        heard = await self.beat(nodes[ALICE], clock, 478, f"node of {ALICE}")

        assert {one.is_known for one in heard} == {True}
        await nodes[ALICE].join(entry(CHARLIE), capacity=2)  # in Bob's place, whose node is dead
        assert set((await nodes[ALICE].view("room")).members) == {ALICE, CHARLIE}
        await self.beat(nodes[ALICE], clock, 4, f"node of {ALICE}")
        await nodes[ALICE].join(entry(BOB), capacity=2)  # in Alice's, of whom her node has not spoken for so long
        assert ALICE not in (await nodes[ALICE].view("room")).members

    async def test_who_was_let_in_and_whom_nobody_speaks_for_goes_after_one_lease(self, make_rooms, clock):
        """The answer was lost, say."""
        rooms = make_rooms()
        await self.beat(rooms, clock, 2, "node")
        await rooms.join(entry(ALICE, node="node"), capacity=1)

        await self.beat(rooms, clock, 14, "node")
        with pytest.raises(ProtocolError, match="no free place"):
            await rooms.join(entry(BOB, node="node"), capacity=1)
        await self.beat(rooms, clock, 2, "node")

        await rooms.join(entry(BOB, node="node"), capacity=1)

    async def test_the_death_of_a_node_is_told_and_its_people_are_looked_for(self, nodes, clock):
        nodes, known = nodes
        heard = await self.beat(nodes[ALICE], clock, 14, f"node of {ALICE}")
        assert [one.dead for one in heard] == [frozenset()] * 7
        assert await nodes[ALICE].renew([known[ALICE]]) == []
        (heard,) = await self.beat(nodes[ALICE], clock, 2, f"node of {ALICE}")

        assert heard.dead == {f"node of {BOB}"}
        (outcome,) = await nodes[ALICE].renew([known[ALICE]])
        assert told(outcome) == [{"type": "left", "revision": 3, "peer": BOB, "reason": "lost"}]
        heard = await self.beat(nodes[ALICE], clock, 200, f"node of {ALICE}")
        assert not heard[-1].dead

    async def test_while_nobodys_lease_runs_out_no_node_is_called_dead(self, nodes, clock):
        """Redis stood still."""
        nodes, _ = nodes
        clock.move(60)

        heard = [await nodes[ALICE].beat(f"node of {ALICE}", holds=True)]
        heard += await self.beat(nodes[ALICE], clock, 14, f"node of {ALICE}")

        assert [one.dead for one in heard] == [frozenset()] * 8
        (heard,) = await self.beat(nodes[ALICE], clock, 2, f"node of {ALICE}")
        assert heard.dead == {f"node of {BOB}"}

    @pytest.mark.parametrize("number", range(len(WHAT_CHANGES_A_ROOM)))
    async def test_whatever_changes_a_room_is_told_to_the_nodes_of_its_people_once(
        self, make_rooms, redis_socket, number
    ):
        nodes = {ALICE: make_rooms(), BOB: make_rooms()}
        for peer, node in nodes.items():
            await node.join(entry(peer), capacity=4)
            await node.beat(f"node of {peer}", holds=True)
        await WHAT_CHANGES_A_ROOM[number](nodes[BOB])

        for peer, node in nodes.items():
            heard = [await node.beat(f"node of {peer}", holds=True) for _ in range(2)]
            assert [one.changed for one in heard] == [{"room"}, frozenset()]
        async with Redis(unix_socket_path=redis_socket) as client:
            assert await client.keys("news:*") == []

    async def test_who_was_lost_and_swept_is_told_too(self, make_rooms, clock):
        """Alice's node is at work, but has not spoken for her in time."""
        rooms, other = make_rooms(), make_rooms()
        await rooms.beat("node", holds=True)
        await rooms.join(entry(ALICE, node="node"), capacity=2)
        await rooms.join(entry(BOB), capacity=2)
        assert (await rooms.beat("node", holds=True)).changed == {"room"}
        assert {one.changed for one in await self.beat(rooms, clock, 14, "node")} == {frozenset()}

        clock.move(2)
        await other.beat("other", holds=False)

        assert (await rooms.beat("node", holds=True)).changed == {"room"}

    async def test_what_was_told_in_an_answer_that_was_lost_is_told_again(self, make_rooms, clock):
        await make_rooms().view("room")  # so that Redis knows the library
        losing, other = make_rooms(client=TwiceRedis), make_rooms()
        await losing.beat("here", holds=True)
        for peer in (ALICE, BOB):
            await losing.join(entry(peer, node="here"), capacity=4)
            clock.move(1)
            heard = await losing.beat("here", holds=True)
            assert (heard.is_known, heard.changed) == (True, {"room"})
        await other.lock("room", ALICE, connection=1, locked=True)
        clock.move(1)

        assert (await losing.beat("here", holds=True)).changed == {"room"}

    async def test_a_node_hears_when_it_was_not_known_meanwhile(self, make_rooms, redis_socket, clock):
        rooms = make_rooms()

        async def is_known() -> bool:
            return (await rooms.beat("node", holds=True)).is_known

        assert not await is_known()
        assert await is_known()
        clock.move(14)
        assert await is_known()
        clock.move(16)  # by now others may have had the places of its people
        assert not await is_known()
        assert await is_known()

        await flush(redis_socket)
        assert not await is_known()
        assert await is_known()

        async with Redis(unix_socket_path=redis_socket) as client:
            copy = await client.dump("nodes")
            clock.move(1)
            assert await is_known()
            await client.restore("nodes", 0, copy, replace=True)  # as after a restart from a copy on disk
        assert not await is_known()
        assert await is_known()

    @pytest.mark.parametrize("loss", ["it was taken for dead", "Redis came back empty"])
    async def test_it_hears_so_also_when_the_first_answer_is_lost(self, make_rooms, redis_socket, clock, loss):
        await make_rooms().view("room")  # so that Redis knows the library
        rooms = make_rooms(client=TwiceRedis)
        for is_known in (False, True):
            assert (await rooms.beat("node", holds=True)).is_known is is_known
            clock.move(1)

        if loss == "Redis came back empty":
            await flush(redis_socket)
        else:
            clock.move(16)

        for is_known in (False, True):
            assert (await rooms.beat("node", holds=True)).is_known is is_known

    @pytest.mark.parametrize("way", ["join", "resume", "renew"])
    async def test_whom_a_node_that_was_cut_off_lets_in_before_its_heartbeat_stays(self, make_rooms, clock, way):
        back, other = make_rooms(), make_rooms()
        bob = (await other.join(entry(BOB, node="other"), capacity=2)).member
        alice = await back.join(entry(ALICE, node="back"), capacity=2)
        alice = Held(alice.room, (alice.member,))
        for _ in range(2):  # so that it has heard what it is told at first
            await back.beat("back", holds=False)
        await back.renew([alice])
        for _ in range(9):
            await other.beat("other", holds=True)
            await other.renew([Held(await other.view("room"), (bob,))])
            clock.move(2)
        assert set((await other.view("room")).members) == {BOB}

        if way == "join":
            await back.join(entry(CHARLIE, node="back"), capacity=2)
        elif way == "resume":
            await back.resume(entry(ALICE, node="back"), capacity=2, stamp=1, connection=1)
        else:
            await back.renew([alice])
        await other.beat("other", holds=True)
        await other.renew([Held(await other.view("room"), (bob,))])

        assert len((await other.view("room")).members) == 2
        assert not (await back.beat("back", holds=True)).is_known

    @pytest.mark.parametrize("ghost", ["of a node that died with Redis", "of a resume whose answer was lost"])
    async def test_a_room_where_a_place_may_soon_run_out_is_looked_at_with_each_heartbeat(
        self, nodes, redis_socket, clock, ghost
    ):
        nodes, known = nodes
        alice = known[ALICE]
        if ghost == "of a node that died with Redis":
            await flush(redis_socket)
        else:
            await nodes[ALICE].resume(entry(BOB, node=f"node of {ALICE}"), capacity=2, stamp=1, connection=1)

        reasons, looked = [], []
        for _ in range(14):
            (heard,) = await self.beat(nodes[ALICE], clock, 2, f"node of {ALICE}")
            if not heard.is_known or heard.changed or heard.dead:
                for outcome in await nodes[ALICE].renew([alice]):
                    reasons += [message["reason"] for message in told(outcome)]
                    alice = replace(alice, room=outcome.room)
            looked.append("room" in heard.changed)

        assert reasons == ["lost"]
        assert looked[1:7] == [True] * 6 and looked[-1] is False

    async def test_a_call_ends_when_a_ghost_was_last_there(self, nodes, clock):
        """Bob has resumed at Alice's node, has never had the answer, and given up."""
        nodes, known = nodes
        for _ in range(5):
            await self.beat(nodes[ALICE], clock, 2, f"node of {ALICE}")
            await self.beat(nodes[BOB], clock, 2, f"node of {BOB}")
        back = await nodes[ALICE].resume(entry(BOB, node=f"node of {ALICE}"), capacity=2, stamp=1, connection=1)
        await self.beat(nodes[ALICE], clock, 20, f"node of {ALICE}")

        await nodes[ALICE].renew([known[ALICE]])

        (ended,) = await nodes[ALICE].ended_calls(10)
        assert ended.ended - ended.started == pytest.approx(20, abs=1)
        assert back.room.call.id == ended.id

    async def test_a_clock_that_was_set_back_does_not_let_the_dead_live(self, nodes, clock):
        nodes, known = nodes
        clock.move(-3600)
        await nodes[ALICE].beat(f"node of {ALICE}", holds=True)
        await nodes[ALICE].renew([known[ALICE]])

        heard = await self.beat(nodes[ALICE], clock, 16, f"node of {ALICE}")

        await nodes[ALICE].join(entry(CHARLIE), capacity=2)
        assert heard[0].dead == frozenset()

    async def test_nothing_gathers_for_the_dead_and_they_are_forgotten(self, nodes, redis_socket, clock):
        nodes, _ = nodes
        await nodes[ALICE].lock("room", ALICE, connection=1, locked=True)
        async with Redis(unix_socket_path=redis_socket) as client:
            assert {await client.pttl(f"news:node of {peer}") <= 480_000 for peer in nodes} == {True}
            await self.beat(nodes[ALICE], clock, 16, f"node of {ALICE}")
            before = await client.llen(f"news:node of {BOB}")
            await nodes[ALICE].lock("room", ALICE, connection=1, locked=False)
            assert await client.llen(f"news:node of {BOB}") == before

            clock.move(48 * 3600)
            await nodes[ALICE].beat(f"node of {ALICE}", holds=True)
            assert await client.zrange("nodes", 0, -1) == [f"node of {ALICE}".encode()]


class EmptyRedisTests:
    async def test_those_whose_sockets_stand_are_put_back_as_they_were(self, make_rooms, redis_socket):
        rooms = make_rooms(quarantine=12)
        clock_of_boot = make_rooms()
        await clock_of_boot.join(entry(ALICE, state=State(name="Alice")), capacity=2)
        await clock_of_boot.join(entry(BOB), capacity=2)
        await clock_of_boot.lock("room", BOB, connection=1, locked=True)
        both = await held(rooms, ALICE, BOB)

        await flush(redis_socket)
        (outcome,) = await live(rooms, both)

        assert outcome.room.locked is True
        assert {peer: (member.stamp, member.state) for peer, member in outcome.room.members.items()} == {
            member.peer: (member.stamp, member.state) for member in both.members
        }
        assert told(outcome) == []  # nobody has come: all get the whole list, and go on
        assert outcome.room.revision > both.room.revision
        assert await live(rooms, Held(outcome.room, tuple(outcome.room.members.values()))) == []

    async def test_nodes_that_put_them_back_at_the_same_moment_tell_nobody_either(self, make_rooms, redis_socket):
        """Who heard that somebody `joined` would begin anew with them, who know nothing of it: what they say next would wait for ever."""
        mine, theirs = make_rooms(), make_rooms()
        alices, bobs = [], []
        for number in range(20):
            room = f"room {number}"
            await mine.join(replace(entry(ALICE), room=room), capacity=2)
            both = (await theirs.join(replace(entry(BOB), room=room), capacity=2)).room
            alices.append(Held(both, (both.members[ALICE],)))
            bobs.append(Held(both, (both.members[BOB],)))
        await flush(redis_socket)

        at_mine, at_theirs = await asyncio.gather(live(mine, *alices), live(theirs, *bobs))

        assert [told(outcome) for outcome in at_mine + at_theirs] == [[]] * 40
        for number, outcomes in enumerate(zip(at_mine, at_theirs, strict=True)):
            room = await mine.view(f"room {number}")
            assert set(room.members) == {ALICE, BOB}
            assert max(outcome.room.revision for outcome in outcomes) == room.revision > 2  # all get the whole list

    async def test_for_a_while_strangers_wait_and_for_a_moment_those_who_come_back(self, make_rooms, clock):
        rooms = make_rooms(quarantine=12)

        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(CHARLIE), capacity=2)
        assert (refusal.value.code, refusal.value.members) == ("unavailable", {"retry_after": 12})
        with pytest.raises(ProtocolError) as refusal:
            await rooms.resume(entry(ALICE), capacity=2, stamp=5, connection=3)
        assert (refusal.value.code, refusal.value.members) == ("unavailable", {"retry_after": 3})

        clock.move(3)
        assert (await rooms.resume(entry(ALICE), capacity=2, stamp=5, connection=3)).member.stamp == 5
        clock.move(8.5)
        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(CHARLIE), capacity=2)
        assert refusal.value.members == {"retry_after": 1}
        clock.move(0.5)
        assert (await rooms.join(entry(CHARLIE), capacity=2)).member.peer == CHARLIE

    async def test_who_comes_back_is_let_in_when_a_node_has_told_of_them_and_finds_the_others(
        self, make_rooms, redis_socket
    ):
        """A list without Bob would have her forget what he has said, and he would not know."""
        nodes, known = await on_two_nodes(make_rooms)
        await flush(redis_socket)
        rooms = make_rooms(quarantine=12)
        again = entry(ALICE, node="new")
        with pytest.raises(ProtocolError, match="admits nobody"):
            await rooms.resume(again, capacity=2, stamp=1, connection=1)

        await live(nodes[BOB], known[BOB])

        outcome = await rooms.resume(again, capacity=2, stamp=1, connection=1)
        assert (set(outcome.room.members), outcome.is_new) == ({ALICE, BOB}, False)

    async def test_nobody_is_put_back_beyond_the_capacity_or_after_leaving(self, make_rooms, redis_socket):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=2)
        await rooms.join(entry(BOB), capacity=2)
        both = await held(rooms, ALICE, BOB)
        await flush(redis_socket)
        await rooms.join(entry(CHARLIE), capacity=2)
        await rooms.resume(entry(BOB), capacity=2, stamp=both.members[1].stamp, connection=1)
        await rooms.leave("room", BOB, connection=2)

        await live(rooms, both)

        assert set((await rooms.view("room")).members) == {ALICE, CHARLIE}

    async def test_whom_a_node_only_knows_of_is_put_back_neither_after_leaving_nor_beyond_the_capacity(
        self, make_rooms, redis_socket
    ):
        nodes, known = await on_two_nodes(make_rooms)
        await flush(redis_socket)
        await nodes[BOB].resume(entry(BOB), capacity=2, stamp=2, connection=1)
        await nodes[BOB].leave("room", BOB, connection=2)
        await live(nodes[ALICE], known[ALICE])
        assert set((await nodes[ALICE].view("room")).members) == {ALICE}

        await flush(redis_socket)
        await nodes[BOB].join(entry(CHARLIE), capacity=2)
        await live(nodes[ALICE], known[ALICE])
        assert set((await nodes[ALICE].view("room")).members) == {ALICE, CHARLIE}

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

    async def test_revisions_never_go_back_for_those_who_know_more(self, make_rooms, redis_socket):
        """Bob comes back by his token before Alice's node has renewed."""
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=2)
        await theirs.join(entry(BOB), capacity=2)
        for locked in (True, False, True):
            await mine.lock("room", ALICE, connection=1, locked=locked)
        alice = await held(mine, ALICE)
        await flush(redis_socket)
        back = await theirs.resume(entry(BOB), capacity=6, stamp=alice.room.members[BOB].stamp, connection=1)
        assert (back.room.revision, back.room.capacity, back.room.locked) == (1, 6, False)

        (outcome,) = await live(mine, alice)

        assert outcome.room.revision > alice.room.revision + len(outcome.changes)  # so that Alice gets the whole list
        assert (outcome.room.capacity, outcome.room.locked) == (2, True)
        assert set(outcome.room.members) == {ALICE, BOB}
        assert [one.room.revision for one in await theirs.renew([Held(back.room, (back.member,))])] == [
            outcome.room.revision
        ]

    async def test_a_room_that_is_older_than_what_a_node_knows_takes_what_it_knows(self, make_rooms):
        """As after a restart from a copy on disk that was some minutes old."""
        rooms = make_rooms()
        outcome = await rooms.join(entry(ALICE), capacity=2)
        made_at, _, _ = outcome.room.version.partition(".")
        version = f"{int(made_at) + 1}.later"
        known = Held(replace(outcome.room, version=version, revision=40, locked=True), (outcome.member,))

        (outcome,) = await live(rooms, known)

        assert (outcome.room.revision, outcome.room.locked) == (41, True)

    async def test_the_node_that_knows_most_is_right_in_whatever_order_they_come(self, make_rooms, redis_socket):
        """Bob's node has not heard of the last two revisions, and is first to fill the room: that raises its number to as much."""
        nodes, known = await on_two_nodes(make_rooms)
        await nodes[ALICE].show("room", ALICE, connection=1, change=ShowState(hand=True))
        await nodes[ALICE].lock("room", ALICE, connection=1, locked=True)
        alice = await held(nodes[ALICE], ALICE)
        await flush(redis_socket)
        (first,) = await live(nodes[BOB], known[BOB])
        assert not first.room.locked

        (outcome,) = await live(nodes[ALICE], alice)

        assert outcome.is_new and outcome.room.revision > alice.room.revision
        assert outcome.room.locked and outcome.room.members[ALICE].state.hand
        assert set(outcome.room.members) == {ALICE, BOB}
        for peer, node in nodes.items():  # what they have from this Redis raises nothing any more
            (again,) = await live(node, Held(first.room, (outcome.room.members[peer],)))
            assert again.room.version == outcome.room.version

    async def test_a_lock_is_not_lost_by_who_came_back_first_and_has_changed_as_much(self, make_rooms, redis_socket):
        nodes, _ = await on_two_nodes(make_rooms)
        await nodes[BOB].lock("room", BOB, connection=1, locked=True)
        bob = await held(nodes[BOB], BOB)
        await flush(redis_socket)
        other = make_rooms()
        await other.resume(entry(ALICE, node="new"), capacity=2, stamp=1, connection=1)
        for hand in (True, False):
            await other.show("room", ALICE, connection=2, change=ShowState(hand=hand))
        assert (await other.view("room")).revision == bob.room.revision

        (outcome,) = await live(nodes[BOB], bob)

        assert outcome.room.locked and outcome.room.revision > bob.room.revision

    async def test_what_who_came_back_has_locked_is_not_undone_by_who_knows_more(self, make_rooms, redis_socket):
        nodes, _ = await on_two_nodes(make_rooms)
        for hand in (True, False):
            await nodes[BOB].show("room", BOB, connection=1, change=ShowState(hand=hand))
        bob = await held(nodes[BOB], BOB)
        await flush(redis_socket)
        other = make_rooms()
        await other.resume(entry(ALICE, node="new"), capacity=2, stamp=1, connection=1)
        await other.lock("room", ALICE, connection=2, locked=True)

        (outcome,) = await live(nodes[BOB], bob)

        assert outcome.room.locked and outcome.room.revision > bob.room.revision

    async def test_who_is_away_is_told_of_at_each_loss(self, make_rooms, redis_socket, clock):
        """At the second one before the heartbeat that would say so, by something that Alice does."""
        rooms, before = make_rooms(), make_rooms()
        for peer in (ALICE, BOB):
            await before.join(entry(peer), capacity=4)
        await before.lock("room", ALICE, connection=1, locked=True)
        away = (await before.away("room", BOB, connection=1, keep=30)).member
        alice = await held(rooms, ALICE)
        await flush(redis_socket)
        (outcome,) = await live(rooms, alice)
        clock.move(2)
        await flush(redis_socket)

        await rooms.restore(Held(outcome.room, (outcome.room.members[ALICE],)))

        back = await rooms.resume(entry(BOB), capacity=4, stamp=away.stamp, connection=1)
        assert not back.is_new and back.room.locked

    async def test_a_redis_that_lost_a_resume_and_a_state_is_told_of_both(self, make_rooms, redis_socket, clock):
        rooms, other = make_rooms(), make_rooms()
        await rooms.join(entry(ALICE), capacity=4)
        await other.join(entry(BOB), capacity=4)
        clock.move(100)
        async with set_back(redis_socket):
            await rooms.resume(replace(entry(ALICE), request="again"), capacity=4, stamp=1, connection=1)
            await other.show("room", BOB, connection=1, change=ShowState(hand=True))
            alice = await held(rooms, ALICE)

        (outcome,) = await live(rooms, alice)

        assert outcome.room.revision > alice.room.revision  # so that all nodes take it
        assert outcome.room.members[ALICE].connection == 2

    async def test_a_lock_that_a_redis_lost_is_put_back_also_when_the_room_has_changed_since(
        self, make_rooms, redis_socket, clock
    ):
        nodes, known = await on_two_nodes(make_rooms)
        clock.move(100)
        for peer, node in nodes.items():
            await live(node, known[peer])
        async with set_back(redis_socket):
            await nodes[ALICE].lock("room", ALICE, connection=1, locked=True)
            await nodes[ALICE].show("room", ALICE, connection=1, change=ShowState(hand=True))
            alice = await held(nodes[ALICE], ALICE)
        await nodes[BOB].show("room", BOB, connection=1, change=ShowState(muted=True))

        (outcome,) = await live(nodes[ALICE], alice)

        assert outcome.room.locked

    @pytest.mark.parametrize("order", [(ALICE, BOB), (BOB, ALICE)])
    async def test_what_somebody_shows_and_a_redis_lost_is_put_back_whoever_comes_first(
        self, make_rooms, redis_socket, clock, order
    ):
        nodes, known = await on_two_nodes(make_rooms)
        clock.move(100)
        for peer, node in nodes.items():
            await live(node, known[peer])
        async with set_back(redis_socket):
            await nodes[ALICE].show("room", ALICE, connection=1, change=ShowState(hand=True))
            known = {peer: await held(node, peer) for peer, node in nodes.items()}

        outcomes = [outcome for peer in order for outcome in await live(nodes[peer], known[peer])]

        assert outcomes[-1].room.members[ALICE].state.hand
        assert outcomes[-1].room.revision > known[BOB].room.revision  # so that all nodes take it
        (bob,) = await live(nodes[BOB], replace(known[BOB], room=replace(outcomes[-1].room, version="")))
        assert bob.room.version == outcomes[-1].room.version  # which raises nothing any more

    async def test_what_was_locked_anew_is_not_undone_by_who_knows_less(self, make_rooms, redis_socket):
        nodes, known = await on_two_nodes(make_rooms)
        await flush(redis_socket)
        await live(nodes[BOB], known[BOB])
        locked = await nodes[BOB].lock("room", BOB, connection=1, locked=True)

        await live(nodes[ALICE], known[ALICE])

        assert (await nodes[ALICE].view("room")).version == locked.room.version

    @pytest.mark.parametrize("client", ["answers", "answers twice"])
    async def test_a_lost_answer_loses_nobody_who_is_away(self, make_rooms, redis_socket, clock, client):
        rooms = make_rooms(client=Redis if client == "answers" else TwicePipelineRedis, quarantine=12)
        alice, away = await forgotten_while_bob_is_away(make_rooms, redis_socket)

        for _ in range(8):
            for outcome in await live(rooms, alice):
                alice = Held(outcome.room, (outcome.room.members[ALICE],))
            clock.move(1.6)

        with pytest.raises(ProtocolError, match="no free place"):
            await rooms.join(entry(CHARLIE), capacity=2)
        assert not (await rooms.resume(entry(BOB), capacity=2, stamp=away.stamp, connection=1)).is_new

    async def test_who_was_put_back_as_before_takes_a_newer_socket_in_its_place(self, make_rooms, redis_socket, clock):
        """Alice has moved, and of Alice, Bob and Charlie only Bob is there with his newest socket for a moment: no call ends by that."""
        one, two, three = (make_rooms() for _ in range(3))
        await one.join(entry(ALICE), capacity=4)
        await two.join(entry(BOB), capacity=4)
        await two.join(entry(CHARLIE), capacity=4)
        clock.move(5)
        await two.away("room", CHARLIE, connection=1, keep=3)
        bob = await held(two, BOB)
        await three.resume(entry(ALICE, node="new"), capacity=4, stamp=bob.room.members[ALICE].stamp, connection=1)
        alice = await held(three, ALICE)
        await flush(redis_socket)
        await live(two, bob)
        clock.move(4)

        (outcome,) = await live(three, alice)

        assert [message["type"] for message in told(outcome)] == ["left"]  # Charlie
        assert outcome.room.call.id == bob.room.call.id
        assert outcome.room.members[ALICE].connection == 2
        assert await three.ended_calls(10) == []

    async def test_nobody_hears_that_somebody_joined_whose_resume_was_lost_with_a_redis(
        self, make_rooms, redis_socket, clock
    ):
        """A copy has taken over that lacks the last resume."""
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=4)
        await rooms.join(entry(BOB), capacity=4)
        clock.move(100)
        async with Redis(unix_socket_path=redis_socket) as client:
            copy = await client.dump("room:room")
            stamp = (await rooms.view("room")).members[ALICE].stamp
            await rooms.resume(entry(ALICE, node=f"node of {BOB}"), capacity=4, stamp=stamp, connection=1)
            both = await held(rooms, ALICE, BOB)
            await client.restore("room:room", 60_000, copy, replace=True)

        (outcome,) = await live(rooms, both)

        assert told(outcome) == [] and outcome.is_new
        assert outcome.room.members[ALICE].connection == 2

    async def test_numbers_of_sockets_that_are_alike_by_chance_are_told_apart(self, make_rooms, redis_socket):
        """Alice's welcome from one node was lost with the Redis; by the token before she has come back to another one."""
        lost, newest = make_rooms(), make_rooms()
        token = (await lost.join(entry(ALICE), capacity=2)).member
        await lost.resume(replace(entry(ALICE), request="b"), capacity=2, stamp=token.stamp, connection=1)
        alice = await held(lost, ALICE)
        await flush(redis_socket)
        back = await newest.resume(
            replace(entry(ALICE, node="new"), request="c"), capacity=2, stamp=token.stamp, connection=1
        )
        assert back.member.connection == alice.members[0].connection

        (outcome,) = await live(lost, alice)

        assert outcome.no_place == {ALICE: "superseded"}

    async def test_a_node_that_has_nobody_there_any_more_changes_nothing(self, make_rooms, redis_socket):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=2)
        await rooms.lock("room", ALICE, connection=1, locked=True)
        alice = await held(rooms, ALICE)
        await flush(redis_socket)
        for peer in (BOB, CHARLIE):
            await rooms.join(entry(peer), capacity=2)

        (outcome,) = await live(rooms, alice)

        assert outcome.no_place == {ALICE: "replaced"}
        assert (outcome.room.revision, outcome.room.locked, set(outcome.room.members)) == (2, False, {BOB, CHARLIE})

    async def test_who_was_away_comes_back_before_any_stranger(self, make_rooms, redis_socket, clock):
        rooms = make_rooms(quarantine=12)
        alice, away = await forgotten_while_bob_is_away(make_rooms, redis_socket)

        await live(rooms, alice)
        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(CHARLIE), capacity=2)
        assert refusal.value.code == "unavailable"
        clock.move(11)
        await live(rooms, alice)
        await rooms.resume(entry(BOB), capacity=2, stamp=away.stamp, connection=1)

        clock.move(2)
        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(CHARLIE), capacity=2)
        assert refusal.value.code == "room-full"

    async def test_all_that_one_node_knows_have_a_place_to_come_back_to(self, make_rooms, redis_socket, clock):
        """Bob was away, Dave's node has died with Redis; the room is locked, and has places left."""
        rooms, before, dave = make_rooms(quarantine=12), make_rooms(), peer_id("dave")
        stamps = {peer: (await before.join(entry(peer), capacity=5)).member.stamp for peer in (ALICE, BOB, dave)}
        await before.lock("room", ALICE, connection=1, locked=True)
        await before.away("room", BOB, connection=1, keep=30)
        alice = await held(rooms, ALICE)
        clock.move(5)
        await flush(redis_socket)

        (outcome,) = await live(rooms, alice)

        assert {peer: (member.stamp, member.away) for peer, member in outcome.room.members.items()} == {
            ALICE: (stamps[ALICE], False),
            BOB: (stamps[BOB], True),
            dave: (stamps[dave], False),
        }
        clock.move(8)
        await live(rooms, alice)
        back = await rooms.resume(entry(dave), capacity=5, stamp=stamps[dave], connection=1)
        assert (back.is_new, back.room.locked) == (False, True)
        with pytest.raises(ProtocolError, match="locked"):
            await before.join(entry(CHARLIE), capacity=5)
        clock.move(8)
        await live(rooms, alice)
        assert (await rooms.resume(entry(BOB), capacity=5, stamp=stamps[BOB], connection=1)).is_new is False

    async def test_a_newer_socket_than_another_node_knew_of_is_put_back_too(self, make_rooms, redis_socket):
        mine, theirs = make_rooms(), make_rooms()
        for peer in (ALICE, BOB):
            await mine.join(entry(peer), capacity=2)
        alice = await held(mine, ALICE)
        await theirs.resume(entry(BOB, node="b"), capacity=2, stamp=2, connection=1)
        bob = await held(theirs, BOB)
        await flush(redis_socket)
        await live(mine, alice)

        (outcome,) = await live(theirs, bob)

        assert (outcome.no_place, outcome.room.members[BOB].connection) == ({}, 2)

    async def test_a_call_goes_on(self, make_rooms, redis_socket, clock):
        mine, theirs = make_rooms(quarantine=12), make_rooms(quarantine=12)
        await make_rooms().join(entry(ALICE), capacity=3)
        await make_rooms().join(entry(BOB), capacity=3)
        await mine.report("room", ALICE, connection=1, relayed=True)
        alice, bob = await held(mine, ALICE), await held(theirs, BOB)
        call = alice.room.call
        clock.move(1)
        await flush(redis_socket)

        (outcome,) = await live(mine, alice)
        assert outcome.room.call.boot > call.boot
        boot = outcome.room.call.boot
        assert outcome.room.call == replace(call, boot=boot, together=boot)  # it waits for the other
        first = outcome
        (outcome,) = await live(theirs, bob)
        assert outcome.room.call == first.room.call
        clock.move(5)
        await mine.leave("room", ALICE, connection=1)
        (ended,) = await mine.ended_calls(10)
        assert (ended.id, ended.connected, ended.relayed) == (call.id, True, True)
        assert ended.ended - ended.started >= 6

    async def test_a_call_in_which_the_others_were_away_ends_when_they_went(self, make_rooms, redis_socket, clock):
        """None of them comes back; Redis was out of reach for long meanwhile."""
        rooms = make_rooms()
        for peer in (ALICE, BOB, CHARLIE):
            await rooms.join(entry(peer), capacity=3)
            clock.move(10)
        for peer in (BOB, CHARLIE):
            away = await rooms.away("room", peer, connection=1, keep=30)
            clock.move(10)
        alice = Held(away.room, (away.room.members[ALICE],))
        await flush(redis_socket)
        clock.move(10)

        for _ in range(8):
            for outcome in await live(rooms, alice):
                alice = Held(outcome.room, (outcome.room.members[ALICE],))
            clock.move(5)

        (ended,) = await rooms.ended_calls(10)
        assert ended.ended - ended.started == pytest.approx(30, abs=2)  # Charlie went 30 s after Bob had come

    async def test_a_call_that_was_over_and_not_recorded_is_known_to_the_node_that_ended_it(
        self, make_rooms, redis_socket, clock
    ):
        """By a leave; by a renewal that finds the other's lease run out; and one that nobody is left in."""
        mine, theirs = make_rooms(), make_rooms()
        calls, holders = [], {}
        for room in ("left", "lost", "swept"):
            await theirs.join(entry(peer_id(f"bob {room}"), room=room), capacity=2)
            outcome = await mine.join(entry(peer_id(f"alice {room}"), room=room), capacity=2)
            calls.append(outcome.room.call.id)
            holders[room] = Held(outcome.room, (outcome.member,))
        await mine.leave("left", peer_id("alice left"), connection=1)
        for _ in range(2):
            clock.move(8)
            await live(mine, holders["lost"])

        assert sorted(call.id for call in await theirs.ended_calls(10)) == sorted(calls)
        await flush(redis_socket)

        assert await theirs.ended_calls(10) == []
        ended = await mine.ended_calls(10)
        assert sorted(call.id for call in ended) == sorted(calls)
        await mine.forget_calls(ended)
        assert await mine.ended_calls(10) == []

    async def test_what_another_node_has_recorded_is_not_recorded_again(self, make_rooms, redis_socket):
        mine, theirs = make_rooms(), make_rooms()
        for peer in (ALICE, BOB):
            await mine.join(entry(peer), capacity=2)
        await mine.leave("room", ALICE, connection=1)

        await theirs.forget_calls(await theirs.ended_calls(10))
        assert await mine.ended_calls(10) == []
        await flush(redis_socket)

        assert await mine.ended_calls(10) == []

    async def test_no_more_of_those_are_kept_than_a_node_has_room_for(self, make_rooms):
        rooms = make_rooms()

        rooms._keep([EndedCall(f"call {number}", "room", 0, 1, 2) for number in range(20_001)], boot=1)

        assert (len(rooms._ended), next(iter(rooms._ended))) == (20_000, "call 1")

    async def test_a_call_that_was_over_does_not_come_back_with_a_token(self, make_rooms, redis_socket, clock):
        rooms = make_rooms(quarantine=12)
        before = make_rooms()
        await before.join(entry(ALICE), capacity=3)
        await before.join(entry(BOB), capacity=3)
        both = await held(rooms, ALICE, BOB)
        await flush(redis_socket)
        await live(rooms, both)
        await rooms.away("room", BOB, connection=1, keep=0)
        await live(rooms, Held(both.room, both.members[:1]))
        assert [call.id for call in await rooms.ended_calls(10)] == [both.room.call.id]
        clock.move(3)

        outcome = await rooms.resume(entry(BOB), capacity=3, stamp=2, connection=1, call=both.room.call)

        assert outcome.room.call.id != both.room.call.id

    @pytest.mark.parametrize("losses", [1, 2])
    async def test_a_token_brings_back_no_call_that_the_redis_before_did_not_know(
        self, make_rooms, redis_socket, clock, losses
    ):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=2)
        call = (await rooms.join(entry(BOB), capacity=2)).room.call
        for _ in range(losses):
            clock.move(5)
            await live(rooms)
            await flush(redis_socket)

        for peer in (ALICE, BOB):
            outcome = await rooms.resume(entry(peer), capacity=2, stamp=2, connection=1, call=call)

        ended = await rooms.ended_calls(10)
        if losses == 1:
            assert (outcome.room.call.id, ended) == (call.id, [])
        else:
            assert outcome.room.call.id != call.id
            assert [(one.id, one.ended) for one in ended] == [(call.id, call.started)]

    @pytest.mark.server
    async def test_a_redis_that_was_killed_and_started_again_is_filled_again(self):
        """It does not even know the library."""
        with RedisServer() as server:
            async with Redis(unix_socket_path=server.path) as one, Redis(unix_socket_path=server.path) as other:
                mine, theirs = RedisRooms(one, quarantine=0), RedisRooms(other, quarantine=0)
                await mine.join(entry(ALICE), capacity=2)
                call = (await theirs.join(entry(BOB), capacity=2)).room.call
                alice, bob = await held(mine, ALICE), await held(theirs, BOB)
                server.kill()
                with pytest.raises(ConnectionError):
                    await live(mine, alice)
                server.start()

                await live(mine, alice)
                await live(theirs, bob)

                room = await mine.view("room")
                assert (set(room.members), room.call) == (
                    {ALICE, BOB},
                    replace(call, boot=room.boot, together=room.boot),
                )
                with pytest.raises(ProtocolError, match="admits nobody"):
                    await RedisRooms(one).join(entry(CHARLIE), capacity=2)


class OtherClockTests:
    """A Redis that is empty takes the place of one whose clock was ahead, or behind."""

    @pytest.fixture(params=[-5, 5])
    async def lose(self, make_rooms, redis_socket, clock, request):
        await make_rooms().beat("node", holds=False)
        clock.move(100)  # it was first used long ago

        async def lose():
            await flush(redis_socket)
            clock.move(request.param)

        return lose

    async def test_a_lock_that_was_said_just_before_holds(self, make_rooms, lose):
        nodes, known = await on_two_nodes(make_rooms)
        await nodes[ALICE].lock("room", ALICE, connection=1, locked=True)
        alice = await held(nodes[ALICE], ALICE)
        await lose()
        await live(nodes[BOB], known[BOB])  # who has not heard of it
        for hand in (True, False):
            await nodes[BOB].show("room", BOB, connection=1, change=ShowState(hand=hand))

        (outcome,) = await live(nodes[ALICE], alice)

        assert outcome.room.locked and outcome.room.revision > alice.room.revision

    async def test_what_was_locked_anew_is_not_undone_by_who_knows_less(self, make_rooms, lose):
        nodes, known = await on_two_nodes(make_rooms)
        await lose()
        await live(nodes[BOB], known[BOB])
        locked = await nodes[BOB].lock("room", BOB, connection=1, locked=True)

        await live(nodes[ALICE], known[ALICE])

        assert (await nodes[ALICE].view("room")).version == locked.room.version

    async def test_who_was_away_has_a_place_to_come_back_to(self, make_rooms, lose):
        nodes, _ = await on_two_nodes(make_rooms)
        away = (await nodes[BOB].away("room", BOB, connection=1, keep=30)).member
        alice = await held(nodes[ALICE], ALICE)
        await lose()

        (outcome,) = await live(nodes[ALICE], alice)

        assert outcome.room.members[BOB].connection == away.connection

    @pytest.mark.parametrize("quarantine", [0, 12])
    async def test_a_call_goes_on(self, make_rooms, lose, quarantine):
        nodes, known = await on_two_nodes(make_rooms)
        await lose()
        later = {peer: make_rooms(quarantine=quarantine) for peer in nodes}

        for peer, node in later.items():
            await live(node, known[peer])

        assert (await later[ALICE].view("room")).call.id == known[ALICE].room.call.id
        assert await later[ALICE].ended_calls(1) == []

    async def test_what_somebody_shows_before_its_node_has_told_of_it_undoes_nothing(self, make_rooms, lose):
        """Bob's node has told of Alice, but has not heard that she is muted."""
        nodes, known = await on_two_nodes(make_rooms)
        await nodes[ALICE].show("room", ALICE, connection=1, change=ShowState(muted=True))
        alice = await held(nodes[ALICE], ALICE)
        await lose()
        await live(nodes[BOB], known[BOB])
        show = partial(nodes[ALICE].show, "room", ALICE, connection=1, change=ShowState(hand=True))

        assert await show() is None  # until her node has told of her
        await nodes[ALICE].renew([alice])
        outcome = await show()

        assert (outcome.member.state.muted, outcome.member.state.hand) == (True, True)


class RaceTests:
    async def test_of_those_who_come_at_once_in_several_processes_exactly_two_get_in(self, make_rooms, redis_socket):
        make_rooms()
        seed, rounds = random.randrange(10**9), scaled(10_000)
        print(f"seed {seed}, {rounds} rounds")

        results = await asyncio.to_thread(race, redis_socket, rounds=rounds, seed=seed)

        for number, answers in enumerate(results):
            admitted = {peer: answer for peer, answer in answers.items() if not isinstance(answer, str)}
            assert 3 <= len(answers) <= 5 and len(admitted) == 2, f"seed {seed}, room {number}"
            first, second = sorted(admitted, key=lambda peer: len(admitted[peer]))
            assert (admitted[first], admitted[second]) == (set(), {first}), f"seed {seed}, room {number}"
            refusals = [answer for answer in answers.values() if isinstance(answer, str)]
            assert set(refusals) == {"room-full"}, f"seed {seed}, room {number}"

    async def test_of_those_who_come_at_once_on_different_nodes_exactly_two_get_in(self, make_rooms):
        seed = random.randrange(10**9)
        print("seed", seed)
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

    async def test_many_runs_of_one_join_are_one(self, make_rooms):
        rooms = make_rooms()
        asked = entry(ALICE)

        answers = await asyncio.gather(*(rooms.join(asked, capacity=2) for _ in range(20)))

        assert {answer.member.connection for answer in answers} == {1}
        assert (await rooms.view("room")).revision == 1


class TwiceRedis(Redis):
    """Runs every script twice and gives the second answer, as redis-py does when the first is lost."""

    async def fcall(self, *arguments):
        await super().fcall(*arguments)
        return await super().fcall(*arguments)


class TwicePipeline(Pipeline):
    """As TwiceRedis, with several scripts at once."""

    async def execute(self, raise_on_error: bool = True) -> list:
        commands = list(self.command_stack)
        await super().execute(raise_on_error)
        self.command_stack = commands
        return await super().execute(raise_on_error)


class TwicePipelineRedis(Redis):
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return TwicePipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class LostAnswerTests:
    @pytest.mark.parametrize("was_locked", [False, True])
    async def test_a_late_second_run_undoes_nothing_that_others_did_since(self, make_rooms, was_locked):
        """As when a node gave up waiting, and asks again once it has Redis back."""
        rooms = make_rooms()
        for peer in (ALICE, BOB):
            await rooms.join(entry(peer), capacity=2)
        await rooms.lock("room", BOB, connection=1, locked=was_locked)
        lock = partial(rooms.lock, "room", ALICE, connection=1, locked=True, request="alice-locks")
        await lock()
        await rooms.lock("room", BOB, connection=1, locked=False)
        before = await rooms.view("room")

        again = await lock()

        assert (again.room.locked, again.changes) == (False, ())
        assert await rooms.view("room") == before

    async def test_the_second_run_answers_what_the_first_has_done(self, make_rooms, redis_socket):
        """The same steps twice; the second time each answer is lost once."""
        stories = []
        for client in (Redis, TwiceRedis):
            await flush(redis_socket)
            await make_rooms().view("room")  # so that Redis knows the library
            stories.append(await self.story(make_rooms(client=client)))
            assert len(await make_rooms().ended_calls(10)) == 1

        assert stories[0] == stories[1]

    async def story(self, rooms):
        """What is told of each step, without the stamps, with the nodes that must hear of it."""
        outcomes = [
            await rooms.join(entry(ALICE, node="a"), capacity=3),
            await rooms.join(entry(BOB, node="b"), capacity=3),
            await rooms.show("room", BOB, connection=1, change=ShowState(hand=True)),
            await rooms.lock("room", BOB, connection=1, locked=True),
            await rooms.lock("room", BOB, connection=1, locked=False),
            await rooms.away("room", ALICE, connection=1, keep=30),
            await rooms.resume(entry(ALICE, node="c", state=State(muted=True)), capacity=3, stamp=1, connection=1),
            await rooms.resume(entry(ALICE, node="d"), capacity=3, stamp=1, connection=2),
            await rooms.join(entry(CHARLIE, node="b"), capacity=3, replaces=ALICE),
            await rooms.leave("room", BOB, connection=1),
        ]
        assert outcomes[5] and outcomes[-1]
        return [
            (
                [message | {"member": None} for message in told(outcome)],
                outcome.nodes,
                outcome.is_new,
                outcome.member and outcome.member.connection,
            )
            for outcome in outcomes
        ]

    async def test_a_late_second_run_of_a_resume_still_says_that_it_was_let_in_anew(self, make_rooms):
        """Else its streams would go on, which the others have forgotten."""
        rooms = make_rooms()
        await rooms.join(entry(BOB), capacity=3)
        resume = partial(rooms.resume, entry(ALICE), capacity=3, stamp=6, connection=1)
        assert (await resume()).is_new
        await rooms.show("room", BOB, connection=1, change=ShowState(hand=True))

        assert (await resume()).is_new

        assert not (
            await rooms.resume(replace(entry(ALICE), request="again"), capacity=3, stamp=6, connection=2)
        ).is_new

    async def test_a_second_run_tells_of_nothing_that_does_not_lead_to_the_room(self, make_rooms, redis_socket):
        nodes, known = await on_two_nodes(make_rooms)
        await flush(redis_socket)
        resume = partial(make_rooms().resume, replace(entry(ALICE), request="x"), capacity=2, stamp=1, connection=1)
        await resume()
        await live(nodes[BOB], known[BOB])

        second = await resume()

        assert second.changes == () and set(second.room.members) == {ALICE, BOB}

    async def test_a_renewal_recalls_what_was_done_last_and_its_second_run_answers_it_still(self, make_rooms, clock):
        nodes, known = await on_two_nodes(make_rooms)
        leave = partial(nodes[BOB].leave, "room", BOB, connection=1, request="leave")
        first = await leave()

        (outcome,) = await live(nodes[ALICE], known[ALICE])

        assert (outcome.changes, outcome.recalled) == ((), first.changes)
        assert (await leave()).changes == first.changes
        assert await live(nodes[ALICE], replace(known[ALICE], room=outcome.room)) == []

    async def test_it_recalls_nothing_when_the_node_has_missed_more(self, make_rooms):
        nodes, known = await on_two_nodes(make_rooms)
        await nodes[BOB].show("room", BOB, connection=1, change=ShowState(hand=True))
        await nodes[BOB].leave("room", BOB, connection=1)

        (outcome,) = await live(nodes[ALICE], known[ALICE])

        assert (outcome.changes, outcome.recalled, list(outcome.room.members)) == ((), (), [ALICE])

    async def test_nor_anything_when_the_redis_is_another_one(self, make_rooms, redis_socket):
        nodes, known = await on_two_nodes(make_rooms)
        await flush(redis_socket)
        others = make_rooms()
        for peer in (ALICE, BOB):
            await others.resume(replace(entry(peer), request=f"{peer} again"), capacity=2, stamp=1, connection=1)
        await others.lock("room", BOB, connection=2, locked=True)

        outcomes = await live(nodes[ALICE], known[ALICE])

        assert [(outcome.recalled, outcome.room.locked) for outcome in outcomes] == [((), True)]

    async def test_who_has_left_is_not_let_in_by_a_late_second_run(self, make_rooms):
        rooms = make_rooms()
        await rooms.join(entry(BOB), capacity=2)
        join = partial(rooms.join, entry(ALICE), capacity=2)
        await join()
        await rooms.leave("room", ALICE, connection=1)

        with pytest.raises(ProtocolError) as refusal:
            await join()

        assert refusal.value.code == "gone"
        assert set((await rooms.view("room")).members) == {BOB}

    async def test_the_last_one_leaves_once(self, make_rooms):
        once, twice = make_rooms(), make_rooms(client=TwiceRedis)
        await once.join(entry(ALICE), capacity=2)

        await twice.leave("room", ALICE, connection=1)  # there is nobody left who could be told

        assert (await once.view("room")).members == {}

    async def test_joins_are_counted_once(self, make_rooms):
        rooms = make_rooms(client=TwiceRedis, joins=0.001, joins_burst=2)
        await rooms.view("room")

        for number in range(2):
            await rooms.join(entry(peer_id(f"peer{number}")), capacity=9, address="a")

        with pytest.raises(ProtocolError):
            await rooms.join(entry(CHARLIE), capacity=9, address="a")


class NodeTests:
    async def test_all_nodes_that_held_a_member_before_or_after_are_named(self, make_rooms, clock):
        rooms = make_rooms()

        async def nodes(operation) -> set[str]:
            return set((await operation).nodes)

        assert await nodes(rooms.join(entry(ALICE, node="a"), capacity=3)) == {"a"}
        assert await nodes(rooms.join(entry(BOB, node="b"), capacity=3)) == {"a", "b"}
        moved = await rooms.resume(entry(ALICE, node="c"), capacity=3, stamp=1, connection=1)
        assert (set(moved.nodes), moved.changes) == ({"a", "b", "c"}, ())
        assert await nodes(rooms.show("room", ALICE, connection=2, change=ShowState(hand=True))) == {"b", "c"}
        assert await nodes(rooms.away("room", ALICE, connection=2, keep=5)) == {"b", "c"}
        bob = await held(rooms, BOB)
        clock.move(6)
        (outcome,) = await live(rooms, bob)
        assert set(outcome.nodes) == {"b", "c"}
        assert await nodes(rooms.leave("room", BOB, connection=1)) == {"b"}


class NoPlaceTests:
    async def test_a_renewal_says_why_somebody_has_no_place_any_more(self, make_rooms, clock):
        mine, theirs = make_rooms(), make_rooms()
        dave = peer_id("dave")
        for peer in (ALICE, BOB, CHARLIE):
            await mine.join(entry(peer), capacity=3)
        all_three = await held(mine, ALICE, BOB, CHARLIE)
        await theirs.resume(entry(ALICE), capacity=3, stamp=1, connection=1)
        await theirs.join(entry(dave), capacity=3, replaces=BOB)
        await theirs.away("room", CHARLIE, connection=1, keep=1)
        clock.move(2)
        await theirs.join(entry(peer_id("eve")), capacity=3)

        (outcome,) = await live(mine, all_three)

        assert outcome.no_place == {ALICE: "superseded", BOB: "removed", CHARLIE: "replaced"}

    async def test_one_that_goes_away_while_its_node_renews_keeps_its_place_as_long(self, make_rooms, clock):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=2)
        alice = await held(rooms, ALICE)
        away = await rooms.away("room", ALICE, connection=1, keep=30)

        await live(rooms, alice)

        assert (await rooms.view("room")).members[ALICE] == away.member


class JoinLimitTests:
    async def test_all_nodes_count_together_and_refusals_count_too(self, make_rooms, clock):
        nodes = [make_rooms(joins=0.01, joins_burst=5) for _ in range(2)]
        codes = []
        for number in range(8):
            try:
                await nodes[number % 2].join(entry(peer_id(f"peer{number}")), capacity=2, address="a")
                codes.append("")
            except ProtocolError as refusal:
                codes.append(refusal.code)
                problem = refusal

        assert codes == ["", "", *["room-full"] * 3, *["too-many-joins"] * 3]
        assert 1 <= problem.members["retry_after"] <= 100
        await nodes[0].join(entry(ALICE, room="other"), capacity=2, address="b")
        await nodes[0].join(entry(ALICE, room="another"), capacity=2)

    async def test_who_waits_as_long_as_was_said_is_let_through(self, make_rooms, clock):
        rooms = make_rooms(joins=0.01, joins_burst=1)
        await rooms.join(entry(ALICE), capacity=9, address="a")
        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(BOB), capacity=9, address="a")

        clock.move(refusal.value.members["retry_after"])

        await rooms.join(entry(BOB), capacity=9, address="a")

    async def test_a_clock_that_was_set_back_refuses_nobody_for_long(self, make_rooms, clock):
        rooms = make_rooms(joins=0.01, joins_burst=1)
        await rooms.join(entry(ALICE), capacity=9, address="a")
        clock.move(-3600)

        with pytest.raises(ProtocolError) as refusal:
            await rooms.join(entry(BOB), capacity=9, address="a")

        assert refusal.value.members["retry_after"] <= 100

    async def test_nothing_stays_in_redis_of_who_has_not_come_for_long(self, make_rooms, redis_socket):
        await make_rooms(joins=0.01, joins_burst=60).join(entry(ALICE), capacity=9, address="a")

        async with Redis(unix_socket_path=redis_socket) as client:
            assert 0 < await client.pttl("joins:a") <= 100_000


class CutOffTests:
    """Alice's node was cut off from Redis for longer than her place lasts."""

    @pytest.fixture
    async def alice(self, make_rooms, clock):
        rooms = make_rooms()
        await rooms.join(entry(ALICE), capacity=4)
        for number in range(6):
            await rooms.show("room", ALICE, connection=1, change=ShowState(muted=number % 2 == 0))
        return rooms, await held(rooms, ALICE)

    @pytest.fixture
    async def later(self, alice, make_rooms, clock):
        """Meanwhile two others have met there, and locked the room."""
        rooms = make_rooms()
        await live(*alice)
        for _ in range(30):
            clock.move(2)
            await rooms.beat(f"node of {CHARLIE}", holds=True)
        for peer in (CHARLIE, BOB):
            await rooms.join(entry(peer, node=f"node of {CHARLIE}"), capacity=3)
        return (await rooms.lock("room", CHARLIE, connection=1, locked=True)).room

    async def test_a_later_room_stays_locked_and_she_is_not_let_in(self, alice, later):
        rooms, known = alice
        assert known.room.revision > later.revision

        (outcome,) = await live(rooms, known)

        assert outcome.no_place == {ALICE: "replaced"}
        assert await rooms.view("room") == later

    async def test_a_later_room_that_is_open_takes_her_and_nothing_that_her_node_knows(self, alice, later):
        rooms, known = alice
        open_room = (await rooms.lock("room", CHARLIE, connection=1, locked=False)).room

        (outcome,) = await live(rooms, known)

        assert set(outcome.room.members) == {ALICE, BOB, CHARLIE}
        assert outcome.room.revision > max(known.room.revision, open_room.revision)  # so that she gets the whole list
        assert (outcome.room.locked, outcome.room.capacity) == (False, 3)

    async def test_whom_she_knows_lets_her_back_into_a_locked_room(self, make_rooms, clock):
        nodes, known = await on_two_nodes(make_rooms)
        bob = known[BOB]
        for peer, node in nodes.items():
            await live(node, known[peer])
        for _ in range(12):
            clock.move(2)
            for outcome in await live(nodes[BOB], bob):
                bob = Held(outcome.room, (outcome.room.members[BOB],))
        assert set(bob.room.members) == {BOB}
        await nodes[BOB].lock("room", BOB, connection=1, locked=True)

        (outcome,) = await live(nodes[ALICE], known[ALICE])

        assert set(outcome.room.members) == {ALICE, BOB} and outcome.room.locked

    async def test_what_she_did_meanwhile_does_not_bring_her_back(self, alice, later):
        rooms, known = alice
        await rooms.beat(f"node of {ALICE}", holds=False)

        (outcome,) = await rooms.restore(known)

        assert outcome.changes == () and not outcome.is_new
        assert await rooms.view("room") == later

    async def test_what_she_did_while_redis_forgot_her_is_told(self, alice, redis_socket):
        rooms, known = alice
        await flush(redis_socket)
        await rooms.restore(known)

        assert (await rooms.leave("room", ALICE, connection=1)).room.members == {}


class CallTests:
    @pytest.fixture
    async def call(self, make_rooms, clock):
        """Alice and Bob; both nodes have renewed, Bob's a little later, and die."""
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=2)
        call = (await theirs.join(entry(BOB), capacity=2)).room.call
        clock.move(10)
        await live(mine, await held(mine, ALICE))
        clock.move(3)
        await live(theirs, await held(theirs, BOB))
        return call

    @pytest.fixture
    async def seen(self, make_rooms, redis_socket, call):
        """When the nodes of the two last showed that they live."""
        members = (await make_rooms().view("room")).members
        async with Redis(unix_socket_path=redis_socket) as client:
            leases = {peer: await client.zscore("nodes", member.node) for peer, member in members.items()}
        return {peer: pytest.approx(lease - 15, abs=0.001) for peer, lease in leases.items()}

    async def test_it_ends_at_the_last_renewal_although_nobody_comes_back(
        self, make_rooms, clock, redis_socket, call, seen
    ):
        other = make_rooms()
        for _ in range(21):
            clock.move(8)
            await live(other)
            assert await other.ended_calls(10) == []
        for _ in range(2):  # three minutes after they were last spoken for
            clock.move(8)
            assert await live(other) == []

        (ended,) = await other.ended_calls(10)
        assert (ended.id, ended.started, ended.ended) == (call.id, call.started, seen[ALICE])
        async with Redis(unix_socket_path=redis_socket) as client:
            keys = {
                key for key in await client.keys() if not key.startswith(b"news:")
            }  # which are kept for eight minutes
            assert keys == {b"boot", b"nodes", b"calls:ended", b"past:room"}

    async def test_a_node_that_starts_hours_later_ends_it(self, make_rooms, clock, redis_socket, seen):
        async with Redis(unix_socket_path=redis_socket) as client:
            assert await client.pttl("room:room") > 23 * 3600 * 1000
        clock.move(20 * 3600)

        await live(make_rooms())
        assert await make_rooms().ended_calls(10) == []  # nobody could renew: they have one lease more to come back
        for _ in range(2):
            clock.move(8)
            await live(make_rooms())

        (ended,) = await make_rooms().ended_calls(10)
        assert ended.ended == seen[ALICE]

    async def test_when_one_node_dies_it_ends_at_that_ones_last_renewal(self, make_rooms, clock, seen):
        mine = make_rooms()
        for _ in range(3):
            clock.move(6)
            await live(mine, await held(mine, ALICE))

        (ended,) = await mine.ended_calls(10)
        assert ended.ended == seen[BOB]

    async def test_no_sweep_touches_a_room_in_which_somebody_is_left(self, make_rooms, clock, call):
        mine = make_rooms()
        alice = await held(mine, ALICE)
        for _ in range(2):
            clock.move(6)
            assert await live(mine, alice) == []
        clock.move(6)

        (outcome,) = await live(mine, alice)

        assert [message["reason"] for message in told(outcome)] == ["lost"]

    async def test_many_are_swept_little_by_little(self, make_rooms, clock):
        rooms = make_rooms()
        for number in range(50):
            for peer in (ALICE, BOB):
                await rooms.join(entry(peer, room=f"room {number}"), capacity=2)
        for seconds in (8, 8):
            await live(rooms)
            clock.move(seconds)

        numbers = []
        for _ in range(4):
            await live(rooms)
            numbers.append(len(await rooms.ended_calls(100)))

        assert numbers == [20, 40, 50, 50]

    @pytest.mark.parametrize("end", ["leave", "away"])
    async def test_it_ends_when_they_went_and_not_when_that_could_be_told(self, make_rooms, clock, end):
        """Redis stood still meanwhile; it hears of both at the same moment."""
        rooms = make_rooms()
        for peer in (ALICE, BOB):
            await rooms.join(entry(peer, node="node"), capacity=2)
        await live(rooms, await held(rooms, ALICE, BOB))
        clock.move(300)
        await rooms.beat("node", holds=False)

        for peer, ago in ((ALICE, 293), (BOB, 290)):
            if end == "leave":
                await rooms.leave("room", peer, connection=1, ago=ago)
            else:
                await rooms.away("room", peer, connection=1, keep=1, ago=ago)
        clock.move(2)
        await rooms.beat("node", holds=False)
        for _ in range(10):
            clock.move(8)
            await rooms.beat("node", holds=False)

        (ended,) = await rooms.ended_calls(10)
        assert ended.ended - ended.started == pytest.approx(7, abs=0.1)

    async def test_a_node_learns_what_was_reported_elsewhere(self, make_rooms, call):
        """It must know it when Redis forgets."""
        mine, theirs = make_rooms(), make_rooms()
        alice = await held(mine, ALICE)
        await theirs.report("room", BOB, connection=1, relayed=True)

        (outcome,) = await live(mine, alice)

        assert (outcome.changes, outcome.room.revision) == ((), alice.room.revision)
        assert outcome.room.call == replace(
            alice.room.call, connected=True, relayed=True, connect_seconds=outcome.room.call.connect_seconds
        )


class ClockTests:
    @pytest.mark.parametrize("first", ["a stranger", "an idle node", "a resume"])
    async def test_whatever_runs_first_after_redis_stood_still_takes_nobody_for_lost(self, make_rooms, clock, first):
        """It was on its way when Redis stood still, so it comes before those who hold the places."""
        nodes, known = await on_two_nodes(make_rooms)
        for peer, node in nodes.items():
            await live(node, known[peer])
        other = make_rooms()
        clock.move(16)

        if first == "a stranger":
            with pytest.raises(ProtocolError, match="no free place"):
                await other.join(entry(CHARLIE), capacity=2)
        elif first == "a resume":
            await other.resume(entry(BOB), capacity=2, stamp=2, connection=1)
        else:
            await live(other)

        news = await live(nodes[ALICE], known[ALICE])
        assert (news == []) is (first != "a resume")  # which gives Bob another socket
        room = await other.view("room")
        assert set(room.members) == {ALICE, BOB}
        assert room.call == replace(known[ALICE].room.call, together=room.call.together)
        assert await other.ended_calls(10) == []

    @pytest.mark.parametrize("seconds", [60, 3600])
    async def test_when_redis_stands_still_or_its_clock_is_put_forward_nobody_is_lost(self, make_rooms, clock, seconds):
        nodes, known = await on_two_nodes(make_rooms)
        for peer, node in nodes.items():
            await live(node, known[peer])

        clock.move(seconds)
        for peer, node in nodes.items():
            assert await live(node, known[peer]) == []

        assert (await nodes[ALICE].view("room")).call == known[ALICE].room.call
        for _ in range(3):
            clock.move(4)
            await live(nodes[ALICE], known[ALICE])
        clock.move(4)
        (outcome,) = await live(nodes[ALICE], known[ALICE])
        assert told(outcome)[0]["reason"] == "lost"  # Bob's node is dead by now, and that is still noticed

    @pytest.mark.parametrize("seconds", [60, 600])  # which is longer than a place lasts of which nobody speaks
    async def test_when_redis_stood_still_rooms_are_renewed_by_the_hundred_all_the_same(
        self, make_rooms, redis_socket, clock, seconds
    ):
        nodes, known = await on_two_nodes(make_rooms)
        for peer, node in nodes.items():
            await live(node, known[peer])
        clock.move(seconds)
        before = await calls_of(redis_socket)

        for peer, node in nodes.items():
            assert await live(node, known[peer]) == []

        assert await calls_of(redis_socket) - before == 2 * 2

    async def test_a_clock_that_was_set_back_ends_the_grace_of_one_that_was_put_forward(self, make_rooms, clock):
        mine, dead = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=2)
        await dead.join(entry(BOB), capacity=2)
        alice = await held(mine, ALICE)
        await live(mine, alice)
        clock.move(3700)
        assert await live(mine, alice) == []
        clock.move(-3600)
        assert await live(mine, alice) == []

        for _ in range(3):
            clock.move(5)
            news = await live(mine, alice)
        clock.move(5)
        news += await live(mine, alice)

        assert [message["reason"] for outcome in news for message in told(outcome)] == ["lost"]

    async def test_a_node_that_is_always_slow_does_not_keep_the_dead(self, make_rooms, clock):
        """Bob's node is dead; of the slow one nobody sits in the room."""
        nodes, known = await on_two_nodes(make_rooms)
        slow = make_rooms()
        for peer, node in nodes.items():
            await live(node, known[peer])
        await slow.beat("slow", holds=True)

        news = []
        for second in range(1, 36):
            clock.move(1)
            if second % 11 == 0:
                await slow.beat("slow", holds=True)
            await nodes[ALICE].beat(f"node of {ALICE}", holds=True)
            news += await nodes[ALICE].renew([known[ALICE]])

        assert told(news[0])[0]["reason"] == "lost"

    async def test_a_node_that_had_nothing_to_do_for_long_keeps_nobody(self, make_rooms, clock):
        """Alice's node is dead; Bob's had nobody for a while."""
        dead, idle = make_rooms(), make_rooms()
        await dead.join(entry(ALICE), capacity=2)
        await idle.join(entry(CHARLIE, room="other"), capacity=2)
        await live(idle, Held(await idle.view("other"), tuple((await idle.view("other")).members.values())))
        await idle.leave("other", CHARLIE, connection=1)
        for seconds in (5, 6):
            clock.move(seconds)
            await live(idle)
        bob = (await idle.join(entry(BOB), capacity=2)).member
        assert await live(idle, await held(idle, BOB)) == []
        clock.move(5)

        (outcome,) = await live(idle, Held(await idle.view("room"), (bob,)))

        assert [message["peer"] for message in told(outcome)] == [ALICE]

    async def test_a_clock_that_is_set_back_keeps_no_place_for_longer(self, make_rooms, clock):
        rooms = make_rooms()
        for peer in (ALICE, BOB, CHARLIE):
            await rooms.join(entry(peer), capacity=3)
        alice = await held(rooms, ALICE)
        await rooms.away("room", BOB, connection=1, keep=5)
        clock.move(-3600)
        await live(rooms, alice)

        clock.move(6)
        await live(rooms, alice)
        assert set((await rooms.view("room")).members) == {ALICE, CHARLIE}
        for _ in range(2):
            clock.move(5)
            await live(rooms, alice)
        assert set((await rooms.view("room")).members) == {ALICE}


class RenewalTests:
    async def test_a_node_that_renews_slice_by_slice_notices_that_it_could_not_for_a_while(self, make_rooms, clock):
        mine, theirs = make_rooms(), make_rooms()
        await mine.join(entry(ALICE), capacity=2)
        await theirs.join(entry(BOB), capacity=2)
        charlie = await mine.join(entry(CHARLIE, room="another"), capacity=2)
        slices = [await held(mine, ALICE)], [Held(charlie.room, (charlie.member,))]
        for part in slices:
            await live(mine, *part)

        clock.move(20)  # Redis stood still: nobody could renew
        for part in slices:
            await live(mine, *part)

        assert set((await mine.view("room")).members) == {ALICE, BOB}

    async def test_thousands_of_rooms_are_renewed_in_slices(self, make_rooms, clock):
        rooms = make_rooms()
        outcomes = [await rooms.join(entry(ALICE, room=f"room {number}"), capacity=2) for number in range(450)]
        all_held = [Held(outcome.room, (outcome.member,)) for outcome in outcomes]

        clock.move(10)
        assert await live(rooms, *all_held) == []
        clock.move(10)

        assert all([(await rooms.view(f"room {number}")).members for number in range(450)])
        assert await live(rooms) == []
