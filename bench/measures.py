"""What is measured, and in which order: systems take turns, so that what disturbs the machine disturbs all of them alike."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise

from bench.clients import Pulse
from bench.crowd import Crowd, Window
from bench.systems import Running, System

_SETTLE_SECONDS = 0.3  # what a join still costs after its answer
JOIN_WINDOWS = 2  # in a turn, with those of all others between them: joins vary more than messages do
AFTERMATH_SECONDS = 4.0  # for clearing away who has left, which is no part of what the first in turn says
_REST_SECONDS = 2.0  # before memory is read
_MEMORY_STEPS = 7
_WARMING_TURNS = 3
_WARMING = 50  # sockets before memory is read for the first time; what they leave behind is small
_MESSAGES_EACH = 10  # said and heard by each socket before its memory is read


@dataclass(frozen=True)
class Size:
    """
    How much is measured. `rounds` of 9 give an interval that sets aside the least and the greatest; where a round is short, there are
    `turns` of `turn_seconds`: a shared machine is quick at one second and slow at the next, and only many short ones see both for all.
    """

    rounds: int = 9
    seconds: float = 8.0
    silences: int = 21  # rounds beside the deaf
    turns: int = 35
    turn_seconds: float = 3.0
    rooms: int = 100
    joins: int = 160
    idle: int = 1000
    idle_channels: int = 300
    comebacks: int = 3
    clients: int = 2000
    verdicts: int = 5
    posts: int = 1000
    pages: int = 300
    readers: int = 200
    saves: int = 10
    growth: tuple[int, ...] = (100, 1000, 5000)
    is_reduced: bool = False


QUICK = Size(
    rounds=3,
    silences=3,
    seconds=2.0,
    turns=3,
    turn_seconds=2.0,
    joins=100,
    idle=200,
    idle_channels=100,
    comebacks=1,
    clients=200,
    verdicts=1,
    pages=100,
    readers=50,
    saves=3,
    growth=(100, 500),
    is_reduced=True,
)


@dataclass(frozen=True)
class Contest:
    """Systems that are measured in turns, at the same rates for all; rates a second, chosen so that nobody is near one processor."""

    name: str
    title: str
    systems: tuple[str, ...]
    rate: float = 1500
    join_rate: float = 100


CONTESTS = {
    contest.name: contest
    for contest in (
        Contest("one", "One node", ("gruveo", "ws", "ws-large", "gruveo-sansio", "peerjs")),
        Contest(
            "two",
            "Two nodes, the two of a room at different ones",
            ("gruveo-2", "ws-redis", "ws-redis-large", "gruveo-2-sansio", "socketio"),
        ),
        Contest(
            "slow",
            "Two nodes, at a rate that a plain consumer can bear",
            ("gruveo-2", "channels", "channels-large", "gruveo-2-sansio"),
            rate=700,  # where it takes half a processor on a quick machine, and all of it on one that is half as quick
        ),
    )
}


@dataclass
class Taken:
    """What a contest has shown: for each system one figure of each round."""

    windows: dict[str, list[Window]] = field(default_factory=lambda: defaultdict(list))
    joins: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # µs CPU
    resident: dict[str, int] = field(default_factory=dict)  # KiB of all its processes, at the end

    def last(self) -> str:
        """The last round in one line, for whoever waits."""
        return ", ".join(
            f"{name} {windows[-1].cpu:.0f} µs a message, {self.joins[name][-1]:.0f} a join"
            for name, windows in sorted(self.windows.items())
        )


async def contest(
    contest: Contest, systems: Iterable[System], pulse: Pulse, size: Size, say: Callable[[str], None]
) -> Taken:
    """Some turns more than asked for: the first ones warm up, which takes V8 longest, and are not counted."""
    taken = Taken()
    with ExitStack() as stack:
        crowds = [Crowd(stack.enter_context(Running(system)), pulse, size.rooms) for system in systems]
        for crowd in crowds:
            await crowd.fill(contest.join_rate)
            await crowd.greet()
        warm = Taken()
        for number in range(1 - _WARMING_TURNS, size.turns + 1):
            into = taken if number > 0 else warm
            turns = crowds if number % 2 else crowds[::-1]
            for crowd in turns:
                window = await crowd.run(rate=contest.rate, seconds=size.turn_seconds, seed=number)
                into.windows[crowd.running.system.name].append(window)
            for crowd in turns * JOIN_WINDOWS:
                join = await join_cost(crowd.running, pulse, size.joins, contest.join_rate)
                into.joins[crowd.running.system.name].append(join)
            await asyncio.sleep(AFTERMATH_SECONDS)
            say(f"{contest.name} {number}/{size.turns}: {into.last()}")
        for crowd in crowds:
            taken.resident[crowd.running.system.name] = crowd.running.resident()
            await crowd.empty()
    return taken


async def join_cost(running: Running, pulse: Pulse, joins: int, rate: float) -> float:
    """µs CPU from the connect to the answer, and to the other's hearing of it."""
    crowd = Crowd(running, pulse, joins // 2)
    before = running.cpu()
    await crowd.fill(rate)
    await asyncio.sleep(_SETTLE_SECONDS)
    cpu = running.cpu() - before
    await crowd.empty()
    return cpu / joins * 1e6


async def memory(system: System, pulse: Pulse, *, sockets: int, join_rate: float) -> list[float]:
    """KiB for each idle joined socket, seven times: each time so many more on the same nodes, after a few that came and went."""
    with Running(system) as running:
        await warm_up(running, pulse, join_rate)
        crowds = [Crowd(running, pulse, sockets // 2) for _ in range(_MEMORY_STEPS)]
        levels = [await level(running)]
        for crowd in crowds:
            await talk(crowd, join_rate)
            levels.append(await level(running))
        for crowd in crowds:
            await crowd.empty()
    return [(after - before) / sockets for before, after in pairwise(levels)]


async def warm_up(running: Running, pulse: Pulse, join_rate: float) -> None:
    """A few come and go, so that what they leave behind is there before memory is read."""
    crowd = Crowd(running, pulse, _WARMING // 2)
    await talk(crowd, join_rate)
    await crowd.empty()


async def talk(crowd: Crowd, join_rate: float) -> None:
    """All join, say their messages and hear those of the others."""
    await crowd.fill(join_rate)
    await crowd.greet(_MESSAGES_EACH)


async def level(running: Running) -> int:
    """KiB that its processes hold at rest."""
    await asyncio.sleep(_REST_SECONDS)
    return running.resident()
