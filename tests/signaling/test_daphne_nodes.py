"""Two nodes under the daphne command, which knows no lifespan: the first socket starts what a node needs, and may be asked to wait."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from signaling.client import Client
from signaling.events import Body, Event, Joined
from tests.redis_server import RedisServer
from tests.server import BASE_DIR, STOP_SECONDS, child_env, dies_with_us

pytestmark = pytest.mark.server

SECONDS = 60  # a slow machine; nothing waits that long when all is well


@contextmanager
def daphne(redis: RedisServer, var_dir) -> Iterator[str]:
    """The address of its signaling. It is given a socket that listens already, so whoever comes early waits."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = [sys.executable, "-m", "daphne", "--fd", str(listening.fileno()), "gruveo.asgi:application"]
        with (var_dir / "log").open("w+") as log:
            process = subprocess.Popen(
                [*dies_with_us(), *command],
                cwd=BASE_DIR,
                env=child_env(var_dir, DEBUG="1", REDIS_URL=redis.url, QUARANTINE_SECONDS="0"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listening.fileno()],
            )
            try:
                yield f"ws://127.0.0.1:{listening.getsockname()[1]}/signaling"
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)
                log.seek(0)
                printed = log.read()
    assert "Traceback" not in printed, printed


@pytest.fixture
def urls(tmp_path) -> Iterator[list[str]]:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    with RedisServer() as redis, daphne(redis, folders[0]) as one, daphne(redis, folders[1]) as other:
        yield [one, other]


async def hear(client: Client, kind: type[Event]) -> Event:
    async for event in client:
        if isinstance(event, kind):
            return event
    raise AssertionError("over")


async def test_signals_go_from_one_daphne_to_the_other_and_back(urls):
    async with asyncio.timeout(SECONDS), Client(urls[0], code="daphne") as alice, Client(urls[1], code="daphne") as bob:
        assert (await hear(alice, Joined)).member.peer == bob.peer

        bob.open(alice.peer)
        await bob.send(alice.peer, {"candidates": []})
        assert await hear(alice, Body) == Body(bob.peer, {"candidates": []})
        await alice.send(bob.peer, {"restart": True})
        assert await hear(bob, Body) == Body(alice.peer, {"restart": True})
