"""
Time limits of the same length for many things, with one timer for all of them.

A timer of the event loop is made, sorted in, taken out and cleared away, and nearly always for nothing: what it watches over is in time. Of
things that all have as long, the first that began is the first that is due.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Deadlines(Generic[T]):
    """
    `on_due` is called with each thing that has begun `seconds` ago and has not ended; for things of one event loop.
    """

    __slots__ = ("_due", "_on_due", "_seconds", "_timer")

    def __init__(self, seconds: float, on_due: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._on_due = on_due
        self._due: dict[T, float] = {}  # when, on time.monotonic; the first comes first
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def begin(self, thing: T) -> None:
        """Its time begins; once for each thing."""
        self._due[thing] = time.monotonic() + self._seconds
        if self._timer is None:
            self._look_in(self._seconds)

    def end(self, thing: T) -> None:
        """It has no limit any more; may be said again."""
        self._due.pop(thing, None)

    def _look(self) -> None:
        self._timer = None
        now, over = time.monotonic(), []
        for thing, at in self._due.items():
            if at > now:
                self._look_in(at - now)
                break
            over.append(thing)
        for thing in over:
            if self._due.pop(thing, None) is not None:  # what was done for one may have ended another
                self._on_due(thing)

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)
