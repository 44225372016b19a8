"""A node that was told something else than the others."""

import asyncio

import pytest
from redis import Redis

from tests.faults.people import Pair, knock
from tests.faults.site import Site, answer, says
from tests.redis_server import RedisServer

pytestmark = pytest.mark.server


class AccordTests:
    async def test_a_node_that_was_told_something_else_does_not_serve(self, chance):
        with RedisServer() as third:
            async with Site(chance, nodes=1, hosts=2) as site:
                (right,) = site.nodes
                first, second = site.hosts
                pair = Pair(right.ws_url, "accord", chance)
                await pair.meet()

                wrong = await asyncio.gather(
                    site.start_node(ROOM_KEY="another key of rooms than that of the others"),
                    site.start_node(second, first),
                    site.start_node(first, second, third),
                )

                for node in wrong:
                    assert await answer(node, "/readyz") == (503, "redis")
                    assert await answer(node, "/healthz") == (200, "alive")
                    assert {await knock(node.ws_url, f"accord {number}") for number in range(12)} == {"unavailable"}
                    assert "differ from those of the nodes that serve already" in node.log
                assert await answer(right, "/readyz") == (200, "ready")
                words = [await _word(host) for host in site.hosts]
                for host in site.hosts:
                    host.kill()
                    host.start()
                assert [await _word(host) for host in site.hosts] == words
                await says(right, "/readyz", 200, "ready")
                assert {(await answer(node, "/readyz"))[0] for node in wrong} == {503}
                await pair.complete()
                assert not [drop for one in pair for drop in one.drops]
                await pair.leave()


async def _word(host: RedisServer) -> bytes:
    """What all nodes were told, as it stands there; after a restart once a node has said it."""
    with Redis(unix_socket_path=host.path) as redis:
        async with asyncio.timeout(60):
            while not (word := redis.get("accord")):  # noqa: ASYNC110 - only asking tells
                await asyncio.sleep(0.02)
    return word
