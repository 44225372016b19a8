"""One person with two sockets, on two nodes: in the end there is one member, and no ghost."""

import asyncio
import json
import signal
from collections.abc import Iterator

import pytest

from tests.faults.people import knock
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.scale import scaled
from tests.signaling.socket_client import Client as Socket

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[Node, Node]]:
    """Two, of one site; each test uses codes of its own."""
    env = {
        "ROOM_CAPACITY": 2,
        "LEASE_SECONDS": 3,
        "SILENCE_SECONDS": 1.5,
        "PLACE_SECONDS": 3,
        "JOINS_PER_MINUTE": 60_000,
    }
    with RedisServer() as redis, Node(redis, **env) as here, Node(redis, **env) as there:
        yield here, there


class ReloadTests:
    async def test_the_new_page_takes_the_place_on_another_node(self, nodes):
        here, there = nodes
        async with await Keeper.join(there.ws_url, "reload") as bob:
            old = await Socket.join(here.ws_url, "reload")
            new = await Keeper.join(there.ws_url, "reload", replaces=old.welcome["token"])

            assert await old.refusal() == "removed"
            assert await old.close_code() == 4017
            await bob.sees(new.peer)
            assert await bob.reasons() == {old.peer: "removed"}
            await new.sees(bob.peer)
            await new.leave()

    async def test_a_tab_that_is_duplicated_while_it_loads_gets_in_once(self, nodes):
        """Both copies have the same `replaces`."""
        here, there = nodes
        for number in range(scaled(40)):
            async with await Keeper.join(here.ws_url, f"tabs {number}") as bob:
                old = await Socket.join(there.ws_url, f"tabs {number}")
                tabs = await asyncio.gather(Socket.open(here.ws_url), Socket.open(there.ws_url))
                for tab in tabs:
                    await tab.send("hello", code=f"tabs {number}", replaces=old.welcome["token"])
                answers = [await tab.hear() for tab in tabs]

                (inside,) = (one["peer"] for one in answers if one["type"] == "welcome")
                (outside,) = (one["code"] for one in answers if one["type"] == "error")
                assert outside == "room-full"
                await bob.sees(inside)
                assert await old.close_code() == 4017
                await asyncio.gather(*(tab.socket.close() for tab in tabs))


class ResumeTests:
    async def test_of_two_that_resume_at_once_one_stays(self, nodes):
        here, there = nodes
        for number in range(scaled(40)):
            async with await Keeper.join(here.ws_url, f"twice {number}") as bob:
                alice = await Socket.join(there.ws_url, f"twice {number}")
                token, peer = alice.welcome["token"], alice.peer
                alice.vanish()
                sockets = await asyncio.gather(Socket.open(here.ws_url), Socket.open(there.ws_url))
                for socket in sockets:
                    await socket.send("hello", resume=token)

                welcomes = [await socket.hear("welcome") for socket in sockets]
                assert {welcome["peer"] for welcome in welcomes} == {peer}
                lost = await _first_to_close(sockets)
                assert lost.socket.close_code == 4010
                (stays,) = (socket for socket in sockets if socket is not lost)
                await stays.signal(bob.peer)
                assert (await bob.hear("signal"))["from"] == peer
                await bob.sees(peer)
                await stays.send("leave")
                assert await stays.close_code() == 1000
                assert await bob.hear("left")

    async def test_a_laptop_that_slept_and_comes_back_in_time(self, nodes):
        here, there = nodes
        async with await Keeper.join(there.ws_url, "nap") as bob:
            alice = await Socket.join(here.ws_url, "nap")
            assert await alice.close_code() == 4014
            await bob.hear("away")
            back = await Keeper.join(there.ws_url, resume=alice.welcome["token"])

            assert (back.welcome["peer"], back.welcome["resumed"]) == (alice.peer, True)
            await bob.hear("back")
            await bob.sees(alice.peer)
            assert await bob.reasons() == {}
            await back.leave()

    async def test_laptops_that_slept_for_too_long_while_the_place_stays_free_and_while_it_is_taken(self, nodes):
        here, there = nodes
        async with await Keeper.join(there.ws_url, "free") as bob, await Keeper.join(there.ws_url, "taken") as dora:
            alice, charlie = await Socket.join(here.ws_url, "free"), await Socket.join(here.ws_url, "taken")
            assert [(await one.hear("left"))["reason"] for one in (bob, dora)] == ["lost", "lost"]
            async with await Keeper.join(there.ws_url, "taken") as eve:
                back = await Keeper.join(there.ws_url, resume=alice.welcome["token"])
                late = await Socket.open(here.ws_url)
                await late.send("hello", resume=charlie.welcome["token"])

                assert (back.welcome["peer"], back.welcome["resumed"]) == (alice.peer, False)
                await bob.sees(alice.peer)
                assert await late.refusal() == "replaced"
                await dora.sees(eve.peer)
                await back.leave()


class StaleSocketTests:
    @pytest.mark.parametrize(
        "says", [{"type": "leave"}, {"type": "state", "muted": True}, {"type": "lock", "locked": True}]
    )
    async def test_what_an_old_socket_says_after_its_owner_has_resumed_is_not_heard(self, nodes, says):
        """The node of the old socket stands still meanwhile, so that nobody can have told it."""
        here, there = nodes
        code = f"stale {says['type']}"
        async with await Keeper.join(there.ws_url, code) as bob:
            old = await Socket.join(here.ws_url, code)
            await bob.hear("joined")
            here.send_signal(signal.SIGSTOP)
            new = await Keeper.join(there.ws_url, resume=old.welcome["token"])
            await old.send_text(json.dumps(says))
            here.send_signal(signal.SIGCONT)

            await old.close_code()
            assert "Traceback" not in here.log
            await new.send("state", hand=True)
            assert (await bob.hear("state"))["state"]["hand"]
            assert bob.heard_of("left", "lock", "away", "joined") == ["joined"]
            assert not (await bob.members())[0]["state"]["muted"]
            assert await knock(here.ws_url, code) == "room-full"
            await new.leave()


class Keeper:
    """A client on a socket that keeps itself alive and remembers what it hears."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._messages: list[dict] = []
        self._unread: asyncio.Queue[dict] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._ping())]

    @classmethod
    async def join(cls, url: str, code: str | None = None, **members) -> "Keeper":
        socket = await Socket.open(url)
        await socket.send("hello", **({"code": code} if code else {}), **members)
        socket.welcome = await socket.hear("welcome")
        return cls(socket)

    async def __aenter__(self) -> "Keeper":
        return self

    async def __aexit__(self, *_) -> None:
        await self.leave()

    @property
    def welcome(self) -> dict:
        return self._socket.welcome

    @property
    def peer(self) -> str:
        return self._socket.peer

    async def send(self, name: str, **members) -> None:
        await self._socket.send(name, **members)

    async def hear(self, name: str) -> dict:
        async with asyncio.timeout(30):
            while True:
                message = await self._unread.get()
                if message["type"] == name:
                    return message

    async def members(self) -> list[dict]:
        """The others, as the server has them now."""
        await self.send("members")
        return (await self.hear("members"))["members"]

    async def sees(self, *peers: str) -> None:
        """Asks until these are the others; news from another node may be on their way."""
        async with asyncio.timeout(30):
            while [member["peer"] for member in await self.members()] != [*peers]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def reasons(self) -> dict[str, str]:
        """Why who has left."""
        return {message["peer"]: message["reason"] for message in self._messages if message["type"] == "left"}

    def heard_of(self, *names: str) -> list[str]:
        return [message["type"] for message in self._messages if message["type"] in names]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.socket.close()

    async def _read(self) -> None:
        while True:
            message = json.loads(await self._socket.socket.recv())
            self._messages.append(message)
            self._unread.put_nowait(message)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            await self.send("ping", id=1)


async def _first_to_close(sockets: list[Socket]) -> Socket:
    waiting = {asyncio.create_task(socket.socket.wait_closed()): socket for socket in sockets}
    async with asyncio.timeout(30):
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    (closed,) = done
    return waiting[closed]
