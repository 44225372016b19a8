"""What nodes tell each other of their rooms, over a real Redis: news that is late, doubled or lost, and places that move."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from redis.asyncio import Redis

from signaling import switchboard
from signaling.accord import Accord, fingerprint
from signaling.links import Link
from signaling.node import _client
from signaling.protocol import ProtocolError, ShowState
from signaling.rooms.redis import RedisRooms
from signaling.shards import Shard
from signaling.switchboard import Switchboard
from tests.cast import ALICE, BOB, CHARLIE, entry, until
from tests.redis_server import RedisServer
from tests.signaling.test_redis_rooms import calls_of, flush, set_back
from tests.signaling.test_switchboard import Outlet, signal
from tests.signaling.ways import Way


class Post:
    """A link's way out that can hold parcels back; they are delivered late, twice, or never."""

    def __init__(self, link: Link) -> None:
        self._post, self.held, self.holds = link.post, [], False
        link.post = self

    def __call__(self, address: str, *parcel) -> None:
        room, _, _ = parcel
        if self.holds and room:
            self.held.append((address, *parcel))
        else:
            self._post(address, *parcel)

    def let_go(self, *, times: int = 1) -> None:
        for held in self.held * times:
            self._post(*held)
        self.held = []


class Node:
    """A node without sockets."""

    def __init__(self, redis: RedisServer, *, renewal: float, **times) -> None:
        self.switchboard = Switchboard(renewal=renewal)
        client = Redis(unix_socket_path=redis.path, socket_timeout=0.5)
        self.arrived = 0  # parcels of other nodes
        self.link = Link(redis.url, self._deliver, test_every=0.1, patience=1.0)
        self.post = Post(self.link)
        rooms = RedisRooms(client, **{"lease": 15, "quarantine": 0, **times})
        self.shard = Shard(rooms, self.link, Accord(client, fingerprint([redis.url], room_key="k" * 32), lasts=60))
        self.switchboard.add(self.shard)
        self._client = client

    async def __aenter__(self) -> "Node":
        self.switchboard.start()
        await until(lambda: self.switchboard.is_ready)
        return self

    async def __aexit__(self, *_) -> None:
        await self.switchboard.stop()
        await self._client.aclose()

    def _deliver(self, *parcel) -> None:
        self.switchboard.deliver(*parcel)
        self.arrived += 1

    async def join(self, peer: str, **given) -> Outlet:
        asked = entry(peer, node=self.shard.node)
        return self._seat(await self.switchboard.join(asked, **{"capacity": 3, **given}))

    async def resume(self, peer: str, *, connection: int = 1) -> Outlet:
        asked = entry(peer, node=self.shard.node)
        return self._seat(await self.switchboard.resume(asked, capacity=3, stamp=1, connection=connection))

    async def lock(self, peer: str, *, connection: int = 1, locked: bool = True) -> None:
        await self.switchboard.tell(
            self.switchboard.held("room", peer),
            lambda rooms: rooms.lock("room", peer, connection=connection, locked=locked),
        )

    async def show(self, peer: str, **changes: bool) -> None:
        await self.switchboard.tell(
            self.switchboard.held("room", peer),
            lambda rooms: rooms.show("room", peer, connection=1, change=ShowState(**changes)),
        )

    async def renew(self) -> None:
        """Once, in between."""
        await self.switchboard._beat(self.shard)
        await self.switchboard._renew(self.shard, ["room"])

    def _seat(self, outcome) -> Outlet:
        outlet = Outlet()
        self.switchboard.attach("room", outcome.member, outlet)
        self.switchboard.publish(outcome)
        return outlet


async def renewals_made(redis_socket) -> int:
    """Of rooms in which there was nothing to know."""
    async with Redis(unix_socket_path=redis_socket) as client:
        return (await client.info("commandstats"))["cmdstat_setrange"]["calls"]


@pytest.fixture
def redis():
    with RedisServer() as running:
        yield running


@pytest.fixture
async def make_node(redis):
    """Nodes on one empty Redis."""
    async with AsyncExitStack() as stack:

        async def make(*, renewal: float = 60, **times) -> Node:
            return await stack.enter_async_context(Node(redis, renewal=renewal, **times))

        yield make


@asynccontextmanager
async def held_back(node: Node, *, times: int = 1):
    """Whatever this node tells others in here arrives afterwards."""
    node.post.holds = True
    yield
    node.post.holds = False
    node.post.let_go(times=times)


class NewsTests:
    async def test_people_on_different_nodes_hear_of_each_other_and_are_reached(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        bob = await there.join(BOB)
        await until(lambda: alice.types == ["joined"])

        here.switchboard.relay("room", ALICE, signal(BOB))
        there.switchboard.relay("room", BOB, signal(ALICE))

        await until(lambda: bob.types == ["signal"] and alice.types == ["joined", "signal"])

    async def test_news_that_overtakes_ones_own_answer_is_heard(self, make_node):
        """Two say the code at the same moment: the earlier one's node hears of the later one first."""
        here, there = await make_node(), await make_node()
        ask, arrived = here.shard.rooms.join, here.arrived

        async def ask_slowly(*asked, **given):
            outcome = await ask(*asked, **given)
            await there.join(BOB)
            await until(lambda: here.arrived > arrived)
            return outcome

        here.shard.rooms.join = ask_slowly
        alice = await here.join(ALICE)
        await asyncio.sleep(0)

        assert alice.types == ["joined"]
        assert set(here.switchboard.known("room").members) == {ALICE, BOB}

    async def test_what_was_missed_is_told_also_to_who_does_something(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        async with held_back(there, times=0):
            await there.join(BOB)

        await here.lock(ALICE, locked=False)  # which it is not

        assert seen_by(alice) == {BOB}

    async def test_who_has_had_the_news_renews_without_asking_for_the_room(self, make_node, redis):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        await there.join(BOB)
        await there.lock(BOB)
        await until(lambda: "lock" in alice.types)
        before = await calls_of(redis.path)

        await here.renew()
        await there.renew()

        assert await calls_of(redis.path) - before == 2 * 3  # that it lives, that all agree, and the leases

    async def test_news_that_comes_twice_is_told_once(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)

        async with held_back(there, times=3):
            await there.join(BOB)
        await there.lock(BOB)

        await until(lambda: "lock" in alice.types)
        assert alice.types == ["joined", "lock"]

    async def test_news_that_was_lost_is_made_good_by_the_whole_list_with_the_next(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        async with held_back(there):
            await there.join(BOB)
            there.post.held.clear()

        await there.lock(BOB)

        await until(lambda: "members" in alice.types)
        assert alice.types == ["lock", "members"]
        assert [member["peer"] for member in alice.heard[-1]["members"]] == [BOB]

    async def test_so_is_what_nobody_came_or_went_by(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        await there.join(BOB)
        async with held_back(there, times=0):
            await there.show(BOB, hand=True)

        await there.lock(BOB)

        await until(lambda: "members" in alice.types)
        assert alice.types == ["joined", "lock", "members"]
        assert alice.heard[-1]["members"][0]["state"]["hand"]

    async def test_news_that_was_lost_for_good_is_learnt_by_renewing(self, make_node, monkeypatch):
        monkeypatch.setattr(switchboard, "_BREATH", 0.1)
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        async with held_back(there):
            await there.join(BOB)
            await there.lock(BOB)
            there.post.held.clear()

        await here.renew()

        await until(lambda: "members" in alice.types)
        assert alice.heard[-1]["revision"] == 3

    async def test_of_one_thing_that_was_missed_the_store_says_what_it_was(self, make_node, monkeypatch):
        """Who hung up would be taken for lost by the list alone; and the node that has asked for it may have had no answer."""
        monkeypatch.setattr(switchboard, "_BREATH", 60)
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        bob = await there.join(BOB)
        await until(lambda: alice.types == ["joined"])
        async with held_back(there):
            left = there.switchboard.detach("room", BOB, bob)
            await there.switchboard.tell(left, lambda rooms: rooms.leave("room", BOB, connection=1))

            await here.renew()

            assert [message["reason"] for message in alice.heard[1:]] == ["hung-up"]
        await there.join(CHARLIE)
        await until(lambda: alice.types == ["joined", "left", "joined"])

    async def test_news_may_come_after_the_store_has_told_of_it(self, make_node, monkeypatch):
        """The list alone would not say why: who hung up would be taken for lost."""
        monkeypatch.setattr(switchboard, "_BREATH", 60)
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        await there.join(BOB)
        await until(lambda: alice.types == ["joined"])

        async with held_back(there):
            await there.lock(BOB)
            await there.show(BOB, hand=True)
            await here.renew()

        await until(lambda: alice.types == ["joined", "lock", "state"])

    async def test_what_comes_late_of_a_room_that_is_over_says_nothing_of_the_next(self, make_node, monkeypatch):
        monkeypatch.setattr(switchboard, "_BREATH", 0.3)
        here, there = await make_node(), await make_node()
        alice, bob = await here.join(ALICE), await there.join(BOB)
        await until(lambda: alice.types == ["joined"])
        async with held_back(there):
            await there.lock(BOB)
            await there.show(BOB, hand=True)
            there.post.held.clear()
        await here.renew()

        for node, peer, outlet in ((there, BOB, bob), (here, ALICE, alice)):
            held = node.switchboard.detach("room", peer, outlet)
            await node.switchboard.tell(held, lambda rooms, peer=peer: rooms.leave("room", peer, connection=1))
        await here.join(CHARLIE)
        await asyncio.sleep(0.5)

        assert (here.switchboard.known("room").locked, set(here.switchboard.known("room").members)) == (
            False,
            {CHARLIE},
        )

    async def test_a_room_in_which_nothing_happens_is_renewed_with_every_64th_heartbeat(self, make_node, redis):
        here, there = await make_node(renewal=0.02), await make_node(renewal=0.02)
        await here.join(ALICE)
        await there.join(BOB)
        await asyncio.sleep(0.5)
        scripts, renewals = await calls_of(redis.path), await renewals_made(redis.path)

        while await calls_of(redis.path) < scripts + 2 * 4 * 65:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.02)

        assert 4 <= await renewals_made(redis.path) - renewals <= 8

    async def test_more_rooms_than_can_be_renewed_between_two_heartbeats_are_renewed_all_the_same(
        self, make_node, redis
    ):
        node = await make_node(renewal=0.02)
        rooms = [f"room {number}" for number in range(2000)]
        for room in rooms:
            outcome = await node.switchboard.join(entry(ALICE, room=room, node=node.shard.node), capacity=2)
            node.switchboard.attach(room, outcome.member, Outlet())
            node.switchboard.publish(outcome)

        async with Redis(unix_socket_path=redis.path) as client, asyncio.timeout(20):
            kept = 0
            while kept < len(rooms):
                pipeline = client.pipeline(transaction=False)
                for room in rooms:
                    pipeline.pttl(f"room:{room}")
                kept = sum(lasts > 100_000 for lasts in await pipeline.execute())  # ms; after a join 75,000

    async def test_news_that_is_overtaken_is_not_told_any_more(self, make_node):
        here, there, third = await make_node(), await make_node(), await make_node()
        alice = await here.join(ALICE)
        async with held_back(there):
            await there.join(BOB)
            await third.join(CHARLIE)
            await until(lambda: "members" in alice.types)

        await there.lock(BOB)

        await until(lambda: alice.types[-1] == "lock")
        assert alice.types == ["joined", "members", "lock"]

    async def test_what_cannot_be_read_harms_nobody(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)

        there.link.post(here.link.address, "room", "", b"no news")
        await there.join(BOB)

        await until(lambda: alice.types == ["joined"])


class MovingTests:
    async def test_who_resumes_elsewhere_is_superseded_here_although_nothing_was_noticed(self, make_node):
        here, there = await make_node(), await make_node()
        bob = await here.join(BOB)
        older = await here.join(ALICE)

        newer = await there.resume(ALICE)

        await until(lambda: older.closed == 4010)
        here.switchboard.relay("room", BOB, signal(ALICE))
        await until(lambda: newer.types == ["signal"])
        assert bob.types == ["joined"] and newer.closed is None

    async def test_who_is_replaced_from_elsewhere_is_told(self, make_node):
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        bob = await here.join(BOB)

        await there.join(CHARLIE, replaces=ALICE)

        await until(lambda: alice.closed == 4017)
        await until(lambda: bob.types == ["left", "joined"])

    async def test_a_socket_that_lost_its_place_unheard_is_told_by_renewing(self, make_node):
        here, there = await make_node(renewal=0.05), await make_node()
        alice = await here.join(ALICE)

        async with held_back(there):
            await there.resume(ALICE)
            there.post.held.clear()

        await until(lambda: alice.closed == 4010)

    async def test_signals_to_a_stranger_and_to_who_has_left_elsewhere_are_refused(self, make_node):
        here, there = await make_node(), await make_node()
        await here.join(ALICE)
        await there.join(BOB)
        await until(lambda: BOB in here.switchboard.known("room").members)
        held = there.switchboard.held("room", BOB)
        await there.switchboard.tell(held, lambda rooms: rooms.leave("room", BOB, connection=1))
        await until(lambda: BOB not in here.switchboard.known("room").members)

        with pytest.raises(ProtocolError, match="not in the room"):
            here.switchboard.relay("room", ALICE, signal(BOB))


class OutageTests:
    async def test_an_empty_redis_is_filled_again_and_nobody_is_told_of_a_change(self, make_node, redis):
        here, there = await make_node(renewal=0.1), await make_node(renewal=0.1)
        alice, bob = await here.join(ALICE), await there.join(BOB)
        await until(lambda: alice.types == ["joined"])

        redis.kill()
        redis.start()
        await here.lock(ALICE)  # before anything was put back

        await until(lambda: alice.types and alice.heard[-1].get("locked"))
        await until(lambda: bob.types and bob.heard[-1].get("locked"))
        room = await here.shard.rooms.view("room")
        assert set(room.members) == {ALICE, BOB}
        assert "left" not in alice.types + bob.types
        assert alice.closed is bob.closed is None

    async def test_who_was_taken_for_lost_and_those_who_took_it_so_begin_anew(self, make_node):
        """Bob's and Charlie's node was cut off for longer than a lease; all three were there all the time."""
        here, there = await make_node(lease=1), await make_node(lease=1)
        alice, bob, charlie = await here.join(ALICE), await there.join(BOB), await there.join(CHARLIE)
        await until(lambda: alice.types == ["joined"] * 2)
        for _ in range(3):
            await asyncio.sleep(0.5)
            await here.renew()
        await until(lambda: alice.types == ["joined", "joined", "left", "left"])
        heard = len(bob.heard), len(charlie.heard)

        await there.renew()

        await until(lambda: alice.types == ["joined", "joined", "left", "left", "joined", "joined"])
        for one, before, other in ((bob, heard[0], CHARLIE), (charlie, heard[1], BOB)):
            told = [message for message in one.heard[before:] if message["type"] == "members"]
            assert [{member["peer"] for member in message["members"]} for message in told][-2:] == [
                {other},
                {ALICE, other},
            ]
            assert told[-2]["revision"] == told[-1]["revision"]

    async def test_what_was_done_while_redis_hung_is_done_afterwards_in_order(self, make_node, redis):
        here, there = await make_node(renewal=0.1), await make_node(renewal=0.1)
        alice, bob = await here.join(ALICE), await there.join(BOB)
        await until(lambda: alice.types == ["joined"])

        redis.freeze()
        await here.lock(ALICE)
        await here.lock(ALICE, locked=False)
        await here.lock(ALICE)
        redis.thaw()

        await until(lambda: bob.types and bob.heard[-1].get("locked") is True)
        async with asyncio.timeout(10):
            assert (await there.shard.rooms.view("room")).locked is True

    async def test_what_redis_did_not_answer_in_a_renewal_is_asked_with_the_next(self, make_node):
        """It has told of it already, and does not do so again."""
        node = await make_node()
        await node.join(ALICE)
        await node.renew()

        async def lose(held) -> None:
            raise ConnectionError

        node.shard.rooms.renew = lose
        with pytest.raises(ConnectionError):
            await node.switchboard._renew(node.shard, ["room"])

        assert "room" in node.shard.rounds._due

    async def test_nobody_is_admitted_while_redis_is_away_and_those_on_one_node_reach_each_other(
        self, make_node, redis
    ):
        node = await make_node(renewal=0.1)
        await node.join(ALICE)
        bob = await node.join(BOB)

        redis.kill()
        with pytest.raises(ProtocolError) as refusal:
            await node.join(CHARLIE)
        node.switchboard.relay("room", ALICE, signal(BOB))

        assert refusal.value.code == "unavailable" and 1 <= refusal.value.members["retry_after"] <= 4
        assert bob.types == ["signal"]

    async def test_a_join_whose_answer_never_came_leaves_no_ghost(self, make_node, redis):
        node = await make_node(renewal=0.1)
        await node.join(ALICE)

        redis.freeze()
        with pytest.raises(ProtocolError, match="admits nobody"):
            await node.join(BOB)
        redis.thaw()

        await until(lambda: not node.shard._errands)
        await node.lock(ALICE)  # comes after it
        assert set((await node.shard.rooms.view("room")).members) == {ALICE}

    async def test_who_hangs_up_after_being_taken_for_lost_is_not_brought_back_for_it(self, make_node):
        cut_off = await make_node(lease=0.6)
        alice = await cut_off.join(ALICE)
        others = await make_node(renewal=0.1, lease=0.6)
        bob = await others.join(BOB)
        await until(lambda: bob.types == ["left"])
        before = await others.shard.rooms.view("room")

        held = cut_off.switchboard.detach("room", ALICE, alice)
        await cut_off.switchboard.tell(held, lambda rooms: rooms.leave("room", ALICE, connection=1))

        assert (await others.shard.rooms.view("room")).version == before.version

    async def test_while_much_was_kept_for_later_the_node_shows_that_it_lives(self, make_node, redis):
        node = await make_node(renewal=0.1)
        done, shown = [], set()

        async def errand(number: int) -> None:
            await asyncio.sleep(0.02)
            shown.add(await client.zscore("nodes", node.link.address))
            done.append(number)

        async with Redis(unix_socket_path=redis.path) as client:
            for number in range(50):
                node.shard._keep(partial(errand, number))
            await until(lambda: not node.shard.waiting)

        assert done == list(range(50))
        assert len(shown) >= 50 / 5  # no more than five fit in between two heartbeats


def seen_by(outlet: Outlet) -> set[str]:
    """Whom it was told of and not that they left."""
    seen = set()
    for message in outlet.heard:
        match message["type"]:
            case "members":
                seen = {member["peer"] for member in message["members"]}
            case "joined":
                seen.add(message["member"]["peer"])
            case "left":
                seen.discard(message["peer"])
    return seen


class LostMemoryTests:
    """Redis comes back empty, or as it was before, while news are late or lost."""

    async def test_the_first_news_of_a_new_redis_do_not_hide_what_a_node_knows(self, make_node, redis):
        """Alice has locked the room, Bob's node has missed it, and is first to fill the room."""
        here, there = await make_node(), await make_node()
        alice = await here.join(ALICE)
        await there.join(BOB)
        await until(lambda: alice.types == ["joined"])
        async with held_back(here, times=0):
            await here.lock(ALICE)
        await flush(redis.path)
        arrived = here.arrived
        await there.renew()
        await until(lambda: here.arrived > arrived)

        await here.renew()
        await there.renew()

        assert (await here.shard.rooms.view("room")).locked

    async def test_a_room_that_has_counted_up_to_the_same_number_is_told_of(self, make_node, redis):
        """Alice's node has died with the Redis before."""
        here, there, dead = await make_node(), await make_node(), await make_node()
        await dead.join(ALICE)
        await here.join(BOB)
        await flush(redis.path)
        bob, arrived = await here.resume(BOB), here.arrived
        await there.resume(CHARLIE)
        await until(lambda: here.arrived > arrived)

        for node in (here, there, here):
            await node.renew()

        assert CHARLIE in seen_by(bob)

    async def test_a_redis_that_was_set_back_is_believed_when_it_has_counted_up_to_the_same_number(
        self, make_node, redis
    ):
        """It has lost Charlie, whose node has died, so the sockets of the room have had lower numbers than Alice's node knew of."""
        here, there, dead = await make_node(), await make_node(), await make_node()
        alice = await here.join(ALICE)
        await there.join(BOB)
        async with set_back(redis.path):
            await dead.join(CHARLIE)
            await until(lambda: seen_by(alice) == {BOB, CHARLIE})

        await there.lock(BOB)

        await until(lambda: alice.types[-1] == "members" and alice.heard[-1]["locked"])
        assert seen_by(alice) == {BOB}

    # Of which no news can come any more: the number is as high as before, or lower.
    @pytest.mark.parametrize("changes", [0, 1])
    async def test_who_was_let_in_anew_is_seen_to_have_been_gone(self, make_node, redis, changes):
        """Bob has nothing left of what was said to him: Alice must know, though he was and is in her list."""
        here, there, third = await make_node(), await make_node(), await make_node()
        alice = await here.join(ALICE)
        async with set_back(redis.path):
            await there.join(BOB)
            await until(lambda: alice.types == ["joined"])
            for _ in range(changes):
                await here.lock(ALICE)
        await third.resume(BOB)

        await here.renew()

        await until(lambda: alice.types[1 + changes :] == ["members", "members"])
        assert [[member["peer"] for member in told["members"]] for told in alice.heard[-2:]] == [[], [BOB]]

    async def test_who_has_run_out_in_a_redis_that_was_set_back_is_seen_by_nobody(self, make_node, redis):
        """It tells so by a number that Alice has had already, and so takes for old."""
        here, there = await make_node(), await make_node()
        alice, bob = await here.join(ALICE), await there.join(BOB)
        held = there.switchboard.detach("room", BOB, bob)
        await there.switchboard.tell(held, lambda rooms: rooms.away("room", BOB, connection=1, keep=0))
        await until(lambda: alice.types == ["joined", "away"])
        async with set_back(redis.path):
            await here.lock(ALICE)

        await here.renew()

        revision = (await here.shard.rooms.view("room")).revision
        assert alice.heard[-1] == {"type": "members", "revision": revision, "locked": True, "members": []}

    async def test_a_room_that_was_set_back_and_has_counted_up_again_is_told_of(self, make_node, redis):
        """A copy has taken over that lacks Bob, whose node is gone."""
        here, there, gone = await make_node(), await make_node(), await make_node()
        alice = await here.join(ALICE)
        async with set_back(redis.path):
            await gone.join(BOB)
            await until(lambda: alice.types == ["joined"])

        await there.join(CHARLIE)

        await until(lambda: seen_by(alice) == {CHARLIE})

    async def test_late_news_of_the_redis_before_refuse_nobody(self, make_node, redis):
        here, there = await make_node(), await make_node()
        await here.join(BOB)
        await there.join(ALICE)
        async with held_back(there):
            await there.lock(ALICE)
            await flush(redis.path)
            newest = await here.resume(ALICE)
        await until(lambda: here.switchboard.known("room").locked)

        await here.renew()

        assert newest.closed is None

    async def test_what_is_shown_to_a_new_redis_is_not_undone(self, make_node, redis):
        """Bob's node had missed so much that Alice's takes what he has filled the room with for old."""
        here, there = await make_node(), await make_node()
        await here.join(ALICE)
        await there.join(BOB)
        async with held_back(here, times=0):
            for number in range(8):
                await here.show(ALICE, hand=number % 2 == 0)
        await flush(redis.path)
        await there.renew()

        await here.show(ALICE, muted=True)
        await here.renew()

        assert (await here.shard.rooms.view("room")).members[ALICE].state.muted

    async def test_what_somebody_shows_is_not_forgotten_by_news_of_a_redis_that_has_lost_it(self, make_node, redis):
        """Bob's node is first to tell the store what it knows, and Alice's hears of it before she can."""
        here, there = await make_node(), await make_node()
        await here.join(ALICE)
        bob = await there.join(BOB)
        async with set_back(redis.path):
            await here.show(ALICE, hand=True)
            await until(lambda: bob.types == ["state"])
        await there.renew()
        revision = there.switchboard.known("room").revision
        await until(lambda: here.switchboard.known("room").revision == revision)

        await here.renew()

        assert (await here.shard.rooms.view("room")).members[ALICE].state.hand

    async def test_the_newest_socket_stays_although_redis_has_lost_those_before(self, make_node, redis):
        node = await make_node()
        await node.join(BOB)
        await node.join(ALICE)
        async with set_back(redis.path):
            for connection in (1, 2):
                await node.resume(ALICE, connection=connection)

        newest = await node.resume(ALICE, connection=3)

        assert newest.closed is None

    async def test_nodes_come_to_rest_when_a_redis_has_lost_a_resume(self, make_node, redis):
        """Which raises no revision; and the node that has it is gone."""
        here, there, gone = await make_node(), await make_node(), await make_node()
        await here.join(ALICE)
        await there.join(BOB)
        await until(lambda: BOB in here.switchboard.known("room").members)
        async with set_back(redis.path):
            await gone.resume(BOB)
            await until(lambda: here.switchboard.known("room").members[BOB].connection == 2)

        await here.renew()

        assert here.switchboard.known("room").version == (await here.shard.rooms.view("room")).version


class DoorTests:
    async def test_a_crowd_asks_in_turns_and_all_are_answered(self, make_node):
        node = await make_node()
        shard = Shard(node.shard.rooms, node.link, patience=60)
        asking, most = 0, 0

        async def ask(number: int) -> int:
            nonlocal asking, most
            asking += 1
            most = max(most, asking)
            await asyncio.sleep(0)
            asking -= 1
            return number

        asks = [partial(ask, number) for number in range(600)]

        assert await asyncio.gather(*map(shard.admit, asks)) == list(range(600))
        assert most == 256

    async def test_whose_turn_never_comes_is_sent_away_and_has_asked_nothing(self, make_node):
        node = await make_node()
        answer = asyncio.Event()
        undone = []

        async def undo(number: int) -> None:
            undone.append(number)

        ahead = [asyncio.create_task(node.shard.admit(answer.wait)) for _ in range(256)]
        await asyncio.sleep(0)
        node.shard._patience = 0.1
        behind = [node.shard.admit(answer.wait, undo=partial(undo, number)) for number in range(20)]
        refusals = await asyncio.gather(*behind, return_exceptions=True)
        answer.set()

        assert {(refusal.code, 1 <= refusal.members["retry_after"] <= 4) for refusal in refusals} == {
            ("unavailable", True)
        }
        assert await asyncio.gather(*ahead) == [True] * 256
        assert node.shard.waiting == 0 and undone == []
        assert await node.shard.admit(answer.wait)  # all turns were given back

    async def test_who_comes_while_turns_are_handed_on_is_not_sent_away(self, make_node):
        """Between the answers to those before and the next question the store owes nobody anything."""
        node = await make_node()
        first, second = asyncio.Event(), asyncio.Event()

        ahead = [asyncio.create_task(node.shard.admit(first.wait)) for _ in range(256)]
        ahead.append(asyncio.create_task(node.shard.admit(second.wait)))
        await asyncio.sleep(0)
        first.set()
        # The last one ahead has got its turn by then, and has no answer yet.
        late = asyncio.create_task(node.shard.admit(first.wait))
        await asyncio.wait([late])
        second.set()

        assert await asyncio.gather(*ahead, late) == [True] * 258

    async def test_a_socket_to_redis_that_has_gone_deaf_costs_one_refusal(self, make_node, redis):
        node = await make_node()
        async with Way(redis) as way:
            client = _client(way.url)
            shard = Shard(RedisRooms(client, quarantine=0), node.link)
            await shard.admit(lambda: shard.rooms.join(entry(ALICE, room="deaf"), capacity=2))

            way.deafen()
            with pytest.raises(ProtocolError, match="admits nobody"):
                await shard.admit(lambda: shard.rooms.join(entry(BOB, room="deaf"), capacity=2))
            await shard.admit(lambda: shard.rooms.join(entry(BOB, room="deaf"), capacity=2))
            await client.aclose()

    async def test_a_node_that_is_sent_nothing_any_more_admits_nobody(self, make_node, redis):
        """The scripts answer, but what the others say does not arrive: who sits here would be deaf to them."""
        node = await make_node()
        async with Way(redis) as way:
            link = Link(way.url, lambda *parcel: None, test_every=0.1, patience=0.5)
            shard = Shard(node.shard.rooms, link)
            serving = asyncio.create_task(link.serve())
            await until(lambda: shard.is_up)
            way._server.close()  # nor does a new one get through
            way.deafen()
            await until(lambda: not shard.is_up)

            with pytest.raises(ProtocolError, match="admits nobody"):
                await shard.admit(lambda: shard.rooms.join(entry(ALICE), capacity=2))

            assert (await node.shard.rooms.view("room")).members == {}
            serving.cancel()
            await asyncio.wait([serving])

    async def test_who_is_sent_away_by_the_store_is_not_sent_back_together(self, make_node):
        node = await make_node()

        async def refuse() -> None:
            raise ProtocolError("unavailable", retry_after=12)

        refusals = await asyncio.gather(*(node.shard.admit(refuse) for _ in range(200)), return_exceptions=True)

        assert {refusal.members["retry_after"] for refusal in refusals} == {12, 13, 14, 15}

    async def test_one_host_of_two_that_is_away_makes_no_node_unfit_for_newcomers(self, make_node):
        node = await make_node(renewal=0.1)
        with RedisServer() as second:
            client = Redis(unix_socket_path=second.path, socket_timeout=0.5)
            link = Link(second.url, lambda *parcel: None, test_every=0.1, patience=0.5)
            shard = Shard(RedisRooms(client), link)
            serving = asyncio.create_task(link.serve())
            node.switchboard.add(shard)
            await until(lambda: node.switchboard.is_whole)

            second.freeze()
            await until(lambda: not shard.is_up)

            assert (node.switchboard.is_ready, node.switchboard.is_whole) == (True, False)
            serving.cancel()
            await asyncio.wait([serving])
            await client.aclose()

    async def test_nobody_asks_a_store_that_has_not_answered_those_before(self, make_node):
        node = await make_node()
        shard = Shard(node.shard.rooms, node.link, patience=0.1)
        silent = asyncio.Event()
        asked = []

        async def ask() -> None:
            asked.append(1)

        ahead = [asyncio.create_task(shard.admit(silent.wait)) for _ in range(256)]
        await asyncio.sleep(0)
        shard._patience = 60  # for a turn
        refusals = await asyncio.gather(*(shard.admit(ask) for _ in range(20)), return_exceptions=True)
        await asyncio.gather(*ahead, return_exceptions=True)

        assert {refusal.code for refusal in refusals} == {"unavailable"}
        assert asked == []
        answer = asyncio.Event()

        async def ask_and_wait() -> None:
            await ask()
            await answer.wait()

        again = [asyncio.create_task(shard.admit(ask_and_wait)) for _ in range(256)]
        await asyncio.sleep(0)
        assert len(asked) == 256  # all turns were given back
        answer.set()
        await asyncio.gather(*again)

    async def test_a_store_that_has_not_answered_for_a_while_is_not_asked(self, make_node, redis):
        node = await make_node()
        asked = []

        async def ask() -> None:
            asked.append(1)

        redis.freeze()
        await until(lambda: not node.shard.is_up)
        with pytest.raises(ProtocolError, match="admits nobody"):
            await node.shard.admit(ask)

        assert asked == []


class AccordTests:
    async def test_a_node_with_another_key_admits_nobody(self, make_node, redis):
        await make_node()
        other = Node(redis, renewal=0.1)
        other.shard._accord._fingerprint = fingerprint([redis.url], room_key="another" * 5)
        other.switchboard.start()
        await until(lambda: other.link.is_up and other.shard.is_told_otherwise)

        with pytest.raises(ProtocolError, match="admits nobody"):
            await other.join(ALICE)

        assert not other.switchboard.is_ready
        await other.__aexit__()

    def test_the_fingerprint_knows_hosts_and_key_and_no_password(self):
        both = fingerprint(["redis://:secret@a/0", "redis://b/0"], room_key="k" * 32)

        assert both == fingerprint(["redis://:changed@a/0", "redis://b/0"], room_key="k" * 32)
        assert both != fingerprint(["redis://b/0", "redis://:secret@a/0"], room_key="k" * 32)
        assert both != fingerprint(["redis://:secret@a:6380/0", "redis://b/0"], room_key="k" * 32)
        assert both != fingerprint(["redis://:secret@a/1", "redis://b/0"], room_key="k" * 32)
        assert both != fingerprint(["redis://:secret@a/0", "redis://b/0"], room_key="m" * 32)
