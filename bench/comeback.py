"""How long it takes until all are back after `kill -9` of a node."""

import asyncio
from dataclasses import dataclass
from itertools import count
from time import perf_counter

import picows

from bench.clients import Client, Pulse, backoff
from bench.crowd import Crowd
from bench.systems import ORIGIN, Running, System


@dataclass(frozen=True)
class Comeback:
    back: int
    clients: int
    seconds: float  # until the last one was back; or the patience, if some were not


async def measure(system: System, pulse: Pulse, *, clients: int, join_rate: float, patience: float) -> Comeback:
    """
    `clients` rooms of two; the later one of each is at the second node, which is killed. Each connects again to the first one with the
    backoff of docs/protocol.md section 9, and is back when what it says has reached its partner. Ours resumes, the others join again.
    """
    with Running(system) as running:
        crowd = Crowd(running, pulse, clients)
        await crowd.fill(join_rate)
        await crowd.greet()
        running.nodes[-1].kill()
        begin = perf_counter()
        returns = [asyncio.create_task(_return(later, running.url(0))) for _, later in crowd.rooms]
        done, late = await asyncio.wait(returns, timeout=patience)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
            return Comeback(len(done), clients, patience)
        crowd.tally.check()
        return Comeback(clients, clients, max(task.result() for task in done) - begin)


async def _return(client: Client, url: str) -> float:
    """When it was back."""
    await client.lost
    wait = backoff(0)
    for attempt in count(1):
        await asyncio.sleep(wait)
        try:
            await client.join(url, ORIGIN)
            break
        except (OSError, TimeoutError, picows.WSError) as error:
            wait = getattr(error, "retry_after", None) or backoff(attempt)  # the server's wish comes first
            await client.leave()
    client.signal()
    while client.on_the_way or client.partner.on_the_way:  # noqa: ASYNC110 - two thousand events would cost more
        await asyncio.sleep(0.02)
    return perf_counter()
