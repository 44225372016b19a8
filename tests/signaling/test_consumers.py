"""A client that reads nothing, and is cut off for it: what it has said, or that it is away, is told all the same."""

import asyncio
import json
from functools import partial

import pytest

from signaling import consumers
from signaling.addresses import Addresses
from signaling.consumers import SignalingConsumer
from signaling.elsewhere import Elsewhere
from signaling.limits import Limits
from signaling.outbox import Outbox
from signaling.pace import ALONE, Pace
from tests.cast import until
from tests.signaling.test_nodes import make_node, redis  # noqa: F401 - fixtures

STUCK = 0.3  # seconds


class Deaf:
    """A client whose socket takes nothing any more after its welcome."""

    def __init__(self, node) -> None:
        limits = Limits()
        app = SignalingConsumer(
            switchboard=node.switchboard,
            addresses=Addresses(limits, key="k"),
            elsewhere=Elsewhere(),
            limits=limits,
            pace=Pace(ALONE),
            origins=frozenset(),
        )
        scope = {"type": "websocket", "headers": [], "subprotocols": ["gruveo.v1"], "client": ("192.0.2.1", 1)}
        self._events = asyncio.Queue()
        self._events.put_nowait({"type": "websocket.connect"})
        self._takes = asyncio.Event()
        self.welcome: dict | None = None
        self.task = asyncio.create_task(app(scope, self._events.get, self._send))

    def say(self, type: str, **members) -> None:
        self._events.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": type, **members})})

    def hang_up(self, code: int) -> None:
        self._events.put_nowait({"type": "websocket.disconnect", "code": code})

    async def join(self) -> dict:
        self.say("hello", code="heron")
        await until(lambda: self.welcome)
        return self.welcome

    async def _send(self, event: dict) -> None:
        if self.welcome:
            await self._takes.wait()
        if "welcome" in event.get("text", ""):
            self.welcome = json.loads(event["text"])


@pytest.fixture
async def deaf(make_node, monkeypatch):  # noqa: F811
    monkeypatch.setattr(consumers, "Outbox", partial(Outbox, stuck=STUCK))
    node = await make_node(renewal=0.1)
    client = Deaf(node)
    welcome = await client.join()
    seats = node.switchboard._here
    (room,) = seats
    yield node, client, room, welcome["peer"]
    client.task.cancel()
    await asyncio.wait([client.task])


async def test_who_is_cut_off_while_redis_does_not_answer_is_away_when_it_does(deaf, redis):  # noqa: F811
    node, client, room, peer = deaf
    tell, told = node.shard.rooms.away, []

    async def note(*asked, **given):
        told.append(given["ago"])
        return await tell(*asked, **given)

    node.shard.rooms.away = note
    redis.freeze()
    client.say("ping", id=1)  # its pong is stuck
    await asyncio.wait([client.task])

    assert node.shard.waiting == 1
    redis.thaw()
    await until(lambda: not node.shard.waiting)
    assert (await node.shard.rooms.view(room)).members[peer].away
    assert 0 <= told[0] < told[-1]  # the call has ended when the socket did


async def test_a_hanging_up_that_is_being_told_is_not_cut_off(deaf):
    node, client, room, _ = deaf
    tell = node.shard.rooms.leave

    async def tell_slowly(*asked, **given):
        await asyncio.sleep(2 * STUCK)
        return await tell(*asked, **given)

    node.shard.rooms.leave = tell_slowly
    client.say("ping", id=1)  # its pong is stuck
    client.say("leave")

    await asyncio.wait([client.task])
    assert (await node.shard.rooms.view(room)).members == {}


class Gone(Deaf):
    """A client whose socket has died while its hello was on its way."""

    async def _send(self, event: dict) -> None:
        if "text" in event:
            raise OSError("gone")


async def test_who_comes_back_and_is_gone_before_the_welcome_keeps_the_place(make_node):  # noqa: F811
    """The token of before serves still; who joins so has none, and leaves."""
    node = await make_node()
    before = Deaf(node)
    welcome = await before.join()
    (room,) = node.switchboard._here
    again = Gone(node)
    again.say("hello", resume=welcome["token"])
    again.hang_up(1006)
    await asyncio.wait([again.task])
    before.hang_up(1006)
    await asyncio.wait([before.task])

    member = (await node.shard.rooms.view(room)).members[welcome["peer"]]
    assert (member.away, member.connection) == (True, 2)
