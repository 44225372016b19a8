"""
This node's two sockets to one Redis host: on one it says PUBLISH and hears nothing, on the other it hears what is sent to its name.

redis-py makes them: address, TLS, login. What comes after that is done here, because most of what a message between two nodes cost went
into redis-py's tasks, time limits and answers that nobody needs (docs/decisions.md).
"""

import asyncio
from collections.abc import Callable

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_CONNECT = 2.0  # seconds


class Wire:
    """
    Stands from `open` to `close`. `hear` is called with the bytes of each message, `can_write` when the wire takes more again after it did
    not, `stands` once what is sent to `name` will be heard. What happens to the sockets is for the owner to find out: by `has_ended`, or
    because nothing is heard any more.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        hear: Callable[[bytes], None],
        stands: Callable[[], None],
        can_write: Callable[[], None],
    ) -> None:
        self._pool = ConnectionPool.from_url(
            url, protocol=2, socket_connect_timeout=_CONNECT, retry=Retry(NoBackoff(), 0)
        )
        self._name = name
        self._hear = hear
        self._stands = stands
        self._can_write = can_write
        self._out = self._in = None

    async def open(self) -> None:
        """
        Raises:
            RedisError, OSError, TimeoutError: the host cannot be reached, or does not let us in.
        """
        async with asyncio.timeout(2 * _CONNECT):
            self._in = await self._socket(self._answer, lambda: None)
            self._out = await self._socket(lambda answer: None, self._can_write)
        self._in.write(hiredis.pack_command(("SUBSCRIBE", self._name)))
        self._out.write(hiredis.pack_command(("CLIENT", "REPLY", "OFF")))

    async def close(self) -> None:
        """Drops both sockets, and what is not written yet; may be said twice."""
        sockets, self._in, self._out = (self._in, self._out), None, None
        for socket in sockets:
            if socket:
                await socket.close()

    @property
    def takes(self) -> bool:
        """Whether `publish` may be called: what it writes is on its way, or soon will be."""
        return self._out is not None and self._out.takes

    async def has_ended(self, *, within: float) -> bool:
        """Whether one of the sockets ends within so many seconds."""
        ended = {self._in.ended, self._out.ended}
        done, _ = await asyncio.wait(ended, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    def publish(self, messages: list[tuple[str, bytes]]) -> None:
        """Sends each to the node of that name; whoever is not there misses it."""
        self._out.write(b"".join(hiredis.pack_command(("PUBLISH", name, payload)) for name, payload in messages))

    async def _socket(self, on_answer: Callable[[object], None], can_write: Callable[[], None]) -> "_Socket":
        connection = self._pool.make_connection()
        try:
            await connection.connect()
            return _Socket(connection, on_answer, can_write)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    def _answer(self, answer: object) -> None:
        match answer:
            case [b"message", _, payload]:
                self._hear(payload)
            case [b"subscribe", *_]:
                self._stands()


class _Socket(asyncio.Protocol):
    """A connection of redis-py that has logged in and is ours from now on."""

    def __init__(self, connection, on_answer: Callable[[object], None], can_write: Callable[[], None]) -> None:
        self._connection = connection
        self._transport: asyncio.Transport = connection._writer.transport
        self._reader = hiredis.Reader()
        self._on_answer = on_answer
        self._can_write = can_write
        self._is_full = False
        self.ended = asyncio.get_running_loop().create_future()
        self.write = self._transport.write
        self._transport.set_protocol(self)

    @property
    def takes(self) -> bool:
        return not self._is_full and not self.ended.done()

    async def close(self) -> None:
        self._transport.abort()
        await self._connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            self._on_answer(answer)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._can_write()

    def eof_received(self) -> None:
        """The transport closes itself then."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
