"""Words that would be codes, but something of the site stood at their address and has moved; the site tells which."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import unquote

from signaling import codes

logger = logging.getLogger("signaling")

_FRESH = 5.0  # seconds for which an answer is good; then it serves until the next one is there
_PATIENCE = 1.0  # seconds after the first question in which who joins waits for the answer


class Elsewhere:
    """`ask` answers with the paths of one word; a site that tells nothing, or whose database is away, has moved nothing since."""

    def __init__(self, ask: Callable[[], Awaitable[Iterable[str]]] | None = None) -> None:
        self.ask = ask
        self._codes: frozenset[str] = frozenset()
        self._asks_at = 0.0
        self._first: asyncio.Task | None = None
        self._waits_until = 0.0
        self._asking: asyncio.Task | None = None

    async def has(self, code: str) -> bool:
        """Whether this normal form leads elsewhere."""
        now = time.monotonic()
        if self.ask and now >= self._asks_at and (not self._asking or self._asking.done()):
            self._asks_at = now + _FRESH
            self._asking = asyncio.ensure_future(self._read())
            if not self._first:
                self._first, self._waits_until = self._asking, now + _PATIENCE
        if self._first and now < self._waits_until:
            await asyncio.wait({self._first}, timeout=self._waits_until - now)
        return code in self._codes

    async def _read(self) -> None:
        try:
            paths = await self.ask()
        except Exception as error:  # whatever its database raises
            logger.warning("the site does not say what has moved: %r", error)
        else:
            self._codes = frozenset(codes.normalise(unquote(path.strip("/"))) for path in paths)


elsewhere = Elsewhere()
