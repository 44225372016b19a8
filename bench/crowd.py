"""Rooms of two on a running system: filled at a fixed rate, made to talk by a schedule, counted, and emptied."""

import asyncio
import secrets
from dataclasses import dataclass
from time import perf_counter

from bench import schedule
from bench.clients import Client, Miscount, Pulse, Tally
from bench.ratios import percentile
from bench.systems import ORIGIN, Running

_LOST_SECONDS = 30  # what has not arrived by then is lost
_TAIL_SECONDS = 0.4  # the last acknowledgements of a window belong to it
_AT_ONCE = 100


@dataclass(frozen=True)
class Window:
    """What was measured while a schedule ran."""

    messages: int
    acks: int
    cpu: float  # µs for each message
    seconds: float
    busy: float  # share of one processor that all server processes took
    waited: float  # share of the time in which server processes wanted the processor and did not have it
    p50: float  # ms
    p99: float


class Crowd:
    """`rooms` rooms; the earlier one of each is at the first node, the later one at the last."""

    def __init__(self, running: Running, pulse: Pulse, rooms: int) -> None:
        self.running = running
        self.tally = Tally()
        self.rooms = [self._pair(pulse) for _ in range(rooms)]

    def _pair(self, pulse: Pulse) -> tuple[Client, Client]:
        name = secrets.token_hex(8)
        make = self.running.system.client
        earlier, later = make(name, self.tally, pulse), make(name, self.tally, pulse)
        earlier.partner, later.partner = later, earlier
        return earlier, later

    async def fill(self, rate: float) -> None:
        """All join, at so many joins a second at most, and the later one of a room after the earlier one."""
        begin = perf_counter()
        limit = asyncio.Semaphore(_AT_ONCE)

        async def enter(number: int, room: tuple[Client, Client]) -> None:
            await asyncio.sleep(max(0, begin + 2 * number / rate - perf_counter()))
            async with limit:
                for client, node in zip(room, (0, -1), strict=True):
                    await client.join(self.running.url(node), ORIGIN)

        await asyncio.gather(*(enter(number, room) for number, room in enumerate(self.rooms)))
        self.tally.check()

    async def greet(self, times: int = 1) -> None:
        """Both of each room say something and are heard, `times` times; some rooms at once, so that no server is flooded."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def talk(earlier: Client, later: Client) -> None:
            async with limit:
                for _ in range(times):
                    for sender, receiver in ((later, earlier), (earlier, later)):
                        sender.signal()
                        await self._until(lambda receiver=receiver: not receiver.on_the_way)

        await asyncio.gather(*(talk(*room) for room in self.rooms))
        self.tally.check()

    async def run(self, *, rate: float, seconds: float, seed: int) -> Window:
        """
        The rooms talk, and what that costs is measured.

        Raises:
            Miscount: not everything was delivered once, in order.
        """
        messages = schedule.bursts(len(self.rooms), rate=rate, seconds=seconds, seed=seed)
        self.tally.clear()
        cpu, waited, begin = self.running.cpu(), self.running.waited(), perf_counter()
        for at, room, side in messages:
            if (wait := begin + at - perf_counter()) > 0:
                await asyncio.sleep(wait)
            self.rooms[room][side].signal()
        await self._until(lambda: self.tally.delivered >= len(messages))
        await asyncio.sleep(_TAIL_SECONDS)
        cpu, took = self.running.cpu() - cpu, perf_counter() - begin
        waited = self.running.waited() - waited
        self.tally.check()
        delays = [delay * 1000 for delay in self.tally.delays]
        return Window(
            messages=len(messages),
            acks=self.tally.acks,
            cpu=cpu / len(messages) * 1e6,
            seconds=took,
            busy=cpu / took,
            waited=waited / took,
            p50=percentile(delays, 0.5),
            p99=percentile(delays, 0.99),
        )

    async def empty(self) -> None:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def leave(client: Client) -> None:
            async with limit:
                await client.leave()

        await asyncio.gather(*(leave(client) for room in self.rooms for client in room))

    async def _until(self, is_so) -> None:
        deadline = perf_counter() + _LOST_SECONDS
        while not is_so():
            self.tally.check()
            if perf_counter() > deadline:
                missing = sum(len(client.on_the_way) for room in self.rooms for client in room)
                raise Miscount(f"{self.running.system.title}: {missing} messages have not arrived")
            await asyncio.sleep(0.001)
