"""
The other end of the sockets: one class of clients for each dialect, as cheap as they can be made, all in one process.

The two clients of a room know each other as Python objects, so that each message is accounted for: its body carries a number, and it counts
when it is the one that the sender sent next. What is lost, doubled or out of order is an error of the measurement, not a figure in it.
"""

import asyncio
import random
import secrets
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

import msgspec
import picows

_HANDSHAKE_SECONDS = 30
_ANSWER_SECONDS = 60
_CLOSE_SECONDS = 10
_TEXT = picows.WSMsgType.TEXT
_CLOSE = picows.WSMsgType.CLOSE
_decode = msgspec.json.decode
# As browsers offer it. None of the servers accepts it.
_DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
# One candidate, 232 bytes with its number: the most frequent message there is.
_BODY = (
    b'{"candidates":[{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.5 '
    b'rport 46154 generation 0 ufrag Yw3f network-cost 999","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"Yw3f"}],"n":%d}'
)


class Miscount(Exception):
    """A message was lost, doubled, changed or overtaken."""


class Refused(ConnectionError):
    """The room did not let us in; `retry_after` is in seconds, or None."""

    def __init__(self, message: dict) -> None:
        super().__init__(f"refused: {message}")
        self.retry_after: float | None = message.get("retry_after")


@dataclass
class Tally:
    """What all clients of a crowd have seen since it was last cleared."""

    delivered: int = 0
    acks: int = 0
    delays: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.delivered = self.acks = 0
        self.delays.clear()

    def check(self) -> None:
        if self.problems:
            raise Miscount("; ".join(self.problems[:5]))


class Client(picows.WSListener):
    """One socket, its place in a room, and the count of what it has sent and got."""

    ping_seconds: float | None = None
    subprotocol: str | None = None
    partner: "Client"

    def __init__(self, room: str, tally: Tally, pulse: "Pulse") -> None:
        self.room = room
        self.tally = tally
        self.pulse = pulse
        self.peer = self.other = ""
        self.transport: picows.WSTransport | None = None
        self.joined: asyncio.Future | None = None
        self.lost: asyncio.Future | None = None  # done when the socket has ended
        self._names: set[str] = set()  # the present peer id and the former ones
        self.sent = self.got = 0
        self.on_the_way: deque[float] = deque()  # when the partner sent what has not come yet
        self.stream = secrets.token_urlsafe(6)
        self.is_leaving = self.has_ping_due = False

    # What a dialect says

    def greet(self) -> None:
        raise NotImplementedError

    def envelope(self, body: bytes) -> bytes:
        raise NotImplementedError

    def hear(self, text: bytes) -> None:
        raise NotImplementedError

    def ping(self) -> None:
        pass

    # What is common to all

    def address(self, url: str) -> str:
        return url

    async def join(self, url: str, origin: str) -> None:
        """Connects and returns when the room has answered."""
        loop = asyncio.get_running_loop()
        self.is_leaving = False
        self.joined, self.lost = loop.create_future(), loop.create_future()
        headers = [("Origin", origin), _DEFLATE]
        if self.subprotocol:
            headers.append(("Sec-WebSocket-Protocol", self.subprotocol))
        await picows.ws_connect(
            lambda: self,
            self.address(url),
            extra_headers=headers,
            websocket_handshake_timeout=_HANDSHAKE_SECONDS,
            read_buffer_init_size=2048,
        )
        async with asyncio.timeout(_ANSWER_SECONDS):
            await self.joined

    @property
    def is_joined(self) -> bool:
        return self.joined.done() and self.joined.exception() is None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.greet()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is _TEXT:
            try:
                self.hear(frame.get_payload_as_bytes())
            except Exception as error:
                self.tally.problems.append(f"{type(error).__name__} {error} in {frame.get_payload_as_bytes()[:200]!r}")
        elif frame.msg_type is _CLOSE:
            if not self.is_leaving and self.is_joined:
                self.tally.problems.append(f"closed with {frame.get_close_code()}")
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if transport is not self.transport:
            return
        self.transport = None
        self.lost.set_result(None)
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("the socket ended before the answer"))
            self.joined.exception()  # whoever awaits it gets it still

    def say(self, text: bytes) -> None:
        self.transport.send(_TEXT, text)

    def signal(self) -> None:
        """Sends the next message to the partner."""
        self.sent += 1
        self.partner.on_the_way.append(perf_counter())
        self.say(self.envelope(_BODY % self.sent))

    def arrived(self, body: dict) -> None:
        """A message of the partner is here."""
        if body["n"] != self.got + 1 or not self.on_the_way:
            raise Miscount(f"number {body['n']} after {self.got}")
        self.got += 1
        self.tally.delivered += 1
        self.tally.delays.append(perf_counter() - self.on_the_way.popleft())

    def is_in(self, peer: str, others: list[str]) -> None:
        self.peer = peer
        self._names.add(peer)
        self.other = next((other for other in others if other not in self._names), self.other)
        if self.ping_seconds and not self.has_ping_due:
            self.has_ping_due = True
            self.pulse.ping_later(self)
        if not self.joined.done():
            self.joined.set_result(None)

    def refused(self, message: dict) -> None:
        if self.joined.done():
            self.tally.problems.append(f"refused: {message}")
        else:
            self.joined.set_exception(Refused(message))

    async def leave(self) -> None:
        self.is_leaving = True
        if self.transport is None:
            return
        transport = self.transport
        transport.send_close(picows.WSCloseCode.OK)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await transport.wait_disconnected()
                return
        transport.disconnect(graceful=False)


class PlainClient(Client):
    """For the rivals on `ws` and for plain Channels: join, joined, signal."""

    _ENVELOPE = b'{"type":"signal","to":"%b","stream":"%b","seq":%d,"ack":%d,"body":%b}'

    def greet(self) -> None:
        self.say(b'{"type":"join","room":"%b"}' % self.room.encode())

    def envelope(self, body: bytes) -> bytes:
        return self._ENVELOPE % (self.other.encode(), self.stream.encode(), self.sent, self.got, body)

    def hear(self, text: bytes) -> None:
        message = _decode(text)
        kind = message["type"]
        if kind == "signal":
            self.arrived(message["body"])
        elif kind == "joined":
            self.is_in(message["peer"], message["peers"])
        elif kind == "peer-joined":
            self.other = message["peer"]
        elif kind == "error":
            self.refused(message)


class SocketIoClient(Client):
    """
    For socket.io, over its WebSocket transport.

    Source: the Engine.IO protocol, revision 4, and the Socket.IO protocol, revision 5.
    """

    _ENVELOPE = b'42["signal",{"to":"%b","stream":"%b","seq":%d,"ack":%d,"body":%b}]'

    def greet(self) -> None:
        pass  # the server opens

    def envelope(self, body: bytes) -> bytes:
        return self._ENVELOPE % (self.other.encode(), self.stream.encode(), self.sent, self.got, body)

    def hear(self, text: bytes) -> None:
        match text[:2]:
            case b"42":
                self._event(*_decode(text[2:]))
            case b"43":
                (answer,) = _decode(text[text.index(b"[") :])
                self.is_in(answer["peer"], answer["peers"])
            case b"40":
                self.say(b'420["join",{"room":"%b"}]' % self.room.encode())
            case b"2":
                self.say(b"3")
            case _ if text[:1] == b"0":
                self.say(b"40")
            case _:
                self.refused({"text": text.decode()})

    def _event(self, kind: str, message: dict) -> None:
        if kind == "signal":
            self.arrived(message["body"])
        elif kind == "peer-joined" and message["peer"] not in self._names:
            self.other = message["peer"]
        elif kind == "refused":
            self.refused(message)


class PeerJsClient(Client):
    """For the PeerJS server: a peer chooses its own id, and there are no rooms. Its own client sends a heartbeat every 5 s too."""

    ping_seconds = 5.0
    _ENVELOPE = b'{"type":"CANDIDATE","dst":"%b","payload":{"stream":"%b","seq":%d,"ack":%d,"body":%b}}'

    def address(self, url: str) -> str:
        self.peer = secrets.token_urlsafe(12)
        return f"{url}?key=peerjs&id={self.peer}&token={secrets.token_urlsafe(8)}"

    def greet(self) -> None:
        pass  # the address has said it all

    def envelope(self, body: bytes) -> bytes:
        return self._ENVELOPE % (self.partner.peer.encode(), self.stream.encode(), self.sent, self.got, body)

    def hear(self, text: bytes) -> None:
        message = _decode(text)
        kind = message["type"]
        if kind == "CANDIDATE":
            self.arrived(message["payload"]["body"])
        elif kind == "OPEN":
            self.is_in(self.peer, [])
        elif kind != "LEAVE":
            self.refused(message)

    def ping(self) -> None:
        self.say(b'{"type":"HEARTBEAT"}')


class GruveoClient(Client):
    """For ours: docs/protocol.md. It acknowledges as section 7 says, pings as section 10 says, comes back as section 9 says."""

    ping_seconds = 5.0
    subprotocol = "gruveo.v1"
    _ENVELOPE = b'{"type":"signal","to":"%b","stream":"%b","seq":%d,"ack":%d,"body":%b}'

    def __init__(self, room: str, tally: Tally, pulse: "Pulse") -> None:
        super().__init__(room, tally, pulse)
        self._token: str | None = None
        self._attempts = 0
        self._seq = self._heard = self._acknowledged = 0
        self._has_ack_due = False

    def greet(self) -> None:
        hello = {"type": "hello", "attempt": self._attempts, "client": "gruveo-bench"}
        who = {"resume": self._token} if self._token else {"code": self.room}
        self._attempts += 1
        self.say(msgspec.json.encode({**hello, **who, "state": {"name": "Ada", "muted": False, "camera": True}}))

    def envelope(self, body: bytes) -> bytes:
        self._seq += 1
        self._acknowledged = self._heard
        return self._ENVELOPE % (self.other.encode(), self.stream.encode(), self._seq, self._heard, body)

    def hear(self, text: bytes) -> None:
        message = _decode(text)
        kind = message["type"]
        if kind == "signal":
            self._take(message)
        elif kind == "ack":
            self.tally.acks += 1
        elif kind == "welcome":
            self._token = message["token"]
            if message["resumed"] is False and self._attempts > 1:
                self._seq = self._heard = self._acknowledged = 0
                self.stream = secrets.token_urlsafe(6)
            self.is_in(message["peer"], [member["peer"] for member in message["members"]])
        elif kind == "joined":
            self.other = message["member"]["peer"]
        elif kind == "error":
            self.refused(message)

    def _take(self, message: dict) -> None:
        if message["stream"] != self.stream:  # the later one opens it
            self.stream = message["stream"]
            self._seq = self._heard = self._acknowledged = 0
        if message["seq"] != self._heard + 1:
            raise Miscount(f"seq {message['seq']} after {self._heard}")
        self._heard += 1
        self.arrived(message["body"])
        if not self._has_ack_due:
            self._has_ack_due = True
            self.pulse.acknowledge_later(self)

    def acknowledge(self) -> None:
        self._has_ack_due = False
        if self.transport is None or self._acknowledged == self._heard:
            return
        self._acknowledged = self._heard
        self.say(
            b'{"type":"ack","to":"%b","stream":"%b","ack":%d}'
            % (self.other.encode(), self.stream.encode(), self._heard)
        )

    def ping(self) -> None:
        self.say(b'{"type":"ping","id":%d}' % self._attempts)


class Pulse:
    """What clients do when a time has passed: one task for all of them, since a timer for each would cost more than the messages."""

    ACK_SECONDS = 0.25  # section 7: within 300 ms
    _STEP = 0.02

    def __init__(self) -> None:
        self.pings = True  # off: nobody pings, and the server must be patient
        self._acks: deque[tuple[float, GruveoClient]] = deque()
        self._pings: deque[tuple[float, Client]] = deque()

    def acknowledge_later(self, client: GruveoClient) -> None:
        self._acks.append((perf_counter() + self.ACK_SECONDS, client))

    def ping_later(self, client: Client) -> None:
        self._pings.append((perf_counter() + client.ping_seconds, client))

    async def beat(self) -> None:
        while True:
            now = perf_counter()
            while self._acks and self._acks[0][0] <= now:
                self._acks.popleft()[1].acknowledge()
            while self._pings and self._pings[0][0] <= now:
                self._ping(self._pings.popleft()[1])
            await asyncio.sleep(self._STEP)

    def _ping(self, client: Client) -> None:
        client.has_ping_due = client.transport is not None
        if client.transport is None:
            return
        if self.pings:
            client.ping()
        self.ping_later(client)


def backoff(attempt: int) -> float:
    """Seconds before this attempt, counted from 0: docs/protocol.md section 9; the same for all systems."""
    return random.uniform(0, min(20.0, 0.5 * 2**attempt) if attempt < 4 else 20.0)
