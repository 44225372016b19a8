"""
One WebSocket of a client, translated: frames into messages, answers into frames, its end into `left` or `away`.

What is allowed stands in signaling.session, what is decided in signaling.rooms, who hears of it in signaling.switchboard. The loop reads
only its own socket; what others send comes straight into the outbox.
"""

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import Awaitable

from channels.consumer import AsyncConsumer
from msgspec.structs import replace

from signaling import codes, conf, protocol, tokens
from signaling.addresses import Addresses
from signaling.elsewhere import Elsewhere
from signaling.limits import Limits
from signaling.outbox import Outbox
from signaling.pace import Pace
from signaling.protocol import (
    Ack,
    AskMembers,
    Hello,
    Leave,
    Lock,
    Message,
    Ping,
    ProtocolError,
    Report,
    ShowState,
    Signal,
)
from signaling.rooms import Call, Entry, Held, Outcome, Rooms
from signaling.session import CLOSED, JOINED, NEW, Session
from signaling.switchboard import Switchboard
from turnauth import ice

logger = logging.getLogger("signaling")

_TURN = 32  # frames
_PEER_BYTES = 12  # 16 characters
_REASONS = {1000: "left", 1001: "left", 1012: "restart"}  # why a socket has ended, unless we have ended it


class SignalingConsumer(AsyncConsumer):
    """Speaks docs/protocol.md with one client."""

    def __init__(
        self,
        *,
        switchboard: Switchboard,
        addresses: Addresses,
        elsewhere: Elsewhere,
        limits: Limits,
        origins: frozenset[str],
        pace: Pace,
        region_header: bytes = b"",
    ) -> None:
        self._switchboard = switchboard
        self._pace = pace
        self._tally = switchboard.tally
        self._addresses = addresses
        self._elsewhere = elsewhere
        self._limits = limits
        self._origins = origins
        self._region_header = region_header
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = 0.0
        self._client = ""
        self._token: tokens.Token | None = None
        self._ice_at: float | None = None
        self._early: tuple[bytes, Message | None] = (b"", None)  # a text that was read before its turn
        self._is_dropped = self._is_ending = False
        self._replaces = ""  # whose place this page takes over, until it has its welcome
        self._is_unwelcome = False  # it was gone before the welcome, so nobody knows the token of its place
        self._said: set[str] = set()  # refusals that stand in the log

    async def __call__(self, scope, receive, send) -> None:
        await receive()  # websocket.connect
        if not self._is_allowed(_header(scope, b"origin")):
            self._tally.refused["foreign-origin"] += 1
            logger.info("refused an origin")
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept", "subprotocol": _subprotocol(scope)})
        self._switchboard.start()  # a server without a lifespan has not done so yet
        self._address = (scope.get("client") or ("unknown", 0))[0]
        self._region = (self._region_header and _header(scope, self._region_header)) or ""
        self._session = Session(self._limits, now=time.monotonic())
        self._task = asyncio.current_task()
        socket = scope.get("extensions", {}).get(
            "gruveo.socket"
        )  # gruveo.fast_websocket, or another that can do the same
        if socket:
            self._outbox = Outbox(send, write=socket.write, on_too_slow=self._drop)
            socket.listen(self._take)
        else:
            self._outbox = Outbox(send, on_too_slow=self._drop)
        self._tally.sockets += 1
        self._tally.sockets_opened += 1
        try:
            await self._read(receive, scope)
        except asyncio.CancelledError:
            if not self._is_dropped:
                raise
        finally:
            self._tally.sockets -= 1
            self._stop_timer()
            await self._outbox.finish()

    def _is_allowed(self, origin: str | None) -> bool:
        """
        Attack stopped: a foreign page that opens a socket in its visitor's browser. No Origin is a native client, which has no page.

        Source: RFC 6455 section 10.2.
        """
        return origin is None or origin in self._origins

    def _drop(self) -> None:
        """Ends the socket without a word: a client that reads nothing would not read that either."""
        logger.info("refused too-slow", extra={"peer": self._session.peer})
        self._tally.refused["too-slow"] += 1
        self._is_dropped = True
        if not self._is_ending:
            self._task.cancel()

    async def _read(self, receive, scope) -> None:
        close_code = 1006
        is_counted = self._open(scope)
        try:
            for number in itertools.count():
                if (event := await receive())["type"] != "websocket.receive":
                    break
                text = event.get("text")
                await self._frame(None if text is None else text.encode())
                if number % _TURN == _TURN - 1:
                    # Frames that came in one read are handed over without a pause; what they are answered and where they go must be
                    # written meanwhile, or whoever is sent more than an outbox holds is taken for deaf.
                    await asyncio.sleep(0)
            close_code = event.get("code") or 1005
        finally:
            if is_counted:
                self._addresses.close(self._address)
            await self._end(close_code)

    def _open(self, scope) -> bool:
        """Lets the session begin; False when it is refused, and so not counted."""
        try:
            if protocol.SUBPROTOCOL not in scope["subprotocols"]:
                raise ProtocolError("unsupported-version", supported=[protocol.SUBPROTOCOL])
            self._addresses.open(self._address)
        except ProtocolError as problem:
            self._refuse(problem)
            return False
        self._watch()
        return True

    def _take(self, text: bytes) -> bool:
        """
        Does what a text, given in UTF-8, asks for on the spot, if nothing has to be waited for; False when it must go the loop's way. For
        servers that can ask while the loop waits for the next text: it saves a turn of the event loop for each message.
        """
        session = self._session
        if session.phase is not JOINED or self._outbox.is_closing:
            return False
        try:
            message = session.read(text, now=time.monotonic())
            if type(message) is Signal:  # nearly all of them
                self._switchboard.relay(session.room, session.peer, message)
                self._pace.keep()
                return True
            at_once = self._AT_ONCE.get(type(message))
            if at_once is None:
                self._early = (text, message)
                return False
            at_once(self, message)
        except Exception as error:
            self._refuse_for(error)
        return True

    async def _frame(self, text: bytes | None) -> None:
        if self._outbox.is_closing:
            return  # it was on its way when the socket was refused
        try:
            early, message = self._early
            if message is None or early != text:
                message = self._session.read(text, now=time.monotonic())
            self._early = (b"", None)
            at_once = self._AT_ONCE.get(type(message))
            if at_once:
                at_once(self, message)
            else:
                await self._IN_TURN[type(message)](self, message)
        except Exception as error:
            self._refuse_for(error)

    async def _hello(self, hello: Hello) -> None:
        self._region = hello.region or self._region
        outcome = await self._admit(hello)
        member = outcome.member
        self._session.join(outcome.room.id, member.peer, member.connection, now=time.monotonic())
        place = member.peer, outcome.room.id, member.stamp, member.connection
        self._token = tokens.Token(*place, int(time.time()), *_said_of(outcome.room.call))
        self._switchboard.attach(outcome.room.id, member, self._outbox)
        self._outbox.put(self._welcome(outcome))
        self._is_unwelcome = self._outbox.is_closing and not hello.resume
        if not self._is_unwelcome:
            self._replaces = ""
        self._switchboard.publish(outcome)
        self._switchboard.ask_to_move(self._outbox)
        self._watch()
        self._client = hello.client

    async def _admit(self, hello: Hello) -> Outcome:
        tally = self._tally
        try:
            outcome = await (self._resume(hello) if hello.resume else self._join(hello))
        except ProtocolError as problem:
            if problem.code == "unavailable" and not hello.resume:
                # They come back as often as they are told to, and many behind one address would be told that they come too often.
                self._addresses.give_back(self._address)
            (tally.refused_resumes if hello.resume else tally.refused_joins)[problem.code] += 1
            raise
        tally.resumes += bool(hello.resume)
        tally.joins += not hello.resume
        return outcome

    def _welcome(self, outcome: Outcome) -> bytes:
        room, member, limits = outcome.room, outcome.member, self._limits
        ice_servers, ice_lifetime = self._fresh_ice_servers()
        return protocol.welcome(
            peer=member.peer,
            stamp=member.stamp,
            resumed=not outcome.is_new,
            capacity=room.capacity,
            locked=room.locked,
            revision=room.revision,
            members=room.others(member.peer),
            token=self._signed_token(),
            token_lifetime=limits.token,
            ice_servers=ice_servers,
            ice_lifetime=ice_lifetime,
            features=protocol.FEATURES,
            limits=limits.for_welcome,
        )

    def _fresh_ice_servers(self) -> tuple[list[dict], int | None]:
        servers, lifetime = ice.ice_servers(
            user=self._session.peer, now=time.time(), room=self._session.room, region=self._region
        )
        self._ice_at = time.monotonic() + lifetime / 2 if lifetime else None
        return servers, lifetime

    async def _join(self, hello: Hello) -> Outcome:
        self._addresses.join(self._address, now=time.monotonic())  # first, so that guessing at codes counts too
        try:
            code = codes.read(hello.code)
        except codes.BadCode as error:
            raise ProtocolError("bad-code", hint=error.hint) from error
        if await self._elsewhere.has(code):
            raise ProtocolError("bad-code", hint="taken")
        room = codes.room_id(code, key=conf.room_key())
        self._replaces = self._replaced(hello.replaces, room)
        peer = secrets.token_urlsafe(_PEER_BYTES)
        entry = self._entry(room, peer, hello, request=peer)
        # One node's joins are counted here, above; those of many by the store.
        address = self._addresses.key(self._address) if self._switchboard.is_shared else ""
        return await self._switchboard.join(
            entry, capacity=self._limits.capacity, replaces=self._replaces, address=address
        )

    async def _resume(self, hello: Hello) -> Outcome:
        try:
            token = self._read_token(hello.resume)
        except tokens.BadToken as error:
            self._addresses.join(self._address, now=time.monotonic())  # only who has a token need not be counted
            raise ProtocolError("bad-token", str(error)) from error
        entry = self._entry(token.room, token.peer, hello, request=secrets.token_urlsafe(9))
        return await self._switchboard.resume(
            entry,
            capacity=self._limits.capacity,
            stamp=token.stamp,
            connection=token.connection,
            call=Call(*token.call, boot=token.boot) if token.call else None,
        )

    def _replaced(self, text: str | None, room: str) -> str:
        """The peer whose place is taken over; a token that does not serve is ignored, as section 9 says."""
        if text is None:
            return ""
        try:
            token = self._read_token(text)
        except tokens.BadToken:
            return ""
        return token.peer if token.room == room else ""

    def _entry(self, room: str, peer: str, hello: Hello, *, request: str) -> Entry:
        node = self._switchboard.shard(room).node
        return Entry(room, peer, request, node, hello.shown, hello.attempt, hello.nonce or "")

    def _read_token(self, text: str) -> tokens.Token:
        return tokens.read(text, keys=conf.token_keys(), lifetime=self._limits.token, now=time.time())

    def _fresh_token(self) -> str:
        self._token = replace(self._token, issued=int(time.time()))
        return self._signed_token()

    def _signed_token(self) -> str:
        return tokens.sign(self._token, key=conf.token_keys()[0])

    def _has_learned_of_a_call(self) -> bool:
        """A token that names the call keeps it one call where all servers have lost their memory."""
        room = self._switchboard.known(self._session.room)
        call, boot = _said_of(room and room.call)
        if call == self._token.call and boot == self._token.boot:
            return False
        self._token = replace(self._token, call=call, boot=boot)
        return call is not None

    def _relay(self, message: Signal | Ack) -> None:
        self._switchboard.relay(self._session.room, self._session.peer, message)

    async def _show(self, message: ShowState) -> None:
        await self._tell("show", change=message)

    async def _lock(self, message: Lock) -> None:
        await self._tell("lock", locked=message.locked)

    async def _tell(self, operation: str, **given) -> None:
        held = self._switchboard.held(self._session.room, self._session.peer)
        if held:
            await self._tell_of(held, operation, **given)

    async def _tell_of(self, held: Held, operation: str, *, is_end: bool = False, **given) -> None:
        """Has the store do something for this member, perhaps later; on a newer socket of the member it does nothing."""
        session, happened_at = self._session, time.monotonic()
        room, peer = session.room, session.peer
        given |= {"connection": session.connection, "request": secrets.token_urlsafe(9)}

        def ask(rooms: Rooms) -> Awaitable[Outcome | None]:
            ago = {"ago": time.monotonic() - happened_at} if is_end else {}
            return getattr(rooms, operation)(room, peer, **given, **ago)

        await self._switchboard.tell(held, ask)

    def _members(self, message: AskMembers) -> None:
        """As this node knows it: what it has missed, it learns by renewing."""
        room = self._switchboard.known(self._session.room)
        if room is not None:
            self._outbox.put(protocol.members(room.revision, room.locked, room.others(self._session.peer)))

    async def _report(self, message: Report) -> None:
        await self._tell("report", relayed=message.path == "relayed")

    def _ping(self, message: Ping) -> None:
        is_due = self._session.wants_token(now=time.monotonic())
        token = self._fresh_token() if self._has_learned_of_a_call() or is_due else None
        self._outbox.put(protocol.pong(message, token))

    async def _leave(self, message: Leave) -> None:
        await self._end(1000)
        self._is_ending = False
        self._outbox.close(1000)
        if self._is_dropped:
            self._task.cancel()  # that had to wait for the end

    _AT_ONCE = {Signal: _relay, Ack: _relay, AskMembers: _members, Ping: _ping}
    _IN_TURN = {Hello: _hello, ShowState: _show, Lock: _lock, Report: _report, Leave: _leave}

    def _refuse_for(self, error: Exception) -> None:
        if not isinstance(error, ProtocolError):
            logger.error("a message could not be handled", exc_info=error)
            error = ProtocolError("internal")
        self._refuse(error)

    def _refuse(self, problem: ProtocolError) -> None:
        """The one place that turns an error into what its client hears; at INFO and without a traceback, for it is the peer's fault."""
        if problem.code not in self._said:  # once for each socket: whoever floods us must not flood the log
            self._said.add(problem.code)
            logger.info("refused %s", problem.code, extra={"peer": self._session.peer})
        self._tally.refused[problem.code] += 1
        self._outbox.put(protocol.error(problem))
        if problem.close is not None:
            self._outbox.close(problem.close, problem.code)

    async def _end(self, close_code: int) -> None:
        """Gives the place up, or keeps it for a while; once, however often it is said."""
        session = self._session
        self._is_ending = True
        if self._is_dropped:
            while self._task.cancelling():
                self._task.uncancel()  # it has done its work; before Python 3.11.3 no time limit holds in a task that is being cancelled
        if session.phase is CLOSED:
            return
        if session.phase is NEW:
            session.close(close_code)
            self._say_why("never joined", close_code)
            return
        has_left = session.close(close_code) or self._is_unwelcome
        held = self._switchboard.detach(session.room, session.peer, self._outbox)
        if held and has_left:
            await self._tell_of(held, "leave", is_end=True, restores=self._replaces)
        elif held:
            await self._tell_of(held, "away", is_end=True, keep=self._limits.place)
        self._say_why("left" if has_left else "away", close_code, held)

    def _say_why(self, how: str, close_code: int, held: Held | None = None) -> None:
        """The one line of a socket: what is said of each message or join would cost more than the message or join."""
        session = self._session
        reason = "too-slow" if self._is_dropped else self._outbox.reason or _REASONS.get(close_code, "lost")
        self._tally.sockets_closed[reason] += 1
        told = {
            "room": session.room,
            "peer": session.peer,
            "call": held.room.call.id if held and held.room.call else "",
            "client": self._client,
            "seconds": int(session.seconds(now=time.monotonic())),
            "reason": reason,
            "address": self._address,
        }
        logger.info(how, extra=told)

    def _watch(self) -> None:
        """One timer for each socket, set again only when it fires, or would be late: a message costs it nothing."""
        at = min(self._session.deadline(), self._ice_at or float("inf"))
        if self._session.phase is CLOSED or (self._timer and self._looks_at <= at):
            return
        self._stop_timer()
        self._looks_at = at
        self._timer = asyncio.get_running_loop().call_later(max(0.05, at - time.monotonic()), self._look)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        problem = self._session.overdue(now=now)
        if problem:
            self._refuse(problem)
            return
        if self._ice_at and now >= self._ice_at:
            self._outbox.put(protocol.ice(*self._fresh_ice_servers()))
        self._watch()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


async def no_such_socket(scope, receive, send) -> None:
    """Refuses a WebSocket at an address that has none, before the upgrade; without a word in the log, where its path could be a code."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def not_at_this_node(scope, receive, send) -> None:
    """Refuses a WebSocket before the upgrade with 503, so that a proxy that knows other nodes asks one of them."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1013})
        return
    await send({"type": "websocket.http.response.start", "status": 503, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


def _said_of(call: Call | None) -> tuple[tuple[str, float] | None, float]:
    """What a token says of a call, and of the store that holds it."""
    return ((call.id, call.started), call.boot) if call and call.certain_at <= time.time() else (None, 0.0)


def _header(scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def _subprotocol(scope) -> str | None:
    """Ours when it is offered; else the first, because a browser drops a socket that accepts none of those it offered."""
    offered = scope["subprotocols"]
    return protocol.SUBPROTOCOL if protocol.SUBPROTOCOL in offered else next(iter(offered), None)
