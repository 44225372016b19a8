"""
How often a busy process wakes up for signals.

To wake up, and to find its caches used by others, costs a process more than a signal does. So where signals come one right after the
other it rests for some milliseconds after each, and then reads together what has come: as network cards moderate their interrupts. Where
they come seldom nobody waits, and a process with much to do rests less, or not at all.
"""

import asyncio
import time
from collections.abc import Callable

ALONE = 0.004  # seconds from one reading to the next
AMONG_OTHERS = 0.008  # where much goes to other nodes, and waits for longer than that anyway


class Pace:
    """That of one process, with so many seconds between two readings. `sleep` stops it, with all that it serves."""

    def __init__(
        self,
        period: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period = period
        self._often = 2 * period  # what comes later than that after the one before comes seldom
        self._clock = clock
        self._sleep = sleep
        self._begun: float | None = None  # when the reading began that is not over
        self._before = -float("inf")  # when the one before did

    def keep(self) -> None:
        """To be said with each signal that was read, in the very turn of the event loop."""
        if self._begun is None:
            self._begun = self._clock()
            asyncio.get_running_loop().call_soon(self._rest)

    def _rest(self) -> None:
        """All that had come is read."""
        begun, before = self._begun, self._before
        self._begun, self._before = None, begun
        if begun - before < self._often and (left := begun + self._period - self._clock()) > 0:
            self._sleep(left)
