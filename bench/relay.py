"""
What a relayed minute costs: a real coturn between people of whom one is behind it and the other is not, at a fixed rate each way.

On loopback the kernel's work for a packet falls to whoever sends it, so half of it is in the figure: that of what the relay sends.
"""

import os
import secrets
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench.measures import Size
from bench.processes import SERVERS, cpu_of
from tests.coturn import SECRET, Coturn
from tests.turn.allocation import Allocation
from turnauth.credentials import sign

KBIT = 1500  # a second, which each person sends
PAYLOAD = 1200  # bytes, as browsers fill a packet of video
_CALLS = 30
_TICK = 0.01  # seconds
_CHANNEL = 0x4000  # the first there is, RFC 8656 section 12


class Relayed(NamedTuple):
    """`megabits` are those that the relay has sent, both ways; `lost` is the share of them that never came."""

    cpu_us_a_megabit: float
    megabits: float
    lost: float


class _Call:
    """One person with an allocation and one without, as a context manager."""

    def __init__(self, relay: Coturn) -> None:
        self._relay = relay

    def __enter__(self) -> "_Call":
        with ExitStack() as stack:
            self._direct = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self._direct.bind(("127.0.0.1", 0))
            login = sign(secrets.token_hex(8), secret=SECRET, expires=int(time.time()) + 3600)
            self._behind = stack.enter_context(Allocation(self._relay.uri("udp"), *login))
            self._behind.bind_channel(_CHANNEL, self._direct.getsockname())
            self._direct.connect(self._behind.relayed)
            stack.callback(self._behind.socket.settimeout, self._behind.socket.gettimeout())  # to take its leave
            for one in (self._behind.socket, self._direct):
                one.setblocking(False)
            self._framed = struct.pack("!HH", _CHANNEL, PAYLOAD) + bytes(PAYLOAD)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def say(self) -> None:
        """A packet each way."""
        self._behind.socket.send(self._framed)
        self._direct.send(self._framed[4:])

    def hear(self) -> int:
        """How many packets have come, to either."""
        return _drain(self._behind.socket) + _drain(self._direct)


def measure(size: Size, *, say: Callable[[str], None]) -> list[Relayed]:
    """Round by round; the first is not counted."""
    found = []
    with Coturn() as relay, ExitStack() as stack:
        for task in Path(f"/proc/{relay.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), SERVERS)
        calls = [stack.enter_context(_Call(relay)) for _ in range(_CALLS)]
        for number in range(size.rounds + 1):
            one = _round(relay, calls, seconds=size.seconds / 2)
            say(f"relay {number}/{size.rounds}: {one.cpu_us_a_megabit:.0f} µs a megabit, {one.lost:.2%} lost")
            if number:
                found.append(one)
    return found


def _round(relay: Coturn, calls: list[_Call], *, seconds: float) -> Relayed:
    packets = round(seconds * KBIT * 1000 / 8 / PAYLOAD)  # of each person
    said, heard, before, begin = 0, 0, cpu_of(relay.pid), time.perf_counter()
    while said < packets:
        due = min(packets, round((time.perf_counter() - begin) / seconds * packets))
        for _ in range(due - said):
            for call in calls:
                call.say()
        said = due
        heard += sum(call.hear() for call in calls)
        time.sleep(_TICK)
    time.sleep(10 * _TICK)
    heard += sum(call.hear() for call in calls)
    sent = 2 * said * len(calls)
    megabits = sent * PAYLOAD * 8 / 1e6
    return Relayed((cpu_of(relay.pid) - before) * 1e6 / megabits, megabits, 1 - heard / sent)


def _drain(one: socket.socket) -> int:
    heard = 0
    while True:
        try:
            one.recv(2048)
        except BlockingIOError:
            return heard
        heard += 1
