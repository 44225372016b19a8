"""Nodes that are asked to stop: people move to the others, and notice nothing."""

import asyncio
import re
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from signaling.events import Complaint, Left, Renewed, Resumed
from tests.cast import until
from tests.faults.people import Pair, Person, knock, meet_all, part_all
from tests.faults.site import Site, answer, says
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.scale import scaled
from tests.signaling.socket_client import Client as Socket

pytestmark = pytest.mark.server
_NO_END = 10**9  # signals; more than anybody says


class RollingRestartTests:
    async def test_three_nodes_one_after_the_other(self, chance):
        async with Site(chance, nodes=3, DRAIN_SECONDS=2) as site:
            pairs = [Pair(site.ws_url, f"roll {n}", chance, says=_NO_END, pause=2) for n in range(max(scaled(250), 15))]
            await meet_all(pairs)
            peers = [[one.peer for one in pair] for pair in pairs]

            nodes = list(site.nodes)
            for node in list(site.nodes):
                await asyncio.gather(site.stop(node), site.start_node())
            nodes += site.nodes

            both = [each for pair in pairs for each in (tuple(pair), tuple(pair)[::-1])]
            await asyncio.gather(*(_goes_on(one, other) for one, other in both))
            assert [[one.peer for one in pair] for pair in pairs] == peers
            for one, other in both:
                assert one.rounds_from(other.peer) == [list(range(1, len(one.heard_from(other.peer)) + 1))]
                assert one.told(Resumed)
                assert one.told(Left, Renewed, Complaint) == []
            assert [line for node in nodes for line in node.log.splitlines() if "refused" in line] == []
            await part_all(pairs)


async def _goes_on(one: Person, other: Person) -> None:
    """Hears more than so far."""
    so_far = len(one.heard_from(other.peer))
    await one.until(lambda: len(one.heard_from(other.peer)) > so_far)


class DrainTests:
    async def test_a_draining_node_lets_nobody_in_and_ends_who_does_not_move(self, chance):
        async with Site(chance, nodes=2, DRAIN_SECONDS=3) as site:
            node, other = site.nodes
            stays = await Socket.join(node.ws_url, "drain")
            moves = Person(other.ws_url, "drain", chance)
            await moves.join()
            newcomer = await Socket.open(node.ws_url)

            node.send_signal(signal.SIGTERM)
            assert 0 <= (await stays.hear("reconnect"))["after_ms"] <= 3000
            assert await answer(node, "/readyz") == (503, "draining")
            assert await answer(node, "/healthz") == (200, "alive")
            await newcomer.send("hello", code="drain")
            refused = await newcomer.hear()
            assert (refused["code"], refused["retry_after"]) == ("unavailable", 1)
            assert await knock(node.ws_url, "drain") == "unavailable"
            with pytest.raises(InvalidStatus, match="503"):
                await Socket.open(node.ws_url, additional_headers={"X-Other-Nodes": "1"})

            assert await stays.close_code() == 1012
            assert await asyncio.to_thread(node.wait) == 0
            assert moves.told(Left) == []
            assert moves.client.members[stays.peer].away
            await says(other, "/readyz", 200, "ready")
            await moves.leave()

    async def test_who_is_on_the_way_in_is_let_in_and_asked_to_move(self, chance):
        async with Site(chance, nodes=2, DRAIN_SECONDS=5) as site:
            node, _ = site.nodes
            await Socket.join(node.ws_url, "early")
            late = await Socket.open(node.ws_url)

            site.hosts[0].freeze()
            await late.send("hello", code="late")
            await asyncio.sleep(0.1)
            node.send_signal(signal.SIGTERM)
            await until(lambda: "drains within" in node.log)
            site.hosts[0].thaw()

            assert (await late.hear())["type"] == "welcome"
            assert 0 <= (await late.hear("reconnect"))["after_ms"] <= 5000

    async def test_a_node_that_nobody_uses_stops_at_once(self, chance):
        async with Site(chance, nodes=1, DRAIN_SECONDS=600) as site:
            await asyncio.to_thread(site.nodes[0].stop)

    async def test_a_second_signal_ends_the_wait(self, chance):
        async with Site(chance, nodes=1, DRAIN_SECONDS=600) as site:
            (node,) = site.nodes
            stays = await Socket.join(node.ws_url, "twice")

            node.send_signal(signal.SIGTERM)
            await stays.hear("reconnect")
            node.send_signal(signal.SIGTERM)

            assert await stays.close_code() == 1012
            assert await asyncio.to_thread(node.wait) == 0

    async def test_a_node_that_is_told_to_leave_while_it_starts_stays_and_takes_nobody_in(self):
        """Had it ended, whoever watches over it would start another, which takes people in."""
        with RedisServer() as redis, ExitStack() as stack:
            node = Node(redis, DRAIN_SECONDS=600)
            started = asyncio.create_task(asyncio.to_thread(stack.enter_context, node))
            await until(lambda: _hears_signals(node))
            node.send_signal(signal.SIGUSR1)

            await started
            assert await answer(node, "/readyz") == (503, "draining")


def _hears_signals(node: Node) -> bool:
    """Whether its first lines have run, long before it serves."""
    try:
        status = Path(f"/proc/{node.pid}/status").read_text()
    except (AttributeError, OSError):  # there is no process yet
        return False
    caught = int(re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)[1], 16)
    return bool(caught >> signal.SIGTERM - 1 & 1)
