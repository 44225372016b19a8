"""Whether somebody who stops reading delays those who are in the room with them."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from time import perf_counter

import msgspec

from bench.clients import Client, GruveoClient, Pulse
from bench.crowd import Crowd, Window
from bench.measures import Size
from bench.systems import ORIGIN, SYSTEMS, Running

ROOMS = 5
RATE = 100  # messages a second that are measured, in all
LARGE = 60_000  # bytes of a message to the third of a room
_LARGE_EVERY = 0.1  # seconds, from each of the two, as the server's limit of bytes lets them for a while
_SETTLE_SECONDS = 0.3


class _Talker(GruveoClient):
    """One of two that are measured; `missed` are those of the room who went away."""

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.missed: set[str] = set()

    def hear(self, text: bytes) -> None:
        message = msgspec.json.decode(text)
        if message["type"] == "away":
            self.missed.add(message["peer"])
        elif message["type"] != "joined" or not self.other:  # the partner comes first, and stays
            super().hear(text)


class _Third(GruveoClient):
    """Who is sent much and answers nothing."""

    def hear(self, text: bytes) -> None:
        if b'"welcome"' in text[:40]:
            super().hear(text)

    def turn_deaf(self) -> None:
        self.transport.underlying_transport.pause_reading()


@dataclass
class Deafness:
    """Windows in turns: the third of each room reads, or has stopped to; `cut_off` is how many of the deaf were, of all."""

    reading: list[Window] = field(default_factory=list)
    deaf: list[Window] = field(default_factory=list)
    cut_off: int = 0
    of: int = 0


def seconds(size: Size) -> float:
    """How long a window is: long enough to say more to the deaf than anybody keeps for them."""
    return 2 * size.turn_seconds


async def measure(pulse: Pulse, size: Size, *, say: Callable[[str], None]) -> Deafness:
    """What is sent is the same in both; the first turn is not counted."""
    found = Deafness()
    with ExitStack() as stack:
        running = stack.enter_context(Running(replace(SYSTEMS["gruveo"], client=_Talker), PLACE_SECONDS="1"))
        crowd = Crowd(running, pulse, ROOMS)
        await crowd.fill(RATE)
        await crowd.greet()
        for number in range(size.silences + 1):
            for is_deaf in (False, True) if number % 2 else (True, False):
                window, cut_off = await _window(crowd, pulse, seconds(size), number, is_deaf=is_deaf)
                if number and is_deaf:
                    found.deaf.append(window)
                    found.cut_off, found.of = found.cut_off + cut_off, found.of + ROOMS
                elif number:
                    found.reading.append(window)
            say(f"deaf {number}/{size.silences}")
        await crowd.empty()
    return found


async def _window(crowd: Crowd, pulse: Pulse, seconds: float, number: int, *, is_deaf: bool) -> tuple[Window, int]:
    """Also answers how many of the third ones were cut off meanwhile."""
    thirds = [_Third(earlier.room, crowd.tally, pulse) for earlier, _ in crowd.rooms]
    for third in thirds:
        await third.join(crowd.running.url(0), ORIGIN)
        if is_deaf:
            third.turn_deaf()
    await asyncio.sleep(_SETTLE_SECONDS)
    flood = asyncio.create_task(_flood(crowd.rooms, thirds, seconds))
    window = await crowd.run(rate=RATE, seconds=seconds, seed=number)
    await flood
    await asyncio.sleep(_SETTLE_SECONDS)
    crowd.tally.check()
    missed = sum(third.peer in earlier.missed for third, (earlier, _) in zip(thirds, crowd.rooms, strict=True))
    for third in thirds:
        third.is_leaving = True
        if third.transport:
            third.transport.disconnect(graceful=False)
    return window, missed


async def _flood(rooms: list[tuple[Client, Client]], thirds: list[_Third], seconds: float) -> None:
    """Both of each room send to its third."""
    body = b'"%b"' % (b"x" * LARGE)
    begin, sent = perf_counter(), 0
    while (now := perf_counter() - begin) < seconds:
        if now < sent * _LARGE_EVERY:
            await asyncio.sleep(0.005)
            continue
        sent += 1
        for room, third in zip(rooms, thirds, strict=True):
            for talker in room:
                if third.peer in talker.missed:
                    continue  # cut off, and soon no member any more
                to, stream = third.peer.encode(), talker.stream.encode()
                talker.say(b'{"type":"signal","to":"%b","stream":"%b","seq":%d,"body":%b}' % (to, stream, sent, body))
