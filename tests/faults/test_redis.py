"""Redis hosts that die, stand still, or come back empty while people negotiate."""

import asyncio

import pytest

from signaling.events import Away, Back, Joined, Left, Renewed, State
from tests.faults.people import Pair, Person, Stranger, are_under_way, batches, complete_all, knock, meet_all, part_all
from tests.faults.site import Site, answer, says
from tests.redis_server import RedisServer
from tests.scale import scaled
from tests.signaling.socket_client import Client as Socket

pytestmark = pytest.mark.server
LEASE, STILL, QUARANTINE = (15, 10, 12) if scaled(100) == 100 else (4, 2, 3)  # seconds


class RedisTests:
    async def test_negotiations_survive_a_redis_that_comes_back_empty_at_once_or_later(self, chance):
        async with Site(chance, nodes=2, ROOM_CAPACITY=2, LEASE_SECONDS=LEASE, QUARANTINE_SECONDS=QUARANTINE) as site:
            for batch in batches(scaled(200)):
                await _negotiate(site, batch, chance, fault=_restart)
                await _negotiate(site, batch, chance, fault=_take_away)

    async def test_negotiations_survive_a_redis_that_stands_still(self, chance):
        async with Site(chance, nodes=2, ROOM_CAPACITY=2, LEASE_SECONDS=LEASE) as site:
            for batch in batches(scaled(200)):
                await _negotiate(site, batch, chance, fault=_stand_still)


async def _negotiate(site: Site, batch: range, chance, *, fault) -> None:
    pairs = [Pair(site.ws_url, f"redis {number}", chance) for number in batch]
    await meet_all(pairs)
    async with Stranger(site.ws_url, pairs, chance) as charlie:
        await are_under_way(pairs, chance)
        await fault(site)
        await complete_all(pairs)
        await charlie.is_told_that_all_are_full()
    for pair in pairs:
        pair.check()
        assert not [drop for one in pair for drop in one.drops]
    await part_all(pairs)


async def _restart(site: Site) -> None:
    site.hosts[0].kill()
    site.hosts[0].start()


async def _take_away(site: Site) -> None:
    site.hosts[0].kill()
    await asyncio.sleep(STILL)
    site.hosts[0].start()


async def _stand_still(site: Site) -> None:
    site.hosts[0].freeze()
    await asyncio.sleep(STILL)
    site.hosts[0].thaw()


class OneOfThreeHostsTests:
    @pytest.mark.parametrize(
        ("lose", "find"), [(RedisServer.kill, RedisServer.start), (RedisServer.freeze, RedisServer.thaw)]
    )
    async def test_rooms_on_the_other_hosts_notice_nothing(self, chance, lose, find):
        """Nor those on the lost one whose people sit at one node; those at two go on when it is back."""
        async with Site(chance, nodes=2, hosts=3, ROOM_CAPACITY=2) as site:
            lost = chance.randrange(3)
            codes = (f"host {number}" for number in range(100_000))
            for batch in batches(scaled(200)):
                apart = [Pair(site.ws_url, next(c for c in codes if site.host_of(c) != lost), chance) for _ in batch]
                one_node = site.nodes[0].ws_url
                together = [Pair(one_node, next(c for c in codes if site.host_of(c) == lost), chance) for _ in batch]
                far = Pair(one_node, next(c for c in codes if site.host_of(c) == lost), chance, to=site.nodes[1].ws_url)
                await meet_all([*apart, *together, far])
                async with Stranger(site.ws_url, apart, chance) as charlie:
                    await are_under_way([*apart, *together], chance)
                    lose(site.hosts[lost])
                    await complete_all([*apart, *together])
                    await charlie.is_told_that_all_are_full()
                    await _is_turned_away(one_node, next(c for c in codes if site.host_of(c) == lost))
                find(site.hosts[lost])
                await far.complete()
                for pair in [*apart, *together, far]:
                    pair.check()
                    assert not [drop for one in pair for drop in one.drops]
                await part_all([*apart, *together, far])


async def _is_turned_away(url: str, code: str) -> None:
    async with await Socket.open(url) as newcomer:
        await newcomer.send("hello", code=code)
        refused = await newcomer.hear()
        assert refused["code"] == "unavailable"
        assert refused["retry_after"] > 0
        assert await newcomer.close_code() == 4007


class CutOffTests:
    async def test_a_node_without_redis_keeps_its_people_and_admits_nobody(self, chance):
        async with Site(chance, nodes=1, LEASE_SECONDS=3) as site:
            (node,) = site.nodes
            pair = Pair(node.ws_url, "cut off", chance)
            await pair.meet()
            await pair.complete()

            site.hosts[0].freeze()
            for _ in range(3):
                await _is_turned_away(node.ws_url, "cut off")
            for one, other in (pair, reversed(list(pair))):
                await one.client.send(other.peer, "still there")
                await other.until(lambda one=one, other=other: "still there" in other.others_from(one.peer))
            await says(node, "/readyz", 503, "redis")
            assert await answer(node, "/healthz") == (200, "alive")
            assert not [drop for one in pair for drop in one.drops]
            site.hosts[0].thaw()

            await says(node, "/readyz", 200, "ready")
            await pair.leave()

    async def test_joins_of_one_address_are_counted_over_all_nodes(self, chance):
        async with Site(chance, nodes=2, JOINS_PER_MINUTE=2) as site:
            here, there = site.nodes
            assert await knock(here.ws_url, "counted") == "welcome"
            assert await knock(there.ws_url, "counted") == "welcome"

            assert [await knock(node.ws_url, "counted") for node in site.nodes] == ["too-many-joins"] * 2

    async def test_who_was_turned_away_for_it_has_used_up_no_join(self, chance):
        async with Site(chance, nodes=1, JOINS_PER_MINUTE=2) as site:
            site.hosts[0].kill()
            assert [await knock(site.ws_url, "counted") for _ in range(5)] == ["unavailable"] * 5

            await asyncio.to_thread(site.hosts[0].start)
            await says(site.nodes[0], "/readyz", 200, "ready")

            assert [await knock(site.ws_url, "counted") for _ in range(3)] == ["welcome", "welcome", "too-many-joins"]

    async def test_nor_who_was_let_in_too_late_by_one_that_stood_still(self, chance):
        """What they asked waits in Redis until it goes on."""
        async with Site(chance, nodes=1, JOINS_PER_MINUTE=2) as site:
            site.hosts[0].freeze()
            assert await asyncio.gather(*(knock(site.ws_url, "late") for _ in range(2))) == ["unavailable"] * 2
            await says(site.nodes[0], "/readyz", 503, "redis")

            site.hosts[0].thaw()
            await says(site.nodes[0], "/readyz", 200, "ready")

            assert [await knock(site.ws_url, "late") for _ in range(3)] == ["welcome", "welcome", "too-many-joins"]

    async def test_who_is_gone_before_the_welcome_leaves_no_ghost(self, chance):
        """Redis lets them in all the same; nobody knows the token with which they could come back to that place."""
        async with Site(chance, nodes=1, ROOM_CAPACITY=2, PLACE_SECONDS=600) as site:
            bob = Person(site.ws_url, "too slow", chance)
            await bob.join()
            gone = await Socket.open(site.nodes[0].ws_url)

            site.hosts[0].freeze()
            await gone.send("hello", code="too slow")
            await asyncio.sleep(0.1)
            gone.vanish()
            await asyncio.sleep(0.1)
            site.hosts[0].thaw()

            await bob.until(lambda: bob.told(Joined) and bob.told(Left))
            assert bob.told(Left)[0].reason == "hung-up"
            assert await knock(site.ws_url, "too slow") == "welcome"
            await bob.leave()

    @pytest.mark.parametrize("fault", ["frozen", "killed"])
    async def test_what_people_do_meanwhile_is_told_when_redis_is_back(self, chance, fault):
        """Three rooms, each with somebody who does something at the one node, and somebody at the other who is to hear of it."""
        async with Site(chance, nodes=2, LEASE_SECONDS=9) as site:
            here, there = site.nodes
            mutes, leaves, vanishes = (Person(here.ws_url, f"told {number}", chance) for number in range(3))
            hears = [Person(there.ws_url, f"told {number}", chance) for number in range(3)]
            for one in (mutes, leaves, vanishes, *hears):
                await one.join()
            for one in (mutes, leaves, vanishes):
                await one.until(lambda one=one: one.told(Joined))

            site.hosts[0].freeze() if fault == "frozen" else site.hosts[0].kill()
            await mutes.client.set_state(muted=True)
            await asyncio.gather(leaves.leave(), vanishes.vanish())
            async with asyncio.timeout(30):
                while not (" left room" in here.log and " away room" in here.log):  # noqa: ASYNC110 - nobody else is told
                    await asyncio.sleep(0.05)
            assert not [event for one in hears for event in one.told(State, Left, Away)]
            site.hosts[0].thaw() if fault == "frozen" else site.hosts[0].start()

            for one, kind in zip(hears, (State, Left, Away), strict=True):
                await one.until(lambda one=one, kind=kind: one.told(kind))
            assert [event.state["muted"] for event in hears[0].told(State)] == [True]
            assert hears[1].told(Left) == [Left(leaves.peer, "hung-up")]
            assert hears[2].told(Away) == [Away(vanishes.peer)]
            assert not [event for one in hears for event in one.told(Back, Renewed)]
            for one in (mutes, *hears):
                await one.leave()
