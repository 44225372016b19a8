"""
This node's sockets to one Redis host for what happens all the time: messages to and from other nodes, scripts and functions.

redis-py makes them: address, TLS, login. What comes after that is done here, because most of what a message between two nodes cost went
into redis-py's tasks, pools, time limits and answers that nobody needs (docs/decisions.md).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, ResponseError

from signaling.deadlines import Deadlines

_CONNECT = 2.0  # seconds


class Wire:
    """
    Two sockets, from `open` to `close`: on one this node says PUBLISH and hears nothing, on the other it hears what is sent to its name.

    `hear` is called with the bytes of each message, `stands` once what is sent to `name` will be heard, `can_write` when the wire takes
    more again after it did not. What happens to the sockets is for the owner to find out: by `has_ended`, or because nothing is heard
    any more.
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
            self._in = await _Socket.open(self._pool, self._answer)
            self._out = await _Socket.open(self._pool, lambda answer: None, self._can_write)
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

    def _answer(self, answer: object) -> None:
        match answer:
            case [b"message", _, payload]:
                self._hear(payload)
            case [b"subscribe", *_]:
                self._stands()


class ScriptRedis(Redis):
    """
    redis-py's client, but that EVALSHA and FCALL go over one socket for all who ask, and the answers come in the order of the questions. It
    answers or raises within `patience` seconds; what was lost with its socket is asked again, so scripts and functions must bear being run
    twice.
    """

    def __init__(self, pool: ConnectionPool, *, patience: float) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self._patience = patience
        self._socket: _Socket | None = None
        self._opening = asyncio.Lock()
        self._asked: deque[asyncio.Future] = deque()  # over this socket
        self._deadlines: Deadlines[asyncio.Future] = Deadlines(patience, _give_up)
        self._answered_at = 0.0

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args) -> object:
        """
        Raises:
            NoScriptError: Redis does not know the script (any more).
            ResponseError, ConnectionError, TimeoutError.
        """
        return await self._run("EVALSHA", sha, numkeys, *keys_and_args)

    async def fcall(self, function: str, numkeys: int, *keys_and_args) -> object:
        """
        Raises:
            ResponseError, ConnectionError, TimeoutError.
        """
        return await self._run("FCALL", function, numkeys, *keys_and_args)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await self._drop()
        await super().aclose(close_connection_pool)

    async def _run(self, *command) -> object:
        question, asked_at = hiredis.pack_command(command), time.monotonic()
        try:
            if self._stands():
                try:
                    return await self._ask(question)
                except ConnectionError:
                    pass  # once more
            async with asyncio.timeout(asked_at + self._patience - time.monotonic()):
                try:
                    return await self._ask_anew(question)
                except ConnectionError:
                    return await self._ask_anew(question)
        except TimeoutError:
            if time.monotonic() - self._answered_at >= self._patience:
                await self._drop()
            raise

    async def _ask_anew(self, question: bytes) -> object:
        """Over a new socket, if need be."""
        if not self._stands():
            async with self._opening:
                if not self._stands():
                    await self._reopen()
        return await self._ask(question)

    async def _ask(self, question: bytes) -> object:
        answer = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._deadlines.begin(answer)
        self._socket.write(question)
        try:
            return await answer
        finally:
            self._deadlines.end(answer)

    def _stands(self) -> bool:
        return self._socket is not None and not self._socket.ended.done()

    async def _reopen(self) -> None:
        await self._drop()
        asked = deque()
        self._socket = await _Socket.open(self.connection_pool, partial(self._answer, asked))
        self._socket.ended.add_done_callback(lambda _: _fail(asked))
        self._asked, self._answered_at = asked, time.monotonic()

    async def _drop(self) -> None:
        socket, self._socket = self._socket, None
        if socket:
            _fail(self._asked)
            await socket.close()

    def _answer(self, asked: deque[asyncio.Future], answer: object) -> None:
        self._answered_at = time.monotonic()
        future = asked.popleft()
        if future.done():
            return  # given up meanwhile
        if not isinstance(answer, hiredis.ReplyError):
            future.set_result(answer)
        elif str(answer).startswith("NOSCRIPT"):
            future.set_exception(NoScriptError(str(answer)))
        else:
            future.set_exception(ResponseError(str(answer)))


def _give_up(answer: asyncio.Future) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())


def _fail(asked: deque[asyncio.Future]) -> None:
    """Nobody waits for what will not come."""
    while asked:
        future = asked.popleft()
        if not future.done():
            future.set_exception(ConnectionError("the socket to Redis was lost"))


class _Socket(asyncio.Protocol):
    """A connection of redis-py that has logged in and is ours from now on."""

    @classmethod
    async def open(
        cls, pool: ConnectionPool, on_answer: Callable[[object], None], can_write: Callable[[], None] = lambda: None
    ) -> "_Socket":
        connection = pool.make_connection()
        try:
            await connection.connect()
            return cls(connection, on_answer, can_write)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

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
