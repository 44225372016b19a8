"""
What is on its way to one socket. Putting never waits: a server's `send` blocks for as long as the reader has stopped, and that must be
its own loss only.

A server's `send` of a socket that takes what it is given ends without ever waiting. So `put` runs it to its first wait, which as a
rule is its end, and only what does wait gets a task.
"""

import asyncio
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator

_MOST_BYTES = 256 * 1024  # counted in characters: descriptions and candidates are ASCII
_MOST_MESSAGES = 512
_STUCK = 10.0  # seconds without progress


class Outbox:
    """
    Written at once while the socket takes it, else a queue with a writer task that lives only while it is not empty.

    `write` is for servers that can do without an event: it sends the UTF-8 of a text at once, or answers False. `on_too_slow` is called
    once, when too much waits or nothing has moved for too long; all that waits is dropped then.
    """

    __slots__ = (
        "_bytes",
        "_on_too_slow",
        "_send",
        "_stuck",
        "_waiting",
        "_write_now",
        "_writer",
        "is_closing",
        "reason",
    )

    def __init__(
        self,
        send: Callable[[dict], Coroutine],
        *,
        on_too_slow: Callable[[], None],
        write: Callable[[bytes], bool] = lambda message: False,
        stuck: float = _STUCK,
    ) -> None:
        self._send = send
        self._write_now = write
        self._on_too_slow = on_too_slow
        self._stuck = stuck
        self._waiting: deque[dict] | None = None  # most sockets never need one
        self._bytes = 0
        self.is_closing = False
        self.reason = ""  # that was given with the close
        self._writer: asyncio.Task | None = None

    @property
    def waiting(self) -> int:
        """How much waits for the socket, in characters."""
        return self._bytes if self._writer else 0

    def put(self, message: bytes) -> None:
        """Sends this text, given in UTF-8, after those before it; nothing happens after `close`."""
        if self.is_closing or (self._writer is None and self._write_now(message)):
            return
        if self._writer and (self._bytes > _MOST_BYTES or len(self._waiting) >= _MOST_MESSAGES):
            self._give_up()
            return
        self._add({"type": "websocket.send", "text": message.decode()})

    def close(self, code: int, reason: str = "") -> None:
        """Closes the socket once all that waits is written."""
        if self.is_closing:
            return
        self.is_closing = True
        self.reason = reason
        self._add({"type": "websocket.close", "code": code, "reason": reason})

    async def finish(self) -> None:
        """Ends the writer; what is not written by now stays unwritten."""
        self.is_closing = True
        if self._writer:
            self._writer.cancel()
            await asyncio.wait([self._writer])

    def _add(self, event: dict) -> None:
        if self._writer:
            self._bytes += len(event.get("text", ""))
            self._waiting.append(event)
            return
        sending = self._send(event)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception:
            # Each server raises an error of its own for a socket that is gone; the reader hears of it, and why, from the server.
            self._drop()
            return
        self._waiting = deque([event])
        self._bytes = len(event.get("text", ""))
        self._writer = asyncio.get_running_loop().create_task(self._write(_rest(sending, waits_for)))

    async def _write(self, begun: Awaitable) -> None:
        """The first of those that wait has begun; it is counted until it is written."""
        try:
            while self._waiting:
                async with asyncio.timeout(self._stuck):
                    await begun
                if not self._waiting:
                    return  # given up meanwhile
                written = self._waiting.popleft()
                self._bytes -= len(written.get("text", ""))
                if self._waiting:
                    begun = self._send(self._waiting[0])
        except TimeoutError:
            self._give_up()
        except Exception:
            self._drop()
        finally:
            self._writer = None

    def _give_up(self) -> None:
        self._drop()
        self._on_too_slow()

    def _drop(self) -> None:
        self.is_closing = True
        if self._waiting:
            self._waiting.clear()


@types.coroutine
def _rest(coroutine: Coroutine, waits_for: object) -> Generator:
    """What is left of a coroutine that was run to its first wait; for a task to go on with."""
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(sent)
    except StopIteration as end:
        return end.value
