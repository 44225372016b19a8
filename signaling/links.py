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

import msgspec
from redis.exceptions import RedisError

from signaling.tally import Tally
from signaling.wire import Wire

logger = logging.getLogger(__name__)

_MOST_WAITING = 1024 * 1024  # bytes for one node
_MOST_AT_ONCE = 256 * 1024  # bytes in one message
_TOO_OLD = 2.0  # seconds
_GATHERING = 0.1  # seconds in which what comes may go in one message, where none can be sent
_PAUSE = 0.02  # seconds between two messages, in which more gathers
_SPARE = 2  # messages that go at once all the same, where few have gone lately
_RETRY = 0.5  # seconds
_SETTLE = 2 * _RETRY  # in which other nodes have tried again as well
AWAY = (RedisError, OSError, TimeoutError)

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list).decode


class Link:
    """
    One node's name at one Redis host, and what is on its way to others. Nothing but `serve` waits.

    `deliver` is called with room, peer and text of each parcel that arrives: a text in UTF-8 for one peer, or news of the room when `peer`
    is empty. `test_every` is how often the link sends itself something, `patience` how long it may go without hearing that before it
    counts as down; in seconds. What it sends itself takes the way of all messages, so how long that took is the delay between two nodes.
    """

    def __init__(
        self,
        url: str,
        deliver: Callable[[str, str, bytes], None],
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
        self._may_go_at = self._heard_at = self._stands_since = -float("inf")
        self._flush_due: asyncio.Handle | None = None
        self._came_back = asyncio.Event()
        self._complained = False

    @property
    def is_up(self) -> bool:
        """Whether something that was sent to ourselves has come back lately."""
        return time.monotonic() - self._heard_at < self._patience

    @property
    def waiting(self) -> int:
        """How much waits for other nodes, in bytes."""
        return sum(waiting.size for waiting in self._waiting.values())

    @property
    def settles_in(self) -> float:
        """Seconds until other nodes, which lost the host at the same moment, hear us again."""
        return max(0.0, self._stands_since + _SETTLE - time.monotonic()) if self._wire.takes else _SETTLE

    async def is_proven(self) -> None:
        """Returns once something has come back for the first time."""
        await self._came_back.wait()

    def post(self, address: str, room: str, peer: str, text: bytes) -> None:
        """Sends this after what was posted before, at once or with what gathers; dropped when too much waits already."""
        waiting = self._waiting.get(address)
        if waiting is None:
            waiting = self._waiting[address] = _Waiting()
        if not waiting.add(room, peer, text):
            self.tally.dropped += 1
        if self._flush_due is None:
            loop = asyncio.get_running_loop()
            pause = self._may_go_at - time.monotonic()
            self._flush_due = loop.call_later(pause, self._flush_late) if pause > 0 else loop.call_soon(self._flush)

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
        self.post(self.address, "", "", str(time.monotonic()).encode())

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
                self._deliver(room, peer, text)
            except Exception:
                logger.exception("what another node sent could not be delivered")

    def _flush_late(self) -> None:
        self._may_go_at = time.monotonic()  # who has waited makes up for nothing
        self._flush()

    def _flush(self) -> None:
        """Sends what has gathered; what the wire does not take stays until it does, or grows too old."""
        if self._flush_due:
            self._flush_due.cancel()  # it may be the wire that has asked
            self._flush_due = None
        while self._waiting and self._wire.takes:
            now = time.monotonic()
            self._may_go_at = min(now, max(self._may_go_at, now - _SPARE * _PAUSE)) + _PAUSE
            self._wire.publish(list(self._take()))

    def _take(self) -> Iterator[tuple[str, bytes]]:
        """One message to each node at most, so that no node waits for a busier one."""
        for address, waiting in list(self._waiting.items()):
            parts, dropped = waiting.take()
            self.tally.dropped += dropped
            if not waiting.size:
                del self._waiting[address]
            if parts:
                yield address, _pack(parts)

    def _complain(self, error: object) -> None:
        """Once for each time that it is away."""
        if not self._complained:
            self._complained = True
            logger.warning("a Redis host cannot be reached: %s", error)


class _Batch:
    """What goes as one message: room, peer and text of each parcel, flat."""

    __slots__ = ("begun", "parts", "size")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.parts: list[str | bytes] = []
        self.size = 0


class _Waiting:
    """What waits for one node, oldest first."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()
        self.size = 0

    def add(self, room: str, peer: str, text: bytes) -> bool:
        """False when too much waits already."""
        size, now = len(text), time.monotonic()
        if self.size + size > _MOST_WAITING:
            return False
        last = self._batches[-1] if self._batches else None
        if last is None or last.size + size > _MOST_AT_ONCE or now - last.begun > _GATHERING:
            last = _Batch(now)
            self._batches.append(last)
        last.parts += (room, peer, text)
        last.size += size
        self.size += size
        return True

    def take(self) -> tuple[list[str | bytes], int]:
        """What goes with the next message, and how many parcels were dropped because they have waited for too long."""
        oldest, dropped = time.monotonic() - _TOO_OLD, 0
        while self._batches:
            batch = self._batches.popleft()
            self.size -= batch.size
            if batch.begun >= oldest:
                return batch.parts, dropped
            dropped += len(batch.parts) // 3
        return [], dropped
