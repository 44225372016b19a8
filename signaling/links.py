"""
The way from this node to the others through one Redis host.

Each process has one name there, and what gathers for a node for some milliseconds goes as one message: the price of Redis is shared by
all that wait, and an idle system waits for nothing. Redis may hang or be away. Then parcels grow old and are dropped, because the two
ends of a call send again what was not acknowledged (docs/protocol.md section 7).
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
from redis.exceptions import RedisError

from signaling.tally import Tally
from signaling.wire import Wire

logger = logging.getLogger(__name__)

_MOST_WAITING = 1024 * 1024  # characters for one node
_MOST_AT_ONCE = 256 * 1024  # characters in one message
_TOO_OLD = 2.0  # seconds
_PAUSE = 0.02  # seconds between two messages, in which more gathers; after a pause nobody waits
_RETRY = 0.5  # seconds
_SETTLE = 2 * _RETRY  # in which other nodes have tried again as well
AWAY = (RedisError, OSError, TimeoutError)

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[str]).decode


class Parcel(NamedTuple):
    """A text for one peer, or news of a room when `peer` is empty."""

    room: str
    peer: str
    text: str


class Link:
    """
    One node's name at one Redis host, and what is on its way to others. Nothing but `serve` waits.

    `deliver` is called with each parcel that arrives. `test_every` is how often the link sends itself something, `patience` how long
    it may go without hearing that before it counts as down; in seconds. What it sends itself takes the way of all messages, so how long
    that took is the delay between two nodes.
    """

    def __init__(
        self,
        url: str,
        deliver: Callable[[Parcel], None],
        *,
        test_every: float = 5.0,
        patience: float = 10.0,
        tally: Tally | None = None,
    ) -> None:
        self.address = f"node.{secrets.token_hex(12)}"
        self._deliver = deliver
        self._test_every = test_every
        self._patience = patience
        self.tally = tally or Tally()
        self._wire = Wire(url, self.address, hear=self._hear, stands=self._stand, can_write=self._flush)
        self._waiting: dict[str, _Waiting] = {}
        self._flushed_at = self._heard_at = self._stands_since = -float("inf")
        self._is_flush_due = False
        self._came_back = asyncio.Event()
        self._complained = False

    @property
    def is_up(self) -> bool:
        """Whether something that was sent to ourselves has come back lately."""
        return time.monotonic() - self._heard_at < self._patience

    @property
    def waiting(self) -> int:
        """How much waits for other nodes, in characters."""
        return sum(waiting.size for waiting in self._waiting.values())

    @property
    def settles_in(self) -> float:
        """Seconds until other nodes, which lost the host at the same moment, hear us again."""
        return max(0.0, self._stands_since + _SETTLE - time.monotonic()) if self._wire.takes else _SETTLE

    async def is_proven(self) -> None:
        """Returns once something has come back for the first time."""
        await self._came_back.wait()

    def post(self, address: str, parcel: Parcel) -> None:
        """Sends this after what was posted before, at once or with what gathers; dropped when too much waits already."""
        waiting = self._waiting.get(address)
        if waiting is None:
            waiting = self._waiting[address] = _Waiting()
        if not waiting.add(parcel):
            self.tally.dropped += 1
        if not self._is_flush_due:
            self._is_flush_due = True
            loop = asyncio.get_running_loop()
            pause = self._flushed_at + _PAUSE - time.monotonic()
            if pause > 0:
                loop.call_later(pause, self._flush)
            else:
                loop.call_soon(self._flush)

    async def serve(self) -> None:
        """Keeps the wire up; to be run until it is cancelled."""
        while True:
            try:
                await self._wire.open()
                await self._watch()
            except AWAY as error:
                self._complain(error)
            finally:
                await self._wire.close()
            await asyncio.sleep(_RETRY)

    async def _watch(self) -> None:
        """Returns when the wire has ended, or is as good as that: a host that is gone may leave its sockets open for ever."""
        opened_at = time.monotonic()
        while not await self._wire.has_ended(within=self._test_every):
            if time.monotonic() - max(self._heard_at, opened_at) > self._patience:
                break
            self._test()
        self._complain("it does not answer")

    def _stand(self) -> None:
        self._stands_since = time.monotonic()
        self._test()

    def _test(self) -> None:
        self.post(self.address, Parcel("", "", str(time.monotonic())))

    def _hear(self, payload: bytes) -> None:
        self._heard_at = time.monotonic()
        self._came_back.set()
        self._complained = False
        parts = iter(_unpack(payload))
        for room, peer, text in zip(parts, parts, parts, strict=True):
            if not room:
                self.tally.delays.add(self._heard_at - float(text))  # our own test
                continue
            try:
                self._deliver(Parcel(room, peer, text))
            except Exception:
                logger.exception("what another node sent could not be delivered")

    def _flush(self) -> None:
        """Sends what has gathered; what the wire does not take stays until it does, or grows too old."""
        self._is_flush_due = False
        while self._waiting and self._wire.takes:
            self._flushed_at = time.monotonic()
            self._wire.publish(list(self._take()))

    def _take(self) -> Iterator[tuple[str, bytes]]:
        """One message to each node at most, so that no node waits for a busier one."""
        for address, waiting in list(self._waiting.items()):
            flat, dropped = waiting.take()
            self.tally.dropped += dropped
            if waiting.is_empty:
                del self._waiting[address]
            if flat:
                yield address, _pack(flat)

    def _complain(self, error: object) -> None:
        """Once for each time that it is away."""
        if not self._complained:
            self._complained = True
            logger.warning("a Redis host cannot be reached: %s", error)


class _Waiting:
    """What waits for one node, oldest first."""

    def __init__(self) -> None:
        self._parcels: deque[tuple[float, Parcel]] = deque()
        self.size = 0

    @property
    def is_empty(self) -> bool:
        return not self._parcels

    def add(self, parcel: Parcel) -> bool:
        """False when too much waits already."""
        if self.size + len(parcel.text) > _MOST_WAITING:
            return False
        self.size += len(parcel.text)
        self._parcels.append((time.monotonic(), parcel))
        return True

    def take(self) -> tuple[list[str], int]:
        """What goes with the next message, flat, and how many parcels were dropped because they have waited for too long."""
        flat: list[str] = []
        dropped = 0
        size, oldest = 0, time.monotonic() - _TOO_OLD
        while self._parcels and size + len(self._parcels[0][1].text) <= _MOST_AT_ONCE:
            since, parcel = self._parcels.popleft()
            self.size -= len(parcel.text)
            if since < oldest:
                dropped += 1
                continue
            size += len(parcel.text)
            flat.extend(parcel)
        return flat, dropped
