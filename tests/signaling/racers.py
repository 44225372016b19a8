"""Processes that all join the same rooms at the same moment, each as a node of its own."""

import asyncio
import random
from multiprocessing import get_context

from redis.asyncio import Redis

from signaling.protocol import ProtocolError
from signaling.rooms import Entry
from signaling.rooms.redis import RedisRooms
from tests.cast import peer_id

_BATCH = 50  # rooms that a process joins at once
_RACERS = 5


def race(redis_socket: str, *, rounds: int, seed: int) -> list[dict[str, set[str] | str]]:
    """
    Three to five processes join each of so many rooms of two. Answers for each room by peer id the others whom it found there, or the
    code of its refusal.
    """
    context = get_context("spawn")
    barrier, answers = context.Barrier(_RACERS), context.Queue()
    racers = [
        context.Process(target=_run, args=(redis_socket, number, rounds, seed, barrier, answers), daemon=True)
        for number in range(_RACERS)
    ]
    for racer in racers:
        racer.start()
    results: list[dict] = [{} for _ in range(rounds)]
    for _ in racers:
        for number, peer, answer in answers.get(timeout=600):
            results[number][peer] = answer
    for racer in racers:
        racer.join()
    return results


def _run(redis_socket: str, racer: int, rounds: int, seed: int, barrier, answers) -> None:
    answers.put(asyncio.run(_race(redis_socket, racer, rounds, seed, barrier)))


async def _race(redis_socket: str, racer: int, rounds: int, seed: int, barrier) -> list:
    chance = random.Random(f"{seed} {racer}")
    takes_part = _who_takes_part(rounds, seed)
    results = []
    async with Redis(unix_socket_path=redis_socket) as client:
        rooms = RedisRooms(client, quarantine=0)
        for start in range(0, rounds, _BATCH):
            mine = [number for number in range(start, min(start + _BATCH, rounds)) if racer in takes_part[number]]
            chance.shuffle(mine)
            barrier.wait(timeout=600)
            results += await asyncio.gather(*(_join(rooms, number, racer) for number in mine))
    return results


def _who_takes_part(rounds: int, seed: int) -> list[list[int]]:
    chance = random.Random(seed)
    return [chance.sample(range(_RACERS), chance.randint(3, _RACERS)) for _ in range(rounds)]


async def _join(rooms: RedisRooms, number: int, racer: int) -> tuple[int, str, set[str] | str]:
    peer = peer_id(f"racer{racer}")
    asked = Entry(f"race {number}", peer, f"request {racer} {number}", f"node {racer}")
    try:
        outcome = await rooms.join(asked, capacity=2)
    except ProtocolError as refusal:
        return number, peer, refusal.code
    return number, peer, {other.peer for other in outcome.room.others(peer)}
