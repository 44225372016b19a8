"""
What is on its way to one socket. Putting never waits: a server's `send` blocks for as long as the reader has stopped, and that must be
its own loss only.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

_MOST_BYTES = 256 * 1024  # counted in characters: descriptions and candidates are ASCII
_MOST_MESSAGES = 512
_STUCK = 10.0  # seconds without progress


class Outbox:
    """
    A queue with a writer task that lives only while there is something to write.

    `on_too_slow` is called once, when too much waits or nothing has moved for too long; all that waits is dropped then.
    """

    def __init__(
        self, send: Callable[[dict], Awaitable[None]], *, on_too_slow: Callable[[], None], stuck: float = _STUCK
    ) -> None:
        self._send = send
        self._on_too_slow = on_too_slow
        self._stuck = stuck
        self._waiting: deque[dict] = deque()
        self._bytes = 0
        self._closing = False
        self._writer: asyncio.Task | None = None

    @property
    def is_closing(self) -> bool:
        return self._closing

    def put(self, text: str) -> None:
        """Sends this message after those before it; nothing happens after `close`."""
        if self._closing:
            return
        if self._bytes > _MOST_BYTES or len(self._waiting) >= _MOST_MESSAGES:
            self._give_up()
            return
        self._bytes += len(text)
        self._add({"type": "websocket.send", "text": text})

    def close(self, code: int, reason: str = "") -> None:
        """Closes the socket once all that waits is written."""
        if self._closing:
            return
        self._closing = True
        self._add({"type": "websocket.close", "code": code, "reason": reason})

    async def finish(self) -> None:
        """Ends the writer; what is not written by now stays unwritten."""
        self._closing = True
        if self._writer and not self._writer.done():
            self._writer.cancel()
            await asyncio.wait([self._writer])

    def _add(self, event: dict) -> None:
        self._waiting.append(event)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._waiting:
                event = self._waiting.popleft()
                async with asyncio.timeout(self._stuck):
                    await self._send(event)
                self._bytes -= len(event.get("text", ""))
        except TimeoutError:
            self._give_up()
        except Exception:
            # Each server raises an error of its own for a socket that is gone; the reader hears of it, and why, from the server.
            self._drop()

    def _give_up(self) -> None:
        self._drop()
        self._on_too_slow()

    def _drop(self) -> None:
        self._closing = True
        self._waiting.clear()
