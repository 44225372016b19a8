"""
A client for the signaling of a Gruveo site, for programs that are no browser: docs/protocol.md, sections 2 to 11.

    async with Client("wss://example.org/signaling", code="blue heron", name="Bot") as client:
        async for event in client:
            match event:
                case Joined(member):
                    print(member.state["name"], "is here")
                case Body(peer, body):
                    await client.send(peer, {"candidates": []})

It needs no Django and knows nothing of WebRTC. Here is what a program sees. How one socket follows the other is in `signaling.sockets`,
who else is in the room in `signaling.others`, what waits to be said in `signaling.writer`; what must be true of a pair of peers is in
`signaling.streams`.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext
from typing import Any, Literal, Self

from signaling import heard
from signaling.endings import CODES
from signaling.events import Complaint, Event, Ice, Member, Refused, Renewed, Resumed
from signaling.others import Others
from signaling.sockets import RECEIVED_BYTES, SUBPROTOCOL, USUAL, Sockets, Times
from signaling.streams import Full, size_of
from signaling.writer import Writer

__all__ = ["MESSAGE_BYTES", "PROGRAM", "RECEIVED_BYTES", "SUBPROTOCOL", "Client", "Refused", "Times"]

PROGRAM = "gruveo-python 0.1"
MESSAGE_BYTES = 65_536
_ENVELOPE_BYTES = 256  # all of a signal but its body
_NONCE_BYTES = 16  # whoever guessed it could take our place


class Client(Sockets):
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
        times: Times = USUAL,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(url, options={"origin": origin, **({"ssl": ssl} if ssl else {})}, times=times, jitter=jitter)
        self.code = code
        self.capacity = 0
        self.features: frozenset[str] = frozenset()
        self.ice_servers: list[dict] = []
        self.ice_lifetime: int | None = None
        self.state = {**heard.STATE, **(state or {}), "name": name}
        self._replaces = replaces
        # Until a welcome has come: a hello that was not answered may have let us in.
        self._nonce = secrets.token_urlsafe(_NONCE_BYTES)
        self._region = region
        self._others = Others(tell=self._tell, ask=self._ask, stir=self._stir, early=times.early)
        self._writer = Writer(self, self._others)
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._attempts = 0
        self._lock: dict | None = None  # what we said last about it
        self._is_over = False
        self._life: asyncio.Task | None = None
        self._writing: asyncio.Task | None = None

    @property
    def peer(self) -> str:
        """Our own id."""
        return self._others.peer

    @property
    def stamp(self) -> int:
        return self._others.stamp

    @property
    def members(self) -> dict[str, Member]:
        """The others, by id."""
        return self._others.members

    @property
    def revision(self) -> int:
        return self._others.revision

    @property
    def locked(self) -> bool:
        return self._others.locked

    # Coming and going

    async def __aenter__(self) -> Self:
        self._life = asyncio.create_task(self._live())
        self._writing = asyncio.create_task(self._write())
        joined = asyncio.create_task(self._up.wait())
        try:
            await asyncio.wait([joined, self._life, self._writing], return_when=asyncio.FIRST_COMPLETED)
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
        for peer in list(self._others.paths):  # one that is closed may be taken away in between
            pair = self._others.pairs[peer]
            with suppress(Full):
                pair.send({"bye": True}, now=now)
            pair.hurry(now=now)
            for message in pair.due(now=now):
                self._writer.send_by_path(peer, message)

    async def _end(self) -> None:
        for task in (self._life, self._writing):
            task.cancel()
        await asyncio.wait([self._life, self._writing])
        self._writer.stop_alarm()
        self._finish()

    def _finish(self) -> None:
        self._is_over = True
        self._up.set()  # whoever waits for it, or for room, learns that it is over
        self._others.acknowledged.set()
        self._events.put_nowait(None)

    def _raise_failure(self) -> None:
        """Raises what has ended us: a refusal, or a mistake of our own."""
        if self._refused:
            raise self._refused
        for task in (self._life, self._writing):
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
        return self._others.pair(peer).opens

    def open(self, peer: str) -> str:
        """
        The name of a new stream to an earlier member; the one before it has ended with all that was not acknowledged on it.

        Raises:
            LookupError: no such member.
            ValueError: the peer is later than we are, and opens the streams itself.
        """
        pair = self._others.pair(peer)
        if not pair.opens:
            raise ValueError("the later one opens the stream")
        self._others.acknowledged.set()
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
            while wait := self._writer.pace.wait(now=time.monotonic()):  # noqa: ASYNC110 - only time helps
                await asyncio.sleep(wait)
            self._raise_end()
            self._others.acknowledged.clear()
            try:
                messages = self._others.pair(peer).send(body, now=time.monotonic())
            except Full:
                await self._others.acknowledged.wait()
            else:
                return self._writer.put_for(peer, messages)

    async def set_state(self, **members: Any) -> None:
        """
        What others see of us (section 6). While the socket is down it is kept, and said with the resume; by the second path at once.

        Raises:
            TypeError, ValueError: it cannot be said in JSON; nothing has changed.
        """
        size_of(members)
        self.state = {**self.state, **members}
        self._put({"type": "state", **members})
        for peer in list(self._others.paths):  # one that is closed may be taken away in between
            self._show_by_path(peer)

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
        The second path (section 7): the data channel to a peer, taken while our socket or the peer's is down, and for what is seen of us.

        What `send` raises counts as not sent. What arrives on it goes to `hear`. One to somebody who has left counts for nothing.
        """
        if peer not in self._others.pairs:
            return
        self._others.paths[peer] = send
        self._show_by_path(peer)
        if not self.socket or self._others.is_away(peer):
            self._others.hurry(peer)

    def remove_path(self, peer: str) -> None:
        self._others.remove_path(peer)

    def hear(self, peer: str, text: str) -> None:
        """Takes what came from a peer on the second path; what is no signal, ack or state is ignored."""
        message = heard.parse(text)
        if message and message["type"] in ("signal", "ack"):
            self._hear_peer({**message, "from": peer})
        elif message and message["type"] == "state" and isinstance(message.get("state"), dict):
            self._others.hear_state(peer, heard.state(message["state"]))

    def _show_by_path(self, peer: str) -> None:
        self._writer.send_by_path(peer, {"type": "state", "state": heard.state(self.state)})

    # What the sockets ask of us

    def _hello(self) -> dict:
        hello = {"type": "hello", "attempt": self._attempts, "state": self.state, "client": PROGRAM}
        if self._region:
            hello["region"] = self._region
        self._attempts += 1
        self._writer.is_told("state")
        if self.token:
            return {**hello, "resume": self.token}
        former = {"replaces": self._replaces} if self._replaces else {}
        return {**hello, "code": self.code, "nonce": self._nonce, **former}

    def _goes_on(self) -> None:
        self._writer.is_sure()

    def _tell(self, event: Event) -> None:
        self._events.put_nowait(event)

    def _welcome(self, message: dict) -> None:
        was = self.peer
        self.token = message.get("token")
        self.capacity = message["capacity"]
        self.features = frozenset(message["features"])
        self._replaces = None
        self._nonce = secrets.token_urlsafe(_NONCE_BYTES)
        self._writer.begin()
        if was:
            self._tell(Resumed() if message["resumed"] else Renewed())
        self._others.welcome(message)
        self._take_ice(message)
        if was:
            self._tell_ice()

    def _take(self, text: str | bytes) -> None:
        self._heard.set()
        message = heard.parse(text)
        if not message:
            return
        match message["type"]:
            case "joined" | "away" | "back" | "left" | "state" | "lock":
                self._others.take_change(message)
                self._writer.set_alarm()
            case "members":
                self._others.take_members(message)
                self._writer.set_alarm()
            case "signal" | "ack":
                self._hear_peer(message)
            case "ice":
                self._take_ice(message)
                self._tell_ice()
            case "pong":
                self._failures = 0
                self.token = message.get("token", self.token)
            case "reconnect":
                self._plan_move(message)
            case "error":
                self._take_error(message)

    def _hear_peer(self, message: dict) -> None:
        self._others.hear(message)
        self._writer.set_alarm()

    def _take_ice(self, message: dict) -> None:
        self.ice_servers, self.ice_lifetime = message["ice_servers"], message.get("ice_lifetime")

    def _tell_ice(self) -> None:
        self._tell(Ice(self.ice_servers, self.ice_lifetime))

    def _take_error(self, message: dict) -> None:
        self._error = message
        code, retry_after = message.get("code"), heard.seconds(message.get("retry_after"))
        if code == "rate-limited":
            self._writer.hold(retry_after or 1)
            self._say_again(heard.text(message.get("about")))
        if code == "unknown-peer":
            self._ask()  # either it has just left, or our list is wrong
        if code not in CODES.values():
            self._tell(
                Complaint(str(code), heard.text(message.get("about")), heard.text(message.get("to")), retry_after)
            )

    def _say_again(self, kind: str | None) -> None:
        """What was refused and no stream repeats (section 11): the newest of its kind, instead of those that wait."""
        newest = {
            "state": {"type": "state", **self.state},
            "members": {"type": "members"},
            "lock": self._lock,
        }.get(kind)
        if newest:
            self._writer.put_instead(newest)

    # Writing

    def _put(self, message: dict) -> None:
        self._writer.put(message)

    def _ask(self) -> None:
        self._put({"type": "members"})

    def _stir(self) -> None:
        self._writer.stir()

    async def _come_up(self) -> None:
        await self._up.wait()
        self._raise_end()

    async def _write(self) -> None:
        """A mistake of our own ends all."""
        try:
            await self._writer.write()
        except Exception:
            self._life.cancel()
            raise
