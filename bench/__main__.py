"""`make bench`: measures all that bench/README.md names, and writes RESULTS.md."""

import argparse
import asyncio
import logging
import os
import resource
import time
from dataclasses import replace

import uvloop

from bench import comeback, credentials, deaf, growth, measures, pages, posts, reading, relay, report, results
from bench.clients import Pulse
from bench.measures import CONTESTS, QUICK, Size
from bench.processes import CLIENTS
from bench.systems import SYSTEMS

_PARTS = (*CONTESTS, "memory", "comeback", "deaf", "growth", "credentials", "relay", "pages", "reading")
_MEMORY = ("gruveo", "gruveo-sansio", "ws", "peerjs", "gruveo-2", "ws-redis", "socketio", "channels")
_COMEBACK = ("gruveo-2", "ws-redis", "socketio", "channels")
_GROWTH = ("gruveo", "gruveo-2")
_JOIN_RATE = 200  # where joins are not what is measured
_SLOW_JOIN_RATE = 100
_PATIENCE_SECONDS = 90


def main() -> None:
    arguments = _arguments()
    logging.basicConfig(level=logging.CRITICAL)  # picows tells of each socket that was cut off, and some are on purpose
    os.sched_setaffinity(0, CLIENTS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the servers inherit it
    size = QUICK if arguments.quick else Size()
    size = replace(size, turns=arguments.turns or size.turns)
    uvloop.run(_run(arguments.only, arguments.systems, size))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a reduced run of a few minutes")
    parser.add_argument("--turns", type=int, help="how many short rounds: with fewer the intervals are wider")
    parser.add_argument(
        "--only", nargs="+", choices=_PARTS, default=_PARTS, help="these parts; the other sections stay"
    )
    parser.add_argument(
        "--systems",
        nargs="+",
        choices=SYSTEMS,
        default=tuple(SYSTEMS),
        help="these systems only; prints, and writes nothing",
    )
    return parser.parse_args()


async def _run(parts: list[str], systems: list[str], size: Size) -> None:
    pulse = Pulse()
    beat = asyncio.create_task(pulse.beat())
    keep = results.write if len(systems) == len(SYSTEMS) else _show
    keep("machine", report.machine())
    for part in parts:
        keep(part, await _measure(part, list(systems), pulse, size))
    beat.cancel()


async def _measure(part: str, systems: list[str], pulse: Pulse, size: Size) -> str:
    match part:
        case "memory":
            found = {name: await _memory(name, pulse, size) for name in _MEMORY if name in systems}
            return report.memory(found, size)
        case "comeback":
            found = {name: await _comebacks(name, pulse, size) for name in _COMEBACK if name in systems}
            return report.comeback(found, size)
        case "deaf":
            return report.deaf(await deaf.measure(pulse, size, say=_say), size)
        case "credentials":
            return report.credentials(credentials.measure(size, say=_say), size)
        case "relay":
            return report.relay(relay.measure(size, say=_say), size)
        case "pages":
            return report.pages(pages.measure(size, say=_say), size)
        case "reading":
            costs = reading.measure(size, say=_say)
            spike = await reading.spike(posts.make(size.posts), readers=size.readers, saves=size.saves)
            return report.reading(costs, spike, size)
        case "growth":
            found = {name: await _growth(name, pulse, size) for name in _GROWTH if name in systems}
            return report.growth(found, size)
        case _:
            contest = CONTESTS[part]
            entered = [SYSTEMS[name] for name in contest.systems if name in systems]
            return report.contest(contest, await measures.contest(contest, entered, pulse, size, _say), size)


async def _memory(name: str, pulse: Pulse, size: Size) -> list[float]:
    sockets = size.idle_channels if name == "channels" else size.idle
    found = await measures.memory(SYSTEMS[name], pulse, sockets=sockets, join_rate=_join_rate(name))
    _say(f"memory {name}: {', '.join(f'{value:.1f}' for value in found)} KiB a socket")
    return found


async def _comebacks(name: str, pulse: Pulse, size: Size) -> list[comeback.Comeback]:
    found = []
    for _ in range(size.comebacks):
        one = await comeback.measure(
            SYSTEMS[name], pulse, clients=size.clients, join_rate=_join_rate(name), patience=_PATIENCE_SECONDS
        )
        _say(f"comeback {name}: {one.back} of {one.clients} after {one.seconds:.1f} s")
        found.append(one)
    return found


async def _growth(name: str, pulse: Pulse, size: Size) -> growth.Growth:
    return await growth.measure(SYSTEMS[name], pulse, size, join_rate=_join_rate(name), say=_say)


def _join_rate(name: str) -> float:
    return _SLOW_JOIN_RATE if name in {"channels", "socketio"} else _JOIN_RATE


def _show(part: str, text: str) -> None:
    print(f"\n{text}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    main()
