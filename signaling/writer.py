"""The one task of a client that writes, so that nothing overtakes: what waits, what the streams' timers ask for, how much may be said."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from signaling.others import Others
from signaling.streams import Pace, to_json

# Section 12, with something left for `state`, `lock` and `members`. A server may be set to less: then it says `rate-limited`.
_SIGNALS_AT_ONCE = 150
_SIGNALS_A_SECOND = 40
_UNREPEATED = {"state", "lock", "report"}  # no stream keeps these until they are acknowledged
_UNHELD = {"signal", "ack", "leave"}  # what does not wait in the outbox after `rate-limited`


class Line(Protocol):
    """What a writer asks of whoever has the sockets."""

    socket: ClientConnection | None  # the one that is open and welcome

    @property
    def is_greeting(self) -> bool:
        """Whether another one's `hello` is on its way."""


class Writer:
    """What goes to the server and, where its path or ours is down, to the others by the second one (section 7)."""

    def __init__(self, line: Line, others: Others) -> None:
        self.pace = _new_pace()
        self._line = line
        self._others = others
        self._outbox: deque[dict] = deque()
        self._stirred = asyncio.Event()  # there is something to write, or a new time to wait for
        self._unsure: list[dict] = []  # what has to be said again on the next socket
        self._held_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0

    async def write(self) -> None:
        """Writes for ever; raises only mistakes of our own."""
        while True:
            self._stirred.clear()
            self._ask_timers()
            while message := self._next():
                await self._post(message)
            self.set_alarm()
            await self._stirred.wait()

    def stir(self) -> None:
        self._stirred.set()

    def put(self, message: dict) -> None:
        self._outbox.append(message)
        self.stir()

    def put_for(self, peer: str, messages: Iterable[dict]) -> None:
        for message in messages:
            self.put({**message, "to": peer})

    def put_instead(self, message: dict) -> None:
        """In place of those of its kind that wait."""
        self._outbox = deque(one for one in self._outbox if one["type"] != message["type"])
        self.put(message)

    def begin(self) -> None:
        """A new socket is welcome: what no stream repeats, and the one before may not have taken, is said there."""
        self._held_until = 0.0
        self.pace = _new_pace()
        self._outbox = deque(one for one in (*self._unsure, *self._outbox) if one["type"] in _UNREPEATED)
        self._unsure = []
        self.stir()

    def hold(self, seconds: float) -> None:
        """After `rate-limited` (section 7, rule 7)."""
        self._held_until = time.monotonic() + seconds

    def is_told(self, kind: str) -> None:
        """The `hello` that goes out says all of this kind."""
        self._unsure = [message for message in self._unsure if message["type"] != kind]

    def is_sure(self) -> None:
        """What was said goes on to be heard where it was said."""
        self._unsure = []

    def set_alarm(self) -> None:
        """
        Wakes the writer when the next timer of a stream runs out, or what is held may go.

        An alarm that is too early stays, for waking once in vain is cheaper than a new alarm with each message.
        """
        timers = (pair.due_at for _, pair in self._others.reachable(has_socket=bool(self._line.socket)))
        held = [self._held_until] if self._outbox else []
        due = min((at for at in (*timers, *held) if at is not None), default=None)
        if due is None or (self._alarm and self._alarm_at <= due):
            return
        self.stop_alarm()
        self._alarm_at = due
        self._alarm = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._ring)

    def stop_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def send_by_path(self, peer: str, message: dict) -> None:
        """A data channel raises when it is not open, or full: then this is not sent, and its stream sends it again."""
        text = to_json(message)
        with suppress(Exception):
            self._others.paths[peer](text)

    def _ring(self) -> None:
        self._alarm = None
        self.stir()

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
        for peer, pair in self._others.reachable(has_socket=bool(self._line.socket)):
            self._outbox.extend({**message, "to": peer} for message in pair.due(now=now))

    async def _post(self, message: dict) -> None:
        """
        What can be sent nowhere is dropped: the streams keep what matters, and the list comes with the next `welcome`. What no
        stream keeps is said again there, when the server may have turned to the new socket before it read this on the old one.
        """
        peer, socket = message.get("to"), self._line.socket
        if message["type"] in _UNREPEATED and (self._line.is_greeting or not socket):
            self._unsure.append(message)
        if socket and not (peer and self._others.is_away(peer)):
            if peer and not self._may_go(message, time.monotonic()):
                return
            with suppress(ConnectionClosed):
                await socket.send(to_json(message))
        elif peer in self._others.paths:
            self.send_by_path(peer, {name: value for name, value in message.items() if name != "to"})

    def _may_go(self, message: dict, now: float) -> bool:
        """Who goes on after `rate-limited` is cut off with `flood`; what is not sent now is sent again by its stream."""
        return now >= self._held_until and (message["type"] == "ack" or self.pace.take(now=now))


def _new_pace() -> Pace:
    return Pace(at_once=_SIGNALS_AT_ONCE, a_second=_SIGNALS_A_SECOND, now=time.monotonic())
