"""How the cost of a message, and the other figures, grow with the number of rooms."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter

from bench.clients import GruveoClient, Pulse
from bench.crowd import Crowd
from bench.measures import AFTERMATH_SECONDS, Size, join_cost, level, talk, warm_up
from bench.systems import Running, System

RATE = 1500  # messages a second in all
JOIN_RATE = 100  # joins a second, while they are measured
_JOIN_EVERY = 3  # turns
_ROUNDS = 3  # in a turn, of half its seconds: what is divided by each other is then measured within a few seconds
_IDLE_SECONDS = 2.0


def _table() -> dict[int, list[float]]:
    return defaultdict(list)


@dataclass
class Growth:
    """For each number of rooms, round by round; µs of processor time unless something else is said."""

    whole: dict[int, list[float]] = field(default_factory=_table)  # a message, and all idle sockets until the next one
    net: dict[int, list[float]] = field(default_factory=_table)  # a message, without them
    idle: dict[int, list[float]] = field(default_factory=_table)  # a second of an idle socket that does not ping
    pinging: dict[int, list[float]] = field(default_factory=_table)  # a second of one that pings, as real ones do
    joins: dict[int, list[float]] = field(default_factory=_table)  # a join beside all the others; of some rounds
    p50: dict[int, list[float]] = field(default_factory=_table)  # ms
    p99: dict[int, list[float]] = field(default_factory=_table)  # ms
    memory: dict[int, list[float]] = field(default_factory=_table)  # KiB of a joined socket that has talked; once


async def measure(system: System, pulse: Pulse, size: Size, *, join_rate: float, say: Callable[[str], None]) -> Growth:
    """
    The same messages a second among more and more rooms, each number on nodes of its own.

    Nobody pings while messages are counted, for the pings of ten thousand sockets would outnumber the messages (the servers are told to be
    patient). What pings cost is measured by itself.
    """
    with ExitStack() as stack:
        crowds = [
            Crowd(stack.enter_context(Running(system, SILENCE_SECONDS="3600")), pulse, rooms) for rooms in size.growth
        ]
        pulse.pings = False
        warm, grown = Growth(), Growth()
        for crowd in crowds:
            await warm_up(crowd.running, pulse, join_rate)
            before = await level(crowd.running)
            await talk(crowd, join_rate)
            grown.memory[len(crowd.rooms)].append((await level(crowd.running) - before) / (2 * len(crowd.rooms)))
        for number in range(size.turns + 1):
            into = grown if number else warm
            turns = crowds if number % 2 else crowds[::-1]
            for part in range(_ROUNDS):
                await _round(turns, size.turn_seconds / 2, number * _ROUNDS + part, into)
                turns = turns[::-1]
            if number % _JOIN_EVERY == 0:
                for crowd in turns:
                    cost = await join_cost(crowd.running, pulse, size.joins, JOIN_RATE)
                    into.joins[len(crowd.rooms)].append(cost)
                await asyncio.sleep(AFTERMATH_SECONDS)
            say(f"growth {number}/{size.turns} {system.name}")
        pulse.pings = True
        await asyncio.sleep(GruveoClient.ping_seconds)
        for crowd in crowds:
            grown.pinging[len(crowd.rooms)] = [await _idle(crowd, GruveoClient.ping_seconds) for _ in range(2)]
        for crowd in crowds:
            await crowd.empty()
    return grown


async def _round(crowds: list[Crowd], seconds: float, number: int, grown: Growth) -> None:
    idles = await asyncio.gather(*(_idle(crowd, _IDLE_SECONDS) for crowd in crowds))
    for crowd, idle in zip(crowds, idles, strict=True):
        rooms = len(crowd.rooms)
        window = await crowd.run(rate=RATE, seconds=seconds, seed=number)
        grown.idle[rooms].append(idle)
        grown.p50[rooms].append(window.p50)
        grown.p99[rooms].append(window.p99)
        silence = idle * 2 * rooms  # µs a second
        net = window.cpu - silence * window.seconds / window.messages
        grown.net[rooms].append(net)
        grown.whole[rooms].append(net + silence / RATE)


async def _idle(crowd: Crowd, seconds: float) -> float:
    """µs of processor time that a socket costs in a second in which nothing is said."""
    cpu, begin = crowd.running.cpu(), perf_counter()
    await asyncio.sleep(seconds)
    cpu = crowd.running.cpu() - cpu
    return cpu / (perf_counter() - begin) / (2 * len(crowd.rooms)) * 1e6
