"""
The way from this node to the others through one Redis host, over the stock channel layer.

Each process has one name there, and what gathers for a node while the last message is on its way goes as one message: the price of
Redis is shared by all that wait, and an idle system waits for nothing. Redis may hang or be away. Then parcels grow old and are
dropped, because the two ends of a call send again what was not acknowledged (docs/protocol.md section 7).
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import NamedTuple

from channels_redis.utils import _consistent_hash as host_of  # the layer's own, so that names fall where we mean
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_MOST_WAITING = 1024 * 1024  # characters for one node
_MOST_AT_ONCE = 256 * 1024  # characters in one message
_TOO_OLD = 2.0  # seconds
_PAUSE = 0.01  # seconds between two messages to the layer, in which more gathers; after a pause nobody waits
_RETRY = 0.5  # seconds
AWAY = (RedisError, OSError, TimeoutError)


class Parcel(NamedTuple):
    """A text for one peer, or news of a room when `peer` is empty."""

    room: str
    peer: str
    text: str


class Link:
    """
    One node's name at one Redis host, and what is on its way to others. Nothing but its `parts` waits.

    `deliver` is called with each parcel that arrives. `test_every` is how often the link sends itself something, `patience` how long
    it may go without hearing that before it counts as down; in seconds.
    """

    def __init__(
        self,
        layer,
        deliver: Callable[[Parcel], None],
        *,
        host: int = 0,
        hosts: int = 1,
        test_every: float = 5.0,
        patience: float = 10.0,
    ) -> None:
        self._layer = layer
        self._deliver = deliver
        self._test_every = test_every
        self._patience = patience
        self._place = (host, hosts)
        self._waiting: dict[str, _Waiting] = {}
        self._stirred = asyncio.Event()
        self._heard_at = -float("inf")
        self._came_back = asyncio.Event()
        self._complained = False
        self.address = _draw(host, hosts)

    @property
    def is_up(self) -> bool:
        """Whether something that was sent to ourselves has come back lately."""
        return time.monotonic() - self._heard_at < self._patience

    async def is_proven(self) -> None:
        """Returns once something has come back for the first time."""
        await self._came_back.wait()

    def post(self, address: str, parcel: Parcel) -> None:
        """Sends this after what was posted before, at once or with what gathers; dropped when too much waits already."""
        waiting = self._waiting.get(address)
        if waiting is None:
            waiting = self._waiting[address] = _Waiting()
        waiting.add(parcel)
        self._stirred.set()

    def parts(self) -> tuple[Coroutine, ...]:
        """What has to run for the link to serve, each until it is cancelled."""
        return self._read(), self._write(), self._test()

    async def _read(self) -> None:
        """Takes from the layer and hands out. Never under a timeout: the layer would unsubscribe."""
        while True:
            try:
                message = await self._layer.receive(self.address)
            except AWAY as error:
                # The layer now believes that this name is subscribed to; only a new one will be.
                self._complain(error)
                self.address = _draw(*self._place)
                await asyncio.sleep(_RETRY)
                continue
            self._unpack(message["parcels"])

    def _unpack(self, flat: list[str]) -> None:
        self._heard_at = time.monotonic()
        self._came_back.set()
        parts = iter(flat)
        for room, peer, text in zip(parts, parts, parts, strict=True):
            if not room:
                continue  # our own test
            try:
                self._deliver(Parcel(room, peer, text))
            except Exception:
                logger.exception("what another node sent could not be delivered")

    async def _write(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            while self._waiting:
                address, waiting = next(iter(self._waiting.items()))
                del self._waiting[address]
                flat = waiting.take()
                if not waiting.is_empty:
                    self._waiting[address] = waiting  # last in turn: no node waits for a busier one
                if flat:
                    await self._send(address, flat)
            await asyncio.sleep(_PAUSE)

    async def _send(self, address: str, flat: list[str]) -> None:
        try:
            await self._layer.send(address, {"type": "parcels", "parcels": flat})
        except AWAY as error:
            self._complain(error)
        else:
            self._complained = False

    async def _test(self) -> None:
        while True:
            self.post(self.address, Parcel("", "", ""))
            pause = self._test_every if self._came_back.is_set() else min(_RETRY, self._test_every)
            await asyncio.sleep(pause)

    def _complain(self, error: Exception) -> None:
        """Once for each time that it is away."""
        if not self._complained:
            self._complained = True
            logger.warning("a Redis host cannot be reached: %s", error)


class _Waiting:
    """What waits for one node, oldest first."""

    def __init__(self) -> None:
        self._parcels: deque[tuple[float, Parcel]] = deque()
        self._size = 0

    @property
    def is_empty(self) -> bool:
        return not self._parcels

    def add(self, parcel: Parcel) -> None:
        if self._size + len(parcel.text) > _MOST_WAITING:
            return
        self._size += len(parcel.text)
        self._parcels.append((time.monotonic(), parcel))

    def take(self) -> list[str]:
        """What goes with the next message, flat; what has waited for too long is dropped."""
        flat: list[str] = []
        size, oldest = 0, time.monotonic() - _TOO_OLD
        while self._parcels and size + len(self._parcels[0][1].text) <= _MOST_AT_ONCE:
            since, parcel = self._parcels.popleft()
            self._size -= len(parcel.text)
            if since >= oldest:
                size += len(parcel.text)
                flat.extend(parcel)
        return flat


def _draw(host: int, hosts: int) -> str:
    """A name that no other process has, and that the layer keeps on this host."""
    while True:
        name = f"node.{secrets.token_hex(12)}"
        if host_of(name, hosts) == host:
            return name
