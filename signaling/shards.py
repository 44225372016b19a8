"""
One store of rooms as this node sees it: whether it can be reached, what it must still be told, and the link to the other nodes that
have people in its rooms.

A node that is cut off from a store admits nobody to its rooms and removes nobody; what its own people did meanwhile is told later.
"""

import asyncio
import logging
import random
import time
import zlib
from collections import deque
from collections.abc import Awaitable, Callable

from signaling.accord import Accord
from signaling.deadlines import Deadlines
from signaling.links import AWAY, Link
from signaling.protocol import ProtocolError
from signaling.rooms import Outcome, Rooms
from signaling.rounds import Rounds

logger = logging.getLogger(__name__)

Errand = Callable[[], Awaitable[None]]
PATIENCE = 1.5  # seconds that somebody at the door waits for a turn, and then again for the answer of the store
_MOST_ASKING = 256  # at once; the others wait for their turn
_MOST_ERRANDS = 20_000  # each a few hundred bytes; beyond it leases settle who is still there
# Seconds, drawn anew each time, so that those who are sent away do not come back together; the second for those whom a store sends away.
_RETRY_AFTER = (1, 4)
_SPREAD = (0, 3)


class Shard:
    """`link` and `accord` are None where this process is the only node; `node` is what its members are said to sit on."""

    def __init__(
        self, rooms: Rooms, link: Link | None = None, accord: Accord | None = None, *, patience: float = PATIENCE
    ) -> None:
        self.rooms = rooms
        self.link = link
        self.rounds = Rounds()
        self._accord = accord
        self._patience = patience
        self._turns = asyncio.Semaphore(_MOST_ASKING)
        self._deadlines: Deadlines[asyncio.Timeout] = Deadlines(patience, _let_run_out)
        # When the store last answered somebody at the door, and when it last did not.
        self._answered_at = self._failed_at = 0.0
        self._errands: deque[Errand] = deque()

    @property
    def node(self) -> str:
        return self.link.address if self.link else "alone"

    @property
    def is_up(self) -> bool:
        return (self.link is None or self.link.is_up) and (self._accord is None or self._accord.is_kept)

    @property
    def is_told_otherwise(self) -> bool:
        """Whether the other nodes were told another list of hosts, or another key: then no room of this node's is where theirs is."""
        return self._accord is not None and self._accord.is_broken

    @property
    def waiting(self) -> int:
        """How many things the store must still be told."""
        return len(self._errands)

    async def admit(self, ask: Callable[[], Awaitable[Outcome]], *, undo: Errand | None = None) -> Outcome:
        """
        Asks for a place. `undo` is done later if no answer came: the store may have given the place all the same.

        Raises:
            ProtocolError: what the store refuses with, or `unavailable` with `retry_after`: too many are before this one, or the store
                does not answer.
        """
        if self.link is None:
            return await ask()  # of this process's own memory
        await self._wait_for_turn()
        patience = asyncio.timeout(None)
        self._deadlines.begin(patience)
        try:
            async with patience:
                outcome = await ask()
        except AWAY as error:
            self._failed_at = time.monotonic()
            if undo:
                self._keep(undo)
            raise unavailable() from error
        except ProtocolError as error:
            self._answered_at = time.monotonic()
            if error.code == "unavailable":
                error.members["retry_after"] += random.randint(*_SPREAD)
            raise
        else:
            self._answered_at = time.monotonic()
            return outcome
        finally:
            self._deadlines.end(patience)
            self._turns.release()

    async def _wait_for_turn(self) -> None:
        """Who gives up here has asked nothing, so nothing is to be undone. Nor need anybody ask when those before had no answer."""
        if not self.is_up:
            raise unavailable()
        if not self._turns.locked():
            await self._turns.acquire()  # at once
            return
        came_at = time.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError as error:
            raise unavailable() from error
        if self._answered_at < came_at < self._failed_at:
            self._turns.release()
            raise unavailable()

    async def tell(self, errand: Errand) -> None:
        """Does this now, or once the store can be reached again; errands keep their order. They must bear being done twice."""
        if not self._errands:
            try:
                async with asyncio.timeout(self._patience):
                    return await errand()
            except AWAY:
                logger.info("kept for later: the store does not answer")
        self._keep(errand)

    async def agree(self) -> None:
        """
        Makes sure that all nodes were told the same.

        Raises:
            RedisError, OSError, TimeoutError: the store does not answer.
        """
        if self._accord:
            await self._accord.check()

    async def catch_up(self, until: float) -> None:
        """
        Does what was kept for later, in its order, up to a moment of time.monotonic(): at least one thing, and what is left the next time.

        Raises:
            RedisError, OSError, TimeoutError: the store still does not answer; nothing is lost.
        """
        while self._errands:
            try:
                # It stays in its place until it is done: what comes meanwhile must wait behind it.
                await self._errands[0]()
            except AWAY:
                raise
            except Exception:
                logger.exception("what was kept for later could not be done")
            self._errands.popleft()
            if time.monotonic() >= until:
                break

    def _keep(self, errand: Errand) -> None:
        if len(self._errands) < _MOST_ERRANDS:
            self._errands.append(errand)


def _let_run_out(patience: asyncio.Timeout) -> None:
    patience.reschedule(asyncio.get_running_loop().time())


def host_of(room: str, hosts: int) -> int:
    """Which of so many Redis hosts holds this room; the same on all nodes."""
    return zlib.crc32(room.encode()) % hosts


def unavailable() -> ProtocolError:
    return ProtocolError("unavailable", retry_after=random.randint(*_RETRY_AFTER))
