"""
Malformed and hostile frames, against the real server process, while two well-behaved people talk in it.

Whatever comes, there is no traceback, no 1011, and nothing that stays in memory. A twentieth of it is done unless TEST_SCALE=1.
"""

import asyncio
import collections
import contextlib
import itertools
import json
import os
import random
import re
from pathlib import Path

import pytest

from tests.cast import until
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.scale import scaled
from tests.server import Server
from tests.signaling.hostile_client import CLOSE, TEXT, UPGRADE, Rubbish, Undisturbed, frame, stays, tcp, told
from tests.signaling.socket_client import Client

pytestmark = pytest.mark.server

FRAMES = scaled(100_000)
PER_SOCKET = 150  # below the burst of a socket, so that the frames are looked at and not only refused
AT_ONCE = 8  # sockets
# What the allocator may keep of a rush: some sockets with full buffers, and arenas that are not quite empty. Frames that left a kilobyte
# behind would take more than that, however many there are.
MOST_GROWTH = 4 * 2**20 + 40 * FRAMES
LARGE = 60_000  # bytes of a message to the deaf
OUTBOX = 256 * 1024  # what may wait for a socket when one more comes
# Lets one address do what on the net takes thousands, and read the metrics.
LENIENT = {"JOINS_PER_MINUTE": 10**6, "SOCKETS_PER_ADDRESS": 10**5, "METRICS_NETWORKS": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def server():
    with Server(**LENIENT) as running:
        yield running


@pytest.fixture
def chance():
    seed = random.randrange(10**9)
    print("seed", seed)
    return random.Random(seed)


def hello(code: str) -> bytes:
    return frame(TEXT, json.dumps({"type": "hello", "code": code}).encode())


def resident(server) -> int:
    """Bytes of memory that the server has at hand."""
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(server) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


@contextlib.asynccontextmanager
async def two_people(server, code: str):
    """Alice and Bob, who notice nothing; afterwards, that the log shows no fault of the server's."""
    before = len(server.log)
    async with (
        await Client.join(server.ws_url, code) as alice,
        await Client.join(server.ws_url, code) as bob,
        Undisturbed(alice, bob) as pair,
    ):
        yield pair
    async with await Client.join(server.ws_url, code + "-end") as marker:
        pass
    await until(lambda: f"peer={marker.peer}" in server.log)
    await until(lambda: f"left room={room_of(server, alice)} peer={bob.peer}" in server.log)
    for fault in ("Traceback", " ERROR ", " CRITICAL ", "could not"):
        assert fault not in server.log[before:], server.log[before:][-5000:]


def room_of(server, client: Client) -> str:
    return server.log.partition(f" peer={client.peer}")[0].rpartition("room=")[2]


async def newest(client: Client, people: int) -> str:
    """The peer id of the last one, once this many are in the room of this one."""
    while True:
        await client.send("members")
        listed = (await client.hear("members"))["members"]
        if len(listed) == people - 1:
            return max(listed, key=lambda member: member["stamp"])["peer"]


class RubbishTests:
    async def test_whatever_comes_there_is_no_fault_no_leak_and_nobody_else_notices(self, server, chance):
        async with two_people(server, "undisturbed") as pair, await Client.join(server.ws_url, "attacked") as victim:
            staying = asyncio.create_task(stays(victim))
            attack = Attack(server, chance, victim)
            await attack.run(FRAMES // 5)  # the first of everything makes things that stay: caches, pools, code
            before, files = resident(server), open_files(server)
            attack.sent = 0
            await attack.run(FRAMES)
            await until(lambda: open_files(server) <= files)
            growth = resident(server) - before
            assert not staying.done()
            staying.cancel()
            print(f"{attack.sent} frames, {growth >> 10} KiB more, {pair.arrived} signals each way; {attack.heard}")

        assert growth < MOST_GROWTH
        assert attack.heard["internal"] == attack.heard[1011] == 0
        assert {"bad-message", "unknown-type", "not-supported", "unknown-peer", "hello-expected"} <= attack.heard.keys()
        assert {1002, 1007, 1009} <= attack.heard.keys()

    async def test_a_close_at_the_heels_of_text_that_is_not_utf_8_is_no_fault(self, server):
        async with two_people(server, "not-utf-8"):
            for code in (1000, 3000):
                await told(
                    server.port,
                    hello("not-utf-8-either") + frame(TEXT, b"\xff") + frame(CLOSE, code.to_bytes(2, "big")),
                )

    async def test_floods_are_cut_off_and_nobody_else_notices(self, server, chance):
        floods = [
            frame(TEXT, b'{"type":"lock","locked":true}') + frame(TEXT, b'{"type":"lock","locked":false}'),
            frame(TEXT, b'{"type":"state","hand":true}') + frame(TEXT, b'{"type":"state","hand":false}'),
            frame(TEXT, b'{"type":"members"}') * 2,
            frame(TEXT, b'{"type":"ping"}') * 2,
            frame(TEXT, b"x") * 2,
        ]
        before = len(server.log)
        async with two_people(server, "unflooded"):
            answers = await asyncio.gather(
                *(told(server.port, hello(f"flooded-{number}") + flood * 1500) for number, flood in enumerate(floods))
            )

        # Who says so much at once may be found deaf before it is found talkative, and may be cut off before it reads why.
        assert {close_code for _, close_code in answers} <= {4015, None}
        lines = server.log[before:].splitlines()
        # Once for each socket, or whoever floods us would flood the log.
        for code in ("rate-limited", "flood"):
            assert len([line for line in lines if f"refused {code}" in line]) == len(floods)


class Attack:
    """Sockets that each send some rubbish; what they are answered is counted in `heard`, by error and by close code."""

    def __init__(self, server, chance: random.Random, victim: Client) -> None:
        self._server = server
        self._rubbish = Rubbish(chance, peers=[victim.peer], token=victim.welcome["token"])
        self._chance = chance
        self._sockets = itertools.count()
        self.sent = 0
        self.heard = collections.Counter()

    async def run(self, frames: int) -> None:
        """As many frames, or some more."""
        while frames > self.sent:
            await asyncio.gather(*(self._one() for _ in range(AT_ONCE)))

    async def _one(self) -> None:
        number = next(self._sockets)
        is_new = number % 5 == 4
        first = self._rubbish.hello() if is_new else hello(self._code())
        more = 1 if is_new else self._chance.randint(1, 2 * PER_SOCKET)
        last = [self._rubbish.breach()] if number % 2 else []
        frames = [first, *(self._rubbish.frame() for _ in range(more)), *last]
        messages, close_code = await told(self._server.port, b"".join(frames))
        self.sent += len(frames)
        self.heard.update(message["code"] for message in messages if message["type"] == "error")
        self.heard[close_code] += 1

    def _code(self) -> str:
        """Mostly a room of its own; those who are away keep the victim's full."""
        return "attacked" if self._chance.random() < 0.1 else f"attacked-{self._chance.randrange(10**9)}"


class HandshakeTests:
    async def test_half_an_upgrade_and_silence_trouble_nobody_and_leave_nothing(self, server, chance):
        beginnings = [
            b"",
            b"GET /signa",
            UPGRADE[: len(UPGRADE) // 2],
            UPGRADE[:-2],
            UPGRADE,
            b"\x16\x03\x01",
            b"\0" * 500,
        ]
        async with two_people(server, "handshakes"):
            files = open_files(server)
            with contextlib.ExitStack() as stack:
                for number in range(scaled(500)):
                    one = stack.enter_context(tcp(server.port))
                    one.sendall(beginnings[number % len(beginnings)])
                async with await Client.join(server.ws_url, "handshakes-more") as alice:
                    await alice.send("ping", id=1)
                    assert await alice.hear() == {"type": "pong", "id": 1}
            await until(lambda: open_files(server) <= files)


class DeafTests:
    @pytest.fixture(params=[1, 2], ids=["at one node", "at two nodes"])
    def nodes(self, request, server):
        """Where the others sit, and where the deaf one does."""
        if request.param == 1:
            yield server, server
            return
        with RedisServer() as redis, Node(redis, **LENIENT) as here, Node(redis, **LENIENT) as there:
            yield here, there

    async def test_who_stops_reading_is_cut_off_and_costs_the_others_nothing(self, nodes):
        """The deaf one is sent more than the kernel and the server keep for it; after each of those, a signal reaches its neighbour."""
        here, there = nodes
        async with two_people(here, "beside-the-deaf"), contextlib.AsyncExitStack() as stack:
            alice, *others = [await stack.enter_async_context(await Client.join(here.ws_url, "deaf")) for _ in range(5)]
            deaf = stack.enter_context(tcp(there.port))
            deaf.sendall(UPGRADE)
            assert deaf.recv(1000).startswith(b"HTTP/1.1 101 ")
            deaf.sendall(hello("deaf"))
            peer = await newest(alice, 6)

            sent, heard, kept = 0, {}, []
            while heard.get("type") != "away":
                assert sent < 33 * len(others), "more than their limits let them say"
                sent += 1
                sender = others[sent % len(others)]
                await sender.signal(peer, sent, body="x" * LARGE)
                await sender.signal(alice.peer, sent)
                heard = await alice.hear()
                assert (heard["type"], heard.get("seq")) == ("signal", sent) or heard["type"] == "away"
                await asyncio.sleep(0.03)  # for what goes to another node
                kept.append(await largest_outbox(there))

            assert heard["peer"] == peer
            await until(lambda: f"refused too-slow peer={peer}" in there.log)
            assert LARGE < max(kept) < OUTBOX + LARGE + 1000
            print(f"cut off after {sent * LARGE >> 10} KiB, of which {max(kept) >> 10} waited")


async def largest_outbox(server) -> int:
    """How many characters wait for the slowest socket."""
    text = await asyncio.to_thread(lambda: server.get("/metrics").read().decode())
    return int(float(re.search(r"^gruveo_outbox_largest_characters (\S+)$", text, re.MULTILINE)[1]))
