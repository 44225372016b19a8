"""Those who call each other while things break, and count what arrives; and the stranger who must never get in."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import count

import websockets

from signaling.client import Client, Times
from signaling.events import Body, Down, Event, Joined, Left, Opened, Renewed
from tests.signaling.socket_client import Client as Socket

SECONDS = 30  # until a test gives up; nothing takes that long when all is well
QUICK = Times(ping=1, dead=6, connect=10, backoff=(0.05, 0.1, 0.2, 0.4))


class Person:
    """
    Says numbered things to whoever is in the room, and counts what it hears. `pause`: how many seconds it waits at most between two.

    Who begins anew with somebody, because the server had forgotten one of them, says it all again from 1, in a new round.
    """

    def __init__(
        self,
        url: str,
        code: str,
        chance: random.Random,
        *,
        says: int = 10,
        pause: float = 0.12,
        times: Times = QUICK,
        **options,
    ) -> None:
        self.client = Client(url, code=code, times=times, jitter=chance.random, **options)
        self.events: list[Event] = []
        self.most_others = 0
        self._chance = chance
        self._says = says
        self._pause = pause
        self._rounds = count(1)
        self._heard: dict[tuple[str, int], list[int]] = defaultdict(list)  # numbers, by peer and its round
        self._others: dict[str, list] = defaultdict(list)  # bodies that are no such numbers, by peer
        self._talks: dict[str, asyncio.Task] = {}
        self.may_speak = asyncio.Event()
        self.may_speak.set()
        self._stirred = asyncio.Event()

    async def join(self) -> None:
        """Comes in, however often it is sent away before."""
        await self.client.__aenter__()
        self._refusals = self.client._events.qsize()
        self._reading = asyncio.create_task(self._read())
        for peer in self.client.members:
            self._talk_to(peer)

    async def leave(self) -> None:
        await self.client.leave()
        await self.stop()

    async def vanish(self) -> None:
        """The network is gone, and will not be back."""
        if self.client.socket:
            self.client.socket.transport.abort()
        await self.client._end()
        await self.stop()

    async def stop(self) -> None:
        await self._reading
        for task in self._talks.values():
            task.cancel()
        await asyncio.gather(*self._talks.values(), return_exceptions=True)

    @property
    def peer(self) -> str:
        return self.client.peer

    @property
    def drops(self) -> list[Down]:
        """What became of sockets on which we were in."""
        return self.told(Down)[self._refusals :]

    def told(self, *kinds: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    def rounds_from(self, peer: str) -> list[list[int]]:
        """What this peer has said, round by round, in the order in which it came."""
        return [heard for (sender, _), heard in self._heard.items() if sender == peer]

    def heard_from(self, peer: str) -> list[int]:
        """The numbers of the newest round."""
        return self.rounds_from(peer)[-1] if self.rounds_from(peer) else []

    def others_from(self, peer: str) -> list:
        """What it has sent besides."""
        return self._others[peer]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits for something that comes with an event."""
        try:
            async with asyncio.timeout(SECONDS):
                while not is_so():
                    self._stirred.clear()
                    await self._stirred.wait()
        except TimeoutError:
            raise AssertionError(f"{self.peer} waits in vain; all that it was told: {self.events}") from None

    async def hears_all_of(self, peer: str) -> None:
        await self.until(lambda: self.heard_from(peer)[-1:] == [self._says])

    async def _read(self) -> None:
        async for event in self.client:
            self.events.append(event)
            self._take(event)
            self.most_others = max(self.most_others, len(self.client.members))
            self._stirred.set()

    def _take(self, event: Event) -> None:
        match event:
            case Body(peer, {"round": number, "says": said}):
                self._heard[peer, number].append(said)
            case Body(peer, body):
                self._others[peer].append(body)
            case Renewed():
                for peer in self.client.members:
                    self._talk_to(peer)
            case Joined(member):
                self._talk_to(member.peer)
            case Opened(peer):
                self._talk(peer)

    def _talk_to(self, peer: str) -> None:
        """The earlier one waits for a stream."""
        if peer in self.client.members and self.client.opens(peer):
            self._talk(peer)

    def _talk(self, peer: str) -> None:
        if peer in self._talks:
            self._talks[peer].cancel()
        self._talks[peer] = asyncio.create_task(self._say_all(peer, next(self._rounds)))

    async def _say_all(self, peer: str, number: int) -> None:
        await self.may_speak.wait()
        for said in range(1, self._says + 1):
            await self.client.send(peer, {"round": number, "says": said})
            await asyncio.sleep(self._chance.random() * self._pause)


AT_ONCE = 20  # pairs that negotiate at the same time


class Pair:
    """Two in one room for two; the second comes in by `to`, if there is one."""

    def __init__(self, url: str, code: str, chance: random.Random, *, to: str = "", **options) -> None:
        self.code = code
        self.alice, self.bob = (Person(door, code, chance, **options) for door in (url, to or url))

    def __iter__(self):
        return iter((self.alice, self.bob))

    async def meet(self) -> None:
        await self.alice.join()
        await self.bob.join()

    @property
    def is_complete(self) -> bool:
        return all(one.heard_from(other.peer)[-1:] == [other._says] for one, other in self._ways)

    async def complete(self) -> None:
        """Both have heard all that the other says."""
        await asyncio.gather(*(one.hears_all_of(other.peer) for one, other in self._ways))

    @property
    def _ways(self) -> tuple[tuple[Person, Person], ...]:
        return (self.alice, self.bob), (self.bob, self.alice)

    async def leave(self) -> None:
        await asyncio.gather(*(one.leave() for one in self))

    def check(self, *, anew: bool = False) -> None:
        """
        All has arrived, once and in order, and nobody was taken for lost. `anew`: the servers may have forgotten who they were; then
        what was said before may have holes, but no repetitions.
        """
        for one, other in self._ways:
            said = list(range(1, one._says + 1))
            *before, last = one.rounds_from(other.peer)
            assert last == said
            assert all(heard == sorted(set(heard)) for heard in before)
            assert one.most_others <= 1
            if not anew:
                assert not before
                assert one.told(Renewed, Left) == []


class Stranger:
    """Charlie, who keeps trying to get into rooms that are full; as an async context manager, at the end of which he never got in."""

    def __init__(self, url: str, pairs: Iterable[Pair], chance: random.Random) -> None:
        self.answers: dict[str, list[str]] = {pair.code: [] for pair in pairs}
        self._url, self._chance = url, chance

    async def __aenter__(self) -> "Stranger":
        self._tasks = [asyncio.create_task(self._try(code)) for code in self.answers]
        return self

    async def __aexit__(self, kind, *_) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(result, asyncio.CancelledError):
                raise result
        if not kind:
            assert not {code: got for code, got in self.answers.items() if "welcome" in got}

    async def is_told_that_all_are_full(self) -> None:
        """From now on, once for each room."""
        before = {code: len(got) for code, got in self.answers.items()}
        async with asyncio.timeout(SECONDS):
            while not all("room-full" in got[before[code] :] for code, got in self.answers.items()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _try(self, code: str) -> None:
        while True:
            self.answers[code].append(await knock(self._url, code))
            await asyncio.sleep(0.2 + self._chance.random() / 2)


async def knock(url: str, code: str) -> str:
    """`welcome`, or the code of the error, or `cut off`; whoever is let in leaves at once."""
    try:
        async with await Socket.open(url) as client:
            await client.send("hello", code=code)
            message = await client.hear()
            return message["type"] if message["type"] == "welcome" else message["code"]
    except (OSError, websockets.WebSocketException, TimeoutError):
        return "cut off"


def batches(pairs: int) -> Iterator[range]:
    """Numbers for so many pairs, as many as may negotiate at once in each."""
    for start in range(0, pairs, AT_ONCE):
        yield range(start, min(start + AT_ONCE, pairs))


async def meet_all(pairs: list[Pair]) -> None:
    """Nobody speaks before all are there: some may be sent away at first."""
    people = [one for pair in pairs for one in pair]
    for one in people:
        one.may_speak.clear()
    await asyncio.gather(*(pair.meet() for pair in pairs))
    for one in people:
        one.may_speak.set()


async def are_under_way(pairs: list[Pair], chance: random.Random) -> None:
    """
    Until one of the pairs has come as far as chance will have it, but not to the end: so whatever breaks next breaks in the middle of
    what most of them say, on a slow machine too.
    """
    one, other = chance.choice(pairs)._ways[chance.randrange(2)]
    some = chance.randrange(one._says - 3)
    await one.until(lambda: one.heard_from(other.peer)[-1:] >= [some])
    unfinished = sum(not pair.is_complete for pair in pairs)
    print(f"{unfinished} of {len(pairs)} pairs are under way")
    assert unfinished > len(pairs) / 2


async def complete_all(pairs: Iterable[Pair]) -> None:
    await asyncio.gather(*(pair.complete() for pair in pairs))


async def part_all(pairs: Iterable[Pair]) -> None:
    await asyncio.gather(*(pair.leave() for pair in pairs))
