"""Words that would be codes, but something of the site stood at their address and has moved; the site tells which."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import unquote

from signaling import codes

logger = logging.getLogger("signaling")

_FRESH = 5.0  # seconds for which an answer is good; then it serves until the next one is there
_PATIENCE = 1.0  # seconds that the first who joins waits for the first answer


class Elsewhere:
    """`ask` answers with the paths of one word; a site that tells nothing, or whose database is away, has moved nothing since."""

    def __init__(self, ask: Callable[[], Awaitable[Iterable[str]]] | None = None) -> None:
        self.ask = ask
        self._codes: frozenset[str] = frozenset()
        self._asks_at = 0.0
        self._first: asyncio.Task | None = None
        self._asking: asyncio.Task | None = None

    async def has(self, code: str) -> bool:
        """Whether this normal form leads elsewhere."""
        if self.ask and time.monotonic() >= self._asks_at:
            self._asks_at = time.monotonic() + _FRESH
            self._asking = asyncio.ensure_future(self._read())
            self._first = self._first or self._asking
        if self._first and not self._first.done():
            await asyncio.wait({self._first}, timeout=_PATIENCE)
        return code in self._codes

    async def _read(self) -> None:
        try:
            paths = await self.ask()
        except Exception as error:  # whatever its database raises
            logger.warning("the site does not say what has moved: %r", error)
        else:
            self._codes = frozenset(codes.normalise(unquote(path.strip("/"))) for path in paths)


elsewhere = Elsewhere()
