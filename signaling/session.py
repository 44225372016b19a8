"""
One peer's signaling, from handshake to leave: which message is in place when, how many of them, and how long silence may last. Pure.

A session is new until a `hello` was answered with `welcome`, then joined, then closed:

    new ──hello──▶ joined ──leave, 1000, 1001──▶ closed (left)
     │                └────any other end───────▶ closed (away)
     └──anything else──▶ hello-expected
"""

import math

from signaling import protocol
from signaling.limits import Limits, TokenBucket
from signaling.protocol import Ack, Hello, Leave, Message, Ping, ProtocolError, Signal

_LEAVING = {1000, 1001}
_MOST_REMEMBERED = 64  # streams whose highest `seq` is known; more than a room holds
_MOST_REPEATED = 128  # how far below the highest `seq` a repeat may lie (docs/protocol.md section 12)

# The phases: plain names, because each message asks, and what stands in a class, let alone an Enum, takes several times as long to look up.
NEW = "new"
JOINED = "joined"
CLOSED = "closed"


class Session:
    """
    The rules for one socket; whoever owns the socket asks, and acts on the answers. Times are seconds of one monotonic clock.
    """

    __slots__ = (
        "_bytes",
        "_heard",
        "_highest",
        "_is_greeted",
        "_leaving",
        "_limits",
        "_messages",
        "_opened",
        "_recovery",
        "_refusals",
        "_token_at",
        "connection",
        "peer",
        "phase",
        "room",
    )

    def __init__(self, limits: Limits, *, now: float) -> None:
        self.phase = NEW
        self.peer = self.room = ""
        self.connection = 0
        self._limits = limits
        self._opened = self._heard = now
        self._messages = TokenBucket(rate=limits.messages, burst=limits.messages_burst, now=now)
        self._recovery = TokenBucket(rate=limits.recovery, burst=limits.recovery_burst, now=now)
        self._bytes = TokenBucket(rate=limits.bytes, burst=limits.bytes_burst, now=now)
        self._refusals: TokenBucket | None = None  # most sockets never need one
        self._highest: dict[tuple[str, str], int] = {}
        self._is_greeted = False  # the hello has come; that it is not answered yet is no silence of the client
        self._leaving = False
        self._token_at = now

    def read(self, text: bytes | None, *, now: float) -> Message:
        """
        The message in this frame, a text in UTF-8 or None for a binary one, when it is in place now.

        Raises:
            ProtocolError: it is not; the error says whether the socket must be closed.
        """
        self._heard = now
        try:
            if text is None:
                raise ProtocolError("bad-message", "a binary message")
            message = protocol.parse(text)
            kind = type(message)
            if (kind is Hello) is not (self.phase is NEW):
                raise ProtocolError("bad-message", "not in place here", about="hello" if kind is Hello else "")
            if kind is Signal:
                stream = message.to, message.stream
                highest = self._highest.get(stream)
                if highest is None:
                    protocol.check_names(message)
                    highest = 0
                bucket = self._recovery if highest - _MOST_REPEATED <= message.seq <= highest else self._messages
            else:
                bucket = self._recovery if kind is Ack or kind is Ping else self._messages
        except ProtocolError as problem:
            if self.phase is NEW:
                raise ProtocolError("hello-expected", str(problem), **problem.members) from problem
            if wait := self._bytes.take(now, len(text or b"")) or self._messages.take(now):  # rubbish counts too
                raise self._refusal(wait, now, problem.members.get("about")) from problem
            raise
        if wait := self._bytes.take(now, len(text)) or bucket.take(now):
            raise self._refusal(wait, now, protocol.name_of(message))
        if kind is Signal:
            if message.seq > highest:  # only now: what was refused is no repeat when it comes again
                if not highest:
                    self._make_place()
                self._highest[stream] = message.seq
        elif kind is Leave:
            self._leaving = True
        elif kind is Hello:
            self._is_greeted = True
        return message

    def join(self, room: str, peer: str, connection: int, *, now: float) -> None:
        self.phase = JOINED
        self.room, self.peer, self.connection = room, peer, connection
        self._token_at = now

    def close(self, close_code: int) -> bool:
        """Ends the session; True when the peer has left, False when it may come back."""
        self.phase = CLOSED
        return self._leaving or close_code in _LEAVING

    def seconds(self, *, now: float) -> float:
        """How old the socket is."""
        return now - self._opened

    def deadline(self) -> float:
        """When to look at `overdue` again, unless something is heard before."""
        if self.phase is CLOSED:
            return float("inf")
        if not self._is_greeted:
            return self._opened + self._limits.hello
        return self._heard + self._limits.silence

    def overdue(self, *, now: float) -> ProtocolError | None:
        """Why the socket must be closed for its silence, if it must."""
        if now < self.deadline():
            return None
        return ProtocolError("silent" if self._is_greeted else "hello-timeout")

    def wants_token(self, *, now: float) -> bool:
        """Whether the next `pong` should carry a fresh token; true once an hour."""
        if now - self._token_at < self._limits.token_renewal:
            return False
        self._token_at = now
        return True

    def _refusal(self, wait: float, now: float, about: str | None) -> ProtocolError:
        members = {"about": about} if about else {}
        if self._refusals is None:
            self._refusals = TokenBucket(rate=self._limits.refusals, burst=self._limits.refusals_burst, now=now)
        if self._refusals.take(now):
            return ProtocolError("flood", **members)
        return ProtocolError("rate-limited", retry_after=math.ceil(wait), **members)

    def _make_place(self) -> None:
        """For one more stream."""
        if len(self._highest) >= _MOST_REMEMBERED:
            self._highest.clear()
