"""What the log says of a node that is asked for its health again and again: when it changes, and nothing else."""

import json
import signal
import urllib.error

import pytest

from tests.cast import until
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.signaling.socket_client import Client

pytestmark = pytest.mark.server
PROBES = 5


def status(node: Node) -> int:
    try:
        with node.get("/readyz") as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def lines(node: Node) -> list[dict]:
    """What it has logged, but the lines that are no events."""
    return [json.loads(line) for line in node.log.splitlines() if line.startswith("{")]


def changes(node: Node) -> list[tuple[str, str, str]]:
    return [(line["level"], line["event"], line["reason"]) for line in lines(node) if line["logger"] == "gruveo.health"]


async def test_a_redis_that_goes_and_comes_is_said_once_each_and_a_drain_once():
    with RedisServer() as redis, Node(redis, LOG_FORMAT="json", DRAIN_SECONDS=60) as node:
        assert [status(node) for _ in range(PROBES)] == [200] * PROBES
        assert changes(node) == []

        redis.kill()
        await until(lambda: status(node) == 503, seconds=30)  # a host counts as down 10 s after it was last heard
        assert [status(node) for _ in range(PROBES)] == [503] * PROBES
        redis.start()
        await until(lambda: status(node) == 200)
        seen = [("WARNING", "not ready", "redis"), ("INFO", "ready again", "redis")]
        await until(lambda: len(changes(node)) >= len(seen))  # a line may come to us after the answer
        assert changes(node) == seen

        async with await Client.join(node.ws_url, "stays") as alice:
            node.send_signal(signal.SIGUSR1)
            await until(lambda: status(node) == 503)
            assert [status(node) for _ in range(PROBES)] == [503] * PROBES
            await alice.hear("reconnect")
        seen.append(("INFO", "not ready", "draining"))
        await until(lambda: len(changes(node)) >= len(seen))
        assert changes(node) == seen
        assert not [line for line in lines(node) if line["level"] == "ERROR" or line["logger"] == "gruveo.access"]
