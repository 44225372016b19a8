"""Nodes that die while people negotiate."""

import asyncio
import time

import pytest

from signaling.events import Left, Resumed
from tests.faults.people import Pair, Person, Stranger, are_under_way, batches, complete_all, knock, meet_all, part_all
from tests.faults.site import Site
from tests.scale import scaled

pytestmark = pytest.mark.server


class KilledNodeTests:
    async def test_negotiations_survive_one_of_three_nodes(self, chance):
        resumed = 0
        async with Site(chance, nodes=3, ROOM_CAPACITY=2) as site:
            for batch in batches(scaled(200)):
                pairs = [Pair(site.ws_url, f"kill {number}", chance) for number in batch]
                await meet_all(pairs)
                async with Stranger(site.ws_url, pairs, chance) as charlie:
                    await are_under_way(pairs, chance)
                    site.kill(chance.choice(site.nodes))
                    await complete_all(pairs)
                    await charlie.is_told_that_all_are_full()
                for pair in pairs:
                    pair.check()
                    resumed += sum(len(one.told(Resumed)) for one in pair)
                await asyncio.gather(part_all(pairs), site.start_node())
        assert resumed

    async def test_negotiations_survive_all_nodes_at_once(self, chance):
        async with Site(chance, nodes=2, ROOM_CAPACITY=2) as site:
            for batch in batches(scaled(200)):
                pairs = [Pair(site.ws_url, f"all {number}", chance) for number in batch]
                await meet_all(pairs)
                async with Stranger(site.ws_url, pairs, chance) as charlie:
                    await are_under_way(pairs, chance)
                    for node in list(site.nodes):
                        site.kill(node)
                    await asyncio.gather(site.start_node(), site.start_node())
                    await complete_all(pairs)
                    await charlie.is_told_that_all_are_full()
                for pair in pairs:
                    pair.check()
                    assert all(one.told(Resumed) for one in pair)
                await part_all(pairs)


class LostMemberTests:
    async def test_who_does_not_come_back_is_lost_and_the_place_is_free(self, chance):
        """With a short lease again and again; beside it, because it takes so long, once with the real times: within 20 seconds."""
        _, seconds = await asyncio.gather(self._lose_many(chance), self._lose_one(chance))

        assert seconds < 20

    async def _lose_many(self, chance) -> None:
        async with Site(chance, nodes=2, ROOM_CAPACITY=2, LEASE_SECONDS=2) as site:
            for number in range(scaled(40)):
                await _lose_bob(site, f"lost {number}", chance)
                await site.start_node()

    async def _lose_one(self, chance) -> float:
        async with Site(chance, nodes=2, ROOM_CAPACITY=2) as site:
            return await _lose_bob(site, "lost", chance)


async def _lose_bob(site: Site, code: str, chance) -> float:
    """Bob and his node die in the same moment; Alice sits on the other. Answers after how many seconds she is told."""
    stays, dies = site.nodes
    alice, bob = Person(stays.ws_url, code, chance), Person(dies.ws_url, code, chance)
    await alice.join()
    await bob.join()
    assert await knock(stays.ws_url, code) == "room-full"

    died_at = time.monotonic()
    site.kill(dies)
    await bob.vanish()
    await alice.until(lambda: alice.told(Left))
    told_at = time.monotonic()

    assert alice.told(Left) == [Left(bob.peer, "lost")]
    assert await knock(stays.ws_url, code) == "welcome"
    await alice.leave()
    return told_at - died_at
