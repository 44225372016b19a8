"""
A client for the signaling of a Gruveo site, for programs that are no browser: docs/protocol.md, sections 2 to 11.

    async with Client("wss://example.org/signaling", code="blue heron", name="Bot") as client:
        async for event in client:
            match event:
                case Joined(member):
                    print(member.state["name"], "is here")
                case Body(peer, body):
                    await client.send(peer, {"candidates": []})

It needs no Django and knows nothing of WebRTC. One task lives through the sockets, one after the other, and when a server asks us to
move, another one opens the next socket while this one still serves. One task alone writes, so that nothing overtakes. What must be
true of a pair of peers is in `signaling.streams`.
"""

import asyncio
import json
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from ssl import SSLContext
from typing import Any, Literal, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from signaling.events import (
    Away,
    Back,
    Body,
    Complaint,
    Down,
    Event,
    Ice,
    Joined,
    Left,
    Lock,
    Member,
    Opened,
    Refused,
    Renewed,
    Resumed,
    State,
)
from signaling.streams import Answerer, Full, Opener, Pace, size_of, to_json

SUBPROTOCOL = "gruveo.v1"
PROGRAM = "gruveo-python 0.1"
MESSAGE_BYTES = 65_536
RECEIVED_BYTES = 66_000
_ENVELOPE_BYTES = 256  # all of a signal but its body
# Section 12, with something left for `state`, `lock` and `members`. A server may be set to less: then it says `rate-limited`.
_SIGNALS_AT_ONCE = 150
_SIGNALS_A_SECOND = 40
_STREAM_BYTES = 12  # of chance in the name of a stream: 16 characters
_EARLY_MOST = 64  # messages of one peer that is not announced yet
_EARLY_PEERS = 16
_UNREPEATED = {"state", "lock", "report"}  # no stream keeps these until they are acknowledged
_UNHELD = {"signal", "ack", "leave"}  # what does not wait in the outbox after `rate-limited`
_STATE = {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False}

# Section 11: what an ending asks for. What is in none of these is tried again.
_CODES = {
    4001: "unsupported-version",
    4002: "hello-timeout",
    4003: "hello-expected",
    4004: "bad-code",
    4005: "room-full",
    4006: "locked",
    4007: "unavailable",
    4008: "too-many-joins",
    4009: "replaced",
    4010: "superseded",
    4011: "gone",
    4012: "bad-token",
    4014: "silent",
    4015: "flood",
    4016: "too-many-sockets",
    4017: "removed",
}
_FINAL = set("unsupported-version hello-expected bad-code room-full locked replaced superseded removed".split())
_ANEW = {"gone", "bad-token"}


@dataclass(frozen=True)
class Times:
    """All in seconds; section numbers are those of docs/protocol.md."""

    connect: float = 10  # until the socket is open, and again until the `welcome`
    ping: float = 5  # section 10
    dead: float = 3  # section 10
    early: float = 10  # section 7, rule 6
    leave: float = 5  # until the server has closed after `leave`
    backoff: tuple[float, ...] = (0.5, 1, 2, 4, 20)  # section 9; the last one stays


@dataclass(frozen=True)
class _Ending:
    """Why a socket, or the attempt at one, is over."""

    code: str | None = None
    hint: str | None = None
    retry_after: float | None = None
    final: bool = False


class Client:
    """
    One member of one room, through any number of sockets.

    `name` is what others read, `state` holds further members of section 6. `replaces` is the token of a member that this one takes
    the place of, `region` the one of the site's regions of relays in which it is. `origin` is for a client that lives in a page;
    without it this is a native one. `ssl` is for `wss:` addresses.

    On entering it joins. It goes on trying while the server is not there or asks to wait: bound that with `asyncio.timeout`.

    Raises:
        Refused: on entering, and later out of the iteration.
    """

    def __init__(
        self,
        url: str,
        *,
        code: str,
        name: str = "",
        state: dict[str, Any] | None = None,
        origin: str | None = None,
        replaces: str | None = None,
        region: str = "",
        ssl: SSLContext | None = None,
        times: Times = Times(),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self.code = code
        self.peer = ""
        self.stamp = 0
        self.token: str | None = None
        self.locked = False
        self.capacity = 0
        self.revision = 0
        self.features: frozenset[str] = frozenset()
        self.ice_servers: list[dict] = []
        self.ice_lifetime: int | None = None
        self.members: dict[str, Member] = {}
        self.state = {**_STATE, **(state or {}), "name": name}
        self.socket: ClientConnection | None = None  # the one that is open and welcome
        self._options = {"origin": origin, **({"ssl": ssl} if ssl else {})}
        self._replaces = replaces
        self._region = region
        self._times = times
        self._jitter = jitter
        self._pairs: dict[str, Opener | Answerer] = {}
        self._paths: dict[str, Callable[[str], Any]] = {}
        self._early: dict[str, tuple[float, list[dict]]] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._outbox: deque[dict] = deque()
        self._stirred = asyncio.Event()  # there is something to write, or a new time to wait for
        self._acknowledged = asyncio.Event()  # there may be room for more bodies
        self._heard = asyncio.Event()
        self._up = asyncio.Event()
        self._unsure: list[dict] = []  # what has to be said again on the next socket
        self._attempts = 0
        self._failures = 0  # since the last pong
        self._is_arriving = self._is_greeting = False  # a new socket is being opened; its hello is on its way
        self._may_be_in = False  # a hello got neither welcome nor refusal for good: its socket may have the place
        self._error: dict | None = None  # the newest one on the socket that serves
        self._held_until = 0.0
        self._lock: dict | None = None  # what we said last about it
        self._pace = _new_pace()
        self._move_at: float | None = None  # a server asked us to come then, and not earlier
        self._moving: asyncio.Task | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._leaving = False
        self._is_over = False
        self._refused: Refused | None = None
        self._life: asyncio.Task | None = None
        self._writer: asyncio.Task | None = None

    # Coming and going

    async def __aenter__(self) -> Self:
        self._life = asyncio.create_task(self._live())
        self._writer = asyncio.create_task(self._write())
        joined = asyncio.create_task(self._up.wait())
        try:
            await asyncio.wait([joined, self._life, self._writer], return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure()
        except BaseException:
            await self._end()
            raise
        finally:
            joined.cancel()
        return self

    async def __aexit__(self, *_) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Hangs up after what was said before, if that has not been done; the iteration ends."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._times.leave):
                    await self._hang_up()
        finally:
            await self._end()

    async def _hang_up(self) -> None:
        if not self._leaving:
            self._say_bye()
        self._leaving = True
        await self._settle_move()
        if self.socket:
            self._put({"type": "leave"})
            await self.socket.wait_closed()

    async def _settle_move(self) -> None:
        """A hello that is on its way may have the place already: whoever leaves then has to leave by the new socket."""
        if self._moving and not self._is_greeting:
            self._moving.cancel()
        if self._moving:
            await asyncio.wait([self._moving])

    def _say_bye(self) -> None:
        """Section 8: on the second path too, for the socket may be dead without knowing it; after what it may have swallowed."""
        now = time.monotonic()
        for peer in list(self._paths):  # one that is closed may be taken away in between
            pair = self._pairs[peer]
            with suppress(Full):
                pair.send({"bye": True}, now=now)
            pair.hurry(now=now)
            for message in pair.due(now=now):
                self._send_by_path(peer, message)

    async def _end(self) -> None:
        for task in (self._life, self._writer):
            task.cancel()
        await asyncio.wait([self._life, self._writer])
        self._stop_alarm()
        self._finish()

    def _finish(self) -> None:
        self._is_over = True
        self._up.set()  # whoever waits for it, or for room, learns that it is over
        self._acknowledged.set()
        self._events.put_nowait(None)

    def _raise_failure(self) -> None:
        """Raises what has ended us: a refusal, or a mistake of our own."""
        if self._refused:
            raise self._refused
        for task in (self._life, self._writer):
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()

    def _raise_end(self) -> None:
        """Raises if it is over."""
        if self._is_over:
            self._raise_failure()
            raise LookupError("we have left")

    # What happens

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._events.get()
        if event is not None:
            return event
        self._events.put_nowait(None)  # whoever asks again gets the same answer
        self._raise_failure()
        raise StopAsyncIteration

    # What one can do

    def opens(self, peer: str) -> bool:
        """
        Whether we are the later one of the two: we open the streams and make the first offer (sections 1 and 5).

        Raises:
            LookupError: no such member.
        """
        return self._pair(peer).opens

    def open(self, peer: str) -> str:
        """
        The name of a new stream to an earlier member; the one before it has ended with all that was not acknowledged on it.

        Raises:
            LookupError: no such member.
            ValueError: the peer is later than we are, and opens the streams itself.
        """
        pair = self._pair(peer)
        if not pair.opens:
            raise ValueError("the later one opens the stream")
        self._acknowledged.set()
        return pair.open()

    async def send(self, peer: str, body: Any) -> None:
        """
        Takes a body for a peer, to arrive once and in order after those before it; waits while 128 of them, or 256 KiB, are not
        acknowledged, and while we have sent more than the server takes. For a later peer it is kept until that one has opened a stream.

        Raises:
            LookupError: the peer is no member, or has left while we waited; or we have.
            Refused: that has ended us, maybe while we waited.
            ValueError: the body does not fit in a message.
        """
        if size_of(body) > MESSAGE_BYTES - _ENVELOPE_BYTES:
            raise ValueError("the body is too long")
        while True:
            while wait := self._pace.wait(now=time.monotonic()):  # noqa: ASYNC110 - only time helps
                await asyncio.sleep(wait)
            self._raise_end()
            self._acknowledged.clear()
            try:
                messages = self._pair(peer).send(body, now=time.monotonic())
            except Full:
                await self._acknowledged.wait()
            else:
                return self._queue(peer, messages)

    async def set_state(self, **members: Any) -> None:
        """
        What others see of us (section 6). While the socket is down it is kept, and said with the resume.

        Raises:
            TypeError, ValueError: it cannot be said in JSON; nothing has changed.
        """
        size_of(members)
        self.state = {**self.state, **members}
        self._put({"type": "state", **members})

    async def lock(self) -> None:
        """
        Locks the room: nobody new is admitted. Waits while the socket is down.

        Raises:
            LookupError: we have left.
            Refused: that has ended us.
        """
        await self._set_lock(True)

    async def unlock(self) -> None:
        """The opposite, in the same way."""
        await self._set_lock(False)

    async def _set_lock(self, locked: bool) -> None:
        await self._come_up()
        self._lock = {"type": "lock", "locked": locked}
        self._put(self._lock)

    async def report(self, path: Literal["direct", "relayed"]) -> None:
        """
        Says that one of our connections is up, and whether a TURN server relays it: when, stands in section 8. Waits while the socket is
        down; a server that takes no reports gets none.

        Raises:
            LookupError: we have left.
            Refused: that has ended us.
            ValueError: there is no such path.
        """
        if path not in ("direct", "relayed"):
            raise ValueError(f"no path {path!r}")
        await self._come_up()
        if "report" in self.features:
            self._put({"type": "report", "path": path})

    def add_path(self, peer: str, send: Callable[[str], Any]) -> None:
        """
        The second path (section 7): the data channel to a peer, taken while our socket or the peer's is down.

        What `send` raises counts as not sent. What arrives on it goes to `hear`. One to somebody who has left counts for nothing.
        """
        if peer not in self._pairs:
            return
        self._paths[peer] = send
        if not self.socket or self._is_away(peer):
            self._hurry(peer)

    def remove_path(self, peer: str) -> None:
        self._paths.pop(peer, None)
        if peer not in self.members:
            self._pairs.pop(peer, None)  # it was lost, and now the connection is over that kept its stream
        elif self._is_away(peer):
            self._pairs[peer].pause()

    def hear(self, peer: str, text: str) -> None:
        """Takes what came from a peer on the second path; what is no signal or ack is ignored."""
        message = _parse(text)
        if message and message["type"] in ("signal", "ack"):
            self._hear_peer({**message, "from": peer})

    # One socket after the other

    async def _live(self) -> None:
        """Raises nothing that the network can cause; a refusal is left in `_refused`."""
        try:
            await self._come_back_until_refused()
        finally:
            await self._stop_moving()
            self.socket = None
            self._finish()

    async def _come_back_until_refused(self) -> None:
        while True:
            ending = await self._arrive()
            while ending is None:
                ending = await self._stay(self.socket)
            if self._leaving:
                return
            if ending.final:
                self._refused = Refused(ending.code or "", ending.hint, ending.retry_after)
                return
            if ending.code in _ANEW:
                self.token = None
            wait = self._until_next(ending)
            self._tell(Down(ending.code, wait))
            await asyncio.sleep(wait)

    def _until_next(self, ending: _Ending) -> float:
        """Seconds until the next attempt, when no socket serves."""
        move_at, self._move_at = self._move_at, None
        if move_at is not None:
            return max(0.0, move_at - time.monotonic())
        wait = self._wait(ending, self._failures)
        self._failures += 1
        return wait

    def _wait(self, ending: _Ending, failures: int) -> float:
        """Seconds between an attempt and the next (section 9)."""
        if ending.retry_after is not None:
            return ending.retry_after
        steps = self._times.backoff
        return self._jitter() * steps[min(failures, len(steps) - 1)]

    async def _arrive(self) -> _Ending | None:
        """Opens a socket and says hello: None when it is welcome and serves from now on, else why not."""
        self._is_arriving = True
        try:
            socket = await self._open()
            return await self._greet(socket) if isinstance(socket, ClientConnection) else socket
        finally:
            self._is_arriving = False

    async def _open(self) -> ClientConnection | _Ending:
        try:
            return await connect(
                self.url,
                subprotocols=[SUBPROTOCOL],
                compression=None,
                ping_interval=None,
                max_size=RECEIVED_BYTES,
                open_timeout=self._times.connect,
                close_timeout=1,
                **self._options,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            return _Ending(f"http-{status}", final=status in (400, 401, 403, 404, 405))
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException, EOFError):
            return _Ending()

    async def _greet(self, socket: ClientConnection) -> _Ending | None:
        error = None
        self._is_greeting = True
        try:
            async with asyncio.timeout(self._times.connect):
                await socket.send(to_json(self._hello()))
                self._may_be_in = True
                while self.socket is not socket:
                    error = self._take_first(await socket.recv(), socket) or error
            return None
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            self._is_greeting = False
            if self.socket is not socket:
                if self.socket:
                    self._unsure = []  # it was said on the socket that goes on serving
                if (self.token is None or self._leaving) and not error:
                    # Else a member might stay of whom nobody knows the token (section 9), or who means to leave.
                    await socket.close(1000)
                _drop(socket)
        return _ending(socket.close_code, error)

    def _take_first(self, text: str | bytes, socket: ClientConnection) -> dict | None:
        """What comes before the socket is welcome; the message, if it is an error."""
        message = _parse(text)
        if message and message["type"] == "welcome":
            self._welcome(message, socket)
        if not message or message["type"] != "error":
            return None
        # Who was told `unavailable` may be let in all the same, when the server's store comes to it.
        self._may_be_in = message.get("code") == "unavailable"
        return message

    async def _stay(self, socket: ClientConnection) -> _Ending | None:
        """Reads the socket that serves, to its end: None when another one has come to serve, else why there is none."""
        watching = asyncio.create_task(self._watch(socket))
        with suppress(ConnectionClosed):
            try:
                await self._read(socket)
            finally:
                watching.cancel()
                _drop(socket)
        if self.socket is not socket:
            await self._has_moved()
            return None
        self.socket = None
        self._up.clear()
        return await self._after(_ending(socket.close_code, self._error))

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            text = await socket.recv()
            if self.socket is not socket:
                return  # what the older one still says counts no more (section 9)
            self._take(text)

    async def _has_moved(self) -> _Ending | None:
        """The answer of `_move`, which raises mistakes of our own."""
        moving, self._moving = self._moving, None
        return await moving if moving else None

    async def _after(self, ending: _Ending) -> _Ending | None:
        """
        What follows the end of the socket that served: an attempt to move that is under way may make it good.

        The server may tell the older socket that it is superseded before the newer one hears its welcome, or when that was lost.
        """
        is_ours = ending.code == "superseded" and self._may_be_in
        if is_ours:
            ending = replace(ending, final=False)
        if not self._moving or not self._is_arriving or ending.final:
            await self._stop_moving()
            return ending
        if not is_ours:
            self._tell(Down(ending.code, 0.0))
        return await self._has_moved()

    # From one server to another, without a moment in between

    def _plan_move(self, message: dict) -> None:
        """The server is about to stop (section 9): at the moment that it names we go. What it named last counts."""
        if self._is_arriving:
            return
        if self._moving:
            self._moving.cancel()
        after_ms = _seconds(message.get("after_ms"))
        wait = self._jitter() * self._times.backoff[0] if after_ms is None else after_ms / 1000
        self._move_at = time.monotonic() + wait
        self._moving = asyncio.create_task(self._move(wait))

    async def _move(self, wait: float) -> _Ending | None:
        """
        Opens the next socket while this one serves: None when it is welcome, else why none is.

        A refusal that another attempt would not change ends the moving, not the socket that we have.
        """
        old, failures = self.socket, 0
        try:
            await asyncio.sleep(wait)
            self._move_at = None
            while ending := await self._arrive():
                if self.socket is not old or self._leaving or ending.final or ending.code in _ANEW:
                    return ending
                wait, failures = self._wait(ending, failures), failures + 1
                self._move_at = None if ending.retry_after is None else time.monotonic() + wait
                await asyncio.sleep(wait)
            return None
        except Exception:
            _drop(old)  # a mistake of our own: whoever reads that socket finds it here
            raise

    async def _stop_moving(self) -> None:
        moving, self._moving = self._moving, None
        if moving and not moving.cancel() and not moving.cancelled():
            moving.result()  # raises a mistake of our own
        elif moving:
            await asyncio.wait([moving])

    def _hello(self) -> dict:
        hello = {"type": "hello", "attempt": self._attempts, "state": self.state, "client": PROGRAM}
        if self._region:
            hello["region"] = self._region
        self._attempts += 1
        self._unsure = [message for message in self._unsure if message["type"] != "state"]  # this hello says it
        if self.token:
            return {**hello, "resume": self.token}
        return {**hello, "code": self.code, **({"replaces": self._replaces} if self._replaces else {})}

    async def _watch(self, socket: ClientConnection) -> None:
        """Pings, and drops a socket that has gone dead (section 10)."""
        for number in count(1):
            await asyncio.sleep(self._times.ping)
            self._heard.clear()
            try:
                async with asyncio.timeout(self._times.dead):
                    await socket.send(to_json({"type": "ping", "id": number}))
                    await self._heard.wait()
            except (TimeoutError, ConnectionClosed):
                return _drop(socket)

    # What the server says

    def _welcome(self, message: dict, socket: ClientConnection) -> None:
        was, self.peer, self.stamp = self.peer, message["peer"], message["stamp"]
        self.token = message.get("token")
        self.capacity = message["capacity"]
        self.features = frozenset(message["features"])
        self._replaces = None
        self._error = self._move_at = None
        self._may_be_in = False
        self._held_until = 0.0
        self._pace = _new_pace()
        self._outbox = deque(one for one in (*self._unsure, *self._outbox) if one["type"] in _UNREPEATED)
        self._unsure = []
        was_socket, self.socket = self.socket, socket
        if was_socket:
            _drop(was_socket)
        if was:
            self._tell(Resumed() if message["resumed"] else Renewed())
        if was != self.peer:
            self._forget_all()
        elif not message["resumed"]:
            self._renew_all()
        self._take_list(message, tell=self._tell if was else _ignore)
        self._take_ice(message, tell=self._tell if was else _ignore)
        for peer, pair in self._pairs.items():
            if not self._is_away(peer):
                pair.hurry(now=time.monotonic())
        self._up.set()
        self._acknowledged.set()
        self._stirred.set()

    def _forget_all(self) -> None:
        self.members.clear()
        self._pairs.clear()
        self._paths.clear()
        self._early.clear()

    def _renew_all(self) -> None:
        """The others may have forgotten our streams, where no connection is up (section 9)."""
        for peer in self._pairs.keys() - self._paths.keys():
            self._pairs[peer].renew()

    def _take(self, text: str | bytes) -> None:
        self._heard.set()
        message = _parse(text)
        if not message:
            return
        match message["type"]:
            case "joined" | "away" | "back" | "left" | "state" | "lock":
                self._take_change(message)
            case "members":
                self._take_members(message)
            case "signal" | "ack":
                self._hear_peer(message)
            case "ice":
                self._take_ice(message, tell=self._tell)
            case "pong":
                self._failures = 0
                self.token = message.get("token", self.token)
            case "reconnect":
                self._plan_move(message)
            case "error":
                self._take_error(message)

    def _take_change(self, message: dict) -> None:
        """Section 6: an old one is ignored; one that skips a number is applied, and the list is asked for."""
        revision = message["revision"]
        if revision <= self.revision:
            return
        if revision > self.revision + 1:
            self._put({"type": "members"})
        self.revision = revision
        getattr(self, f"_on_{message['type']}")(message)

    def _on_joined(self, message: dict) -> None:
        member = _member(message["member"])
        if member.peer in self._pairs and member.peer not in self._paths:
            self._pairs[member.peer].renew()  # it was here before, and may have forgotten its streams
            self._acknowledged.set()
        self._admit(member)
        self._tell(Joined(member))
        self._hear_early(member.peer)

    def _on_away(self, message: dict) -> None:
        self._on_presence(message["peer"], away=True, event=Away(message["peer"]))

    def _on_back(self, message: dict) -> None:
        self._on_presence(message["peer"], away=False, event=Back(message["peer"]))

    def _on_presence(self, peer: str, *, away: bool, event: Event) -> None:
        if peer in self.members:
            self._admit(replace(self.members[peer], away=away))
            self._tell(event)

    def _on_left(self, message: dict) -> None:
        self._dismiss(message["peer"], message["reason"], tell=self._tell)

    def _on_state(self, message: dict) -> None:
        peer, state = message["peer"], {**_STATE, **message["state"]}
        if peer in self.members:
            self.members[peer] = replace(self.members[peer], state=state)
        elif peer != self.peer:  # our own may have changed again since we said this
            return
        self._tell(State(peer, state))

    def _on_lock(self, message: dict) -> None:
        self.locked = message["locked"]
        self._tell(Lock(self.locked, message.get("peer")))

    def _take_members(self, message: dict) -> None:
        if message["revision"] >= self.revision:
            self._take_list(message, tell=self._tell)

    def _take_list(self, message: dict, *, tell: Callable[[Event], None]) -> None:
        """A whole list overrules every event before it (section 6): tells how it differs from what we knew."""
        self.revision = message["revision"]
        now_here = {one["peer"]: _member(one) for one in message["members"] if one["peer"] != self.peer}
        for peer in self.members.keys() - now_here.keys():
            self._dismiss(peer, "lost", tell=tell)
        for peer, member in now_here.items():
            was = self.members.get(peer)
            self._admit(member)
            for event in _differences(was, member):
                tell(event)
            self._hear_early(peer)
        if message["locked"] != self.locked:
            self.locked = message["locked"]
            tell(Lock(self.locked, None))

    def _take_ice(self, message: dict, *, tell: Callable[[Event], None]) -> None:
        self.ice_servers, self.ice_lifetime = message["ice_servers"], message.get("ice_lifetime")
        tell(Ice(self.ice_servers, self.ice_lifetime))

    def _take_error(self, message: dict) -> None:
        self._error = message
        code, retry_after = message.get("code"), _seconds(message.get("retry_after"))
        if code == "rate-limited":
            self._held_until = time.monotonic() + (retry_after or 1)
            self._say_again(_text(message.get("about")))
        if code == "unknown-peer":
            self._put({"type": "members"})  # either it has just left, or our list is wrong
        if code not in _CODES.values():
            self._tell(Complaint(str(code), _text(message.get("about")), _text(message.get("to")), retry_after))

    def _say_again(self, kind: str | None) -> None:
        """What was refused and no stream repeats (section 11): the newest of its kind, instead of those that wait."""
        newest = {
            "state": {"type": "state", **self.state},
            "members": {"type": "members"},
            "lock": self._lock,
        }.get(kind)
        if newest:
            self._outbox = deque(one for one in self._outbox if one["type"] != kind)
            self._put(newest)

    # The others, and the streams to them

    def _admit(self, member: Member) -> None:
        was, self.members[member.peer] = self.members.get(member.peer), member
        if member.peer not in self._pairs:
            later = (self.stamp, self.peer) > (member.stamp, member.peer)
            self._pairs[member.peer] = Opener(draw=_draw) if later else Answerer()
        if member.away and member.peer not in self._paths:
            self._pairs[member.peer].pause()
        elif not member.away and (not was or was.away):
            self._hurry(member.peer)

    def _hurry(self, peer: str) -> None:
        self._pairs[peer].hurry(now=time.monotonic())
        self._stirred.set()

    def _dismiss(self, peer: str, reason: str, *, tell: Callable[[Event], None]) -> None:
        if not self.members.pop(peer, None):
            return
        if reason != "lost" or peer not in self._paths:  # the connection stays while it lives, and its stream with it
            self._pairs.pop(peer)
            self._paths.pop(peer, None)
        self._acknowledged.set()
        tell(Left(peer, reason))

    def _pair(self, peer: str) -> Opener | Answerer:
        if peer not in self.members:
            raise LookupError(f"no member {peer!r}")
        return self._pairs[peer]

    def _is_away(self, peer: str) -> bool:
        return peer not in self.members or self.members[peer].away

    def _hear_peer(self, message: dict) -> None:
        peer = message.get("from")
        if not isinstance(peer, str):
            return
        if peer not in self._pairs:
            return self._keep_early(peer, message)
        received = self._pairs[peer].receive(message, now=time.monotonic())
        if received.opened:
            self._tell(Opened(peer, received.opened))
        for body in received.bodies:
            self._tell(Body(peer, body, message["stream"]))
        self._acknowledged.set()
        self._set_alarm()

    def _keep_early(self, peer: str, message: dict) -> None:
        """Section 7, rule 6."""
        now = time.monotonic()
        self._early = {one: kept for one, kept in self._early.items() if kept[0] > now}
        if peer not in self._early and len(self._early) >= _EARLY_PEERS:
            return
        _, messages = self._early.setdefault(peer, (now + self._times.early, []))
        if len(messages) < _EARLY_MOST:
            messages.append(message)

    def _hear_early(self, peer: str) -> None:
        until, messages = self._early.pop(peer, (0.0, []))
        for message in messages if until > time.monotonic() else ():
            self._hear_peer(message)

    # Writing

    def _tell(self, event: Event) -> None:
        self._events.put_nowait(event)

    def _put(self, message: dict) -> None:
        self._outbox.append(message)
        self._stirred.set()

    async def _come_up(self) -> None:
        await self._up.wait()
        self._raise_end()

    def _queue(self, peer: str, messages: Iterable[dict]) -> None:
        for message in messages:
            self._put({**message, "to": peer})

    async def _write(self) -> None:
        """Writes what is in the outbox, and what the streams' timers ask for; a mistake of our own ends all."""
        try:
            while True:
                self._stirred.clear()
                self._ask_timers()
                while message := self._next():
                    await self._post(message)
                self._set_alarm()
                await self._stirred.wait()
        except Exception:
            self._life.cancel()
            raise

    def _next(self) -> dict | None:
        """The oldest in the outbox that may go now: after `rate-limited` what no stream repeats waits there, but for `leave`."""
        is_held = time.monotonic() < self._held_until
        for place, message in enumerate(self._outbox):
            if not is_held or message["type"] in _UNHELD:
                del self._outbox[place]
                return message
        return None

    def _ask_timers(self) -> None:
        now = time.monotonic()
        for peer, pair in self._pairs.items():
            if self.socket or peer in self._paths:
                self._outbox.extend({**message, "to": peer} for message in pair.due(now=now))

    def _set_alarm(self) -> None:
        """
        Wakes the writer when the next timer of a stream runs out, or what is held may go.

        An alarm that is too early stays, for waking once in vain is cheaper than a new alarm with each message.
        """
        reachable = (pair.due_at for peer, pair in self._pairs.items() if self.socket or peer in self._paths)
        held = [self._held_until] if self._outbox else []
        due = min((at for at in (*reachable, *held) if at is not None), default=None)
        if due is None or (self._alarm and self._alarm_at <= due):
            return
        self._stop_alarm()
        self._alarm_at = due
        self._alarm = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._stirred.set()

    def _stop_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    async def _post(self, message: dict) -> None:
        """
        What can be sent nowhere is dropped: the streams keep what matters, and the list comes with the next `welcome`. What no
        stream keeps is said again there, when the server may have turned to the new socket before it read this on the old one.
        """
        peer = message.get("to")
        if message["type"] in _UNREPEATED and (self._is_greeting or not self.socket):
            self._unsure.append(message)
        if self.socket and not (peer and self._is_away(peer)):
            if peer and not self._may_go(message, time.monotonic()):
                return
            with suppress(ConnectionClosed):
                await self.socket.send(to_json(message))
        elif peer in self._paths:
            self._send_by_path(peer, {name: value for name, value in message.items() if name != "to"})

    def _may_go(self, message: dict, now: float) -> bool:
        """Who goes on after `rate-limited` is cut off with `flood`; what is not sent now is sent again by its stream."""
        return now >= self._held_until and (message["type"] == "ack" or self._pace.take(now=now))

    def _send_by_path(self, peer: str, message: dict) -> None:
        """A data channel raises when it is not open, or full: then this is not sent, and its stream sends it again."""
        text = to_json(message)
        with suppress(Exception):
            self._paths[peer](text)


def _new_pace() -> Pace:
    return Pace(at_once=_SIGNALS_AT_ONCE, a_second=_SIGNALS_A_SECOND, now=time.monotonic())


def _draw() -> str:
    """The name of a new stream."""
    return secrets.token_urlsafe(_STREAM_BYTES)


def _parse(text: str | bytes) -> dict | None:
    """The message, or None for what is none."""
    try:
        message = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


def _member(told: dict) -> Member:
    return Member(told["peer"], told["stamp"], told["away"], {**_STATE, **told["state"]})


def _differences(was: Member | None, now: Member) -> list[Event]:
    if not was:
        return [Joined(now)]
    events: list[Event] = []
    if was.away != now.away:
        events.append(Away(now.peer) if now.away else Back(now.peer))
    if was.state != now.state:
        events.append(State(now.peer, now.state))
    return events


def _ending(close: int | None, error: dict | None) -> _Ending:
    """What section 11 makes of the last error and the close code."""
    error = error or {}
    named = _CODES.get(close or 0)
    said = error.get("code") if isinstance(error.get("code"), str) else None
    unknown = named is None and close is not None and 4000 <= close <= 4999
    if named is None and (unknown or close == 1011 or said in _CODES.values()):
        named = said or f"close-{close}"
    code = named  # an error that did not close the socket says nothing about its end
    belongs = said == code
    return _Ending(
        code,
        hint=_text(error.get("hint")) if belongs else None,
        retry_after=_seconds(error.get("retry_after")) if belongs else None,
        final=code in _FINAL or unknown,
    )


def _drop(socket: ClientConnection) -> None:
    """Ends a socket without a close frame: 1000 would hang up (section 6), and a dead one answers nothing."""
    socket.transport.abort()


def _ignore(event: Event) -> None:
    """Nobody has to be told of what was there when we came."""


def _seconds(value: Any) -> float | None:
    return value if isinstance(value, int | float) and value >= 0 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
