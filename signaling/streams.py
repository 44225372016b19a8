"""
Bodies for one peer, each handed on once and in order: section 7 of docs/protocol.md, without a clock and without a socket.

A network between the two may lose, double and reorder what it carries. A `Stream` numbers what is sent on it, keeps a body until the
other has acknowledged it, and sends it again when that takes too long; in the other direction it hands on what is next, holds what
is ahead, and drops what it has had. A pair of peers talks on one stream at a time. The later one of the two is the `Opener`, the
earlier one the `Answerer`: a stream that the answerer has not heard of takes the place of the one before it.

Messages are dicts as section 7 has them, without `to` and `from`. `now` is in seconds, of any clock that never goes back.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

RESEND = 1.0  # seconds until what is not acknowledged is sent again; doubles
RESEND_MOST = 8.0
ACK_AFTER = 0.2  # seconds; the paper allows 0.3, for it to come before the sender's timer of 1 second
AHEAD_MOST = 64
KEPT_MOST = 128
KEPT_BYTES_MOST = 256 * 1024
NUMBER_MOST = 2**53 - 1


class Full(Exception):
    """As much as a sender may keep for one peer is waiting for an acknowledgement: 128 bodies or 256 KiB of them."""


@dataclass(frozen=True)
class Received:
    """What a message brought: the bodies that are next, in order, and the name of the stream that it opened, if it opened one."""

    bodies: list[Any] = field(default_factory=list)
    opened: str | None = None


class Stream:
    """Both directions of one stream to one peer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._kept: deque[tuple[int, Any, int]] = deque()  # seq, body, bytes
        self._kept_bytes = 0
        self.sent = 0  # the highest seq that was given out
        self._had = 0  # the highest seq up to which all of the other's have arrived
        self._ahead: dict[int, Any] = {}
        self._wait = RESEND
        self._resend_at: float | None = None
        self._ack_at: float | None = None
        self._paused = False

    @property
    def unacknowledged(self) -> list[Any]:
        """The bodies that the other has not acknowledged, oldest first."""
        return self.unacknowledged_after(0)

    def unacknowledged_after(self, seq: int) -> list[Any]:
        return [body for number, body, _ in self._kept if number > seq]

    @property
    def due_at(self) -> float | None:
        """When `due` has something to say next, if nothing happens before."""
        times = [at for at in (self._ack_at, None if self._paused else self._resend_at) if at is not None]
        return min(times, default=None)

    def send(self, body: Any, *, now: float) -> dict:
        """
        The message that carries this body; it is kept until it is acknowledged.

        Raises:
            Full: too much is kept already; nothing has changed.
        """
        size = size_of(body)
        if len(self._kept) >= KEPT_MOST or self._kept_bytes + size > KEPT_BYTES_MOST:
            raise Full
        self.sent += 1
        self._kept.append((self.sent, body, size))
        self._kept_bytes += size
        if self._resend_at is None:
            self._start_timer(now)
        return self._signal(self.sent, body)

    def receive(self, message: dict, *, now: float) -> list[Any]:
        """The bodies that are next, in order, now that this `signal` or `ack` has come."""
        self._take_ack(message.get("ack"), now)
        seq = message.get("seq")
        if message.get("type") != "signal" or not _is_number(seq, least=1):
            return []
        if self._ack_at is None:
            self._ack_at = now + ACK_AFTER
        if self._had < seq <= self._had + 1 + AHEAD_MOST:
            self._ahead.setdefault(seq, message.get("body"))
        return self._next()

    def due(self, *, now: float) -> list[dict]:
        """What must be sent now: everything that is not acknowledged when its timer has run out, else an `ack` that is owed."""
        if not self._paused and self._resend_at is not None and now >= self._resend_at:
            self._restart_timer(now)
            return [self._signal(seq, body) for seq, body, _ in self._kept]
        if self._ack_at is not None and now >= self._ack_at:
            self._ack_at = None
            return [{"type": "ack", "stream": self.name, "ack": self._had}]
        return []

    def pause(self) -> None:
        """The other is away: nothing is sent again until `hurry`."""
        self._paused = True

    def hurry(self, *, now: float) -> None:
        """One of us is back: what is not acknowledged is due at once."""
        self._paused = False
        if self._kept:
            self._wait, self._resend_at = RESEND, now

    def _next(self) -> list[Any]:
        bodies = []
        while self._had + 1 in self._ahead:
            self._had += 1
            bodies.append(self._ahead.pop(self._had))
        return bodies

    def _take_ack(self, ack: Any, now: float) -> None:
        # An acknowledgement of what was never sent is a lie or belongs elsewhere; what is kept stays.
        if not _is_number(ack, least=0) or ack > self.sent or not self._kept or ack < self._kept[0][0]:
            return
        while self._kept and self._kept[0][0] <= ack:
            self._kept_bytes -= self._kept.popleft()[2]
        self._resend_at = None
        if self._kept:
            self._start_timer(now)

    def _start_timer(self, now: float) -> None:
        self._wait = RESEND
        self._restart_timer(now)

    def _restart_timer(self, now: float) -> None:
        self._resend_at = now + self._wait
        self._wait = min(2 * self._wait, RESEND_MOST)

    def _signal(self, seq: int, body: Any) -> dict:
        self._ack_at = None
        return {"type": "signal", "stream": self.name, "seq": seq, "ack": self._had, "body": body}


class Pace:
    """So many at once, and so many a second after that: a token bucket that belongs to one socket."""

    def __init__(self, *, at_once: float, a_second: float, now: float) -> None:
        self._most, self._a_second = at_once, a_second
        self._left, self._at = at_once, now

    def wait(self, *, now: float) -> float:
        """Seconds until `take` would succeed."""
        self._fill(now)
        return max(0.0, (1 - self._left) / self._a_second)

    def take(self, *, now: float) -> bool:
        """Whether one more may go now; it is counted if so."""
        self._fill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _fill(self, now: float) -> None:
        self._left = min(self._most, self._left + (now - self._at) * self._a_second)
        self._at = now


class _Pair:
    """What opener and answerer have in common: one stream, and the memory of those that have ended."""

    def __init__(self) -> None:
        self.stream: Stream | None = None
        self._ended: set[str] = set()
        self._away = False

    @property
    def due_at(self) -> float | None:
        return self.stream.due_at if self.stream else None

    def due(self, *, now: float) -> list[dict]:
        return self.stream.due(now=now) if self.stream else []

    def pause(self) -> None:
        self._away = True
        if self.stream:
            self.stream.pause()

    def hurry(self, *, now: float) -> None:
        self._away = False
        if self.stream:
            self.stream.hurry(now=now)

    def _begin(self, name: str) -> Stream:
        if self.stream:
            self._ended.add(self.stream.name)
        self.stream = Stream(name)
        if self._away:
            self.stream.pause()
        return self.stream


class Opener(_Pair):
    """Our side towards a peer that is earlier than we are: we open the streams, and `draw` makes their names, each a new one."""

    opens = True

    def __init__(self, *, draw: Callable[[], str]) -> None:
        super().__init__()
        self._draw = draw

    def open(self) -> str:
        """The name of a new stream; the one before it has ended, and what was not acknowledged on it is gone."""
        return self._begin(self._draw()).name

    def renew(self) -> None:
        """The other may have forgotten our stream: the next body opens a new one."""
        self.stream = None

    def send(self, body: Any, *, now: float) -> list[dict]:
        """
        What to send for this body; the first one opens a stream.

        Raises:
            Full: too much is kept for this peer.
        """
        if not self.stream:
            self.open()
        return [self.stream.send(body, now=now)]

    def receive(self, message: dict, *, now: float) -> Received:
        if not self.stream or message.get("stream") != self.stream.name:
            return Received()
        return Received(self.stream.receive(message, now=now))


class Answerer(_Pair):
    """
    Our side towards a peer that is later than we are: we answer on the stream that it opened last.

    That one goes on until the opener has opened another, whatever has happened: only the opener knows whether it has noticed.
    """

    opens = False

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Any] = []  # bodies for the first stream, which is not there yet
        self._waiting_bytes = 0
        self._renewed_at: int | None = None  # how much had been sent on this stream then

    def renew(self) -> None:
        """The other may have forgotten our stream: what we say from now on goes on the one that it opens next, if it has."""
        if self.stream:
            self._renewed_at = self.stream.sent

    def send(self, body: Any, *, now: float) -> list[dict]:
        """
        What to send for this body: nothing before the other has opened a stream.

        Raises:
            Full: too much is kept for this peer.
        """
        if self.stream:
            return [self.stream.send(body, now=now)]
        size = size_of(body)
        if len(self._waiting) >= KEPT_MOST or self._waiting_bytes + size > KEPT_BYTES_MOST:
            raise Full
        self._waiting.append(body)
        self._waiting_bytes += size
        return []

    def receive(self, message: dict, *, now: float) -> Received:
        name = message.get("stream")
        if not isinstance(name, str) or name in self._ended:
            return Received()
        opened = None
        if not self.stream or name != self.stream.name:
            if message.get("type") != "signal":  # an ack of nothing opens nothing
                return Received()
            opened = name
            self._open(name, now)
        return Received(self.stream.receive(message, now=now), opened)

    def _open(self, name: str, now: float) -> None:
        if self._renewed_at is not None:
            self._waiting = self.stream.unacknowledged_after(self._renewed_at)
        stream = self._begin(name)
        for body in self._waiting:
            stream.send(body, now=now)
        self._waiting, self._waiting_bytes, self._renewed_at = [], 0, None
        if not self._away:
            stream.hurry(now=now)


def size_of(body: Any) -> int:
    """Bytes of a body as compact JSON in UTF-8."""
    return len(to_json(body).encode())


def to_json(value: Any) -> str:
    """
    Compact JSON, as it goes over the wire.

    Raises:
        TypeError, ValueError: the value cannot be said in JSON.
    """
    return _encode(value)


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode  # made once, not for each message


def _is_number(value: Any, *, least: int) -> bool:
    return type(value) is int and least <= value <= NUMBER_MOST
