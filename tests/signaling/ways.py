"""Ways to a Redis that do not stay what they were, as behind a balancer or through a failover."""

import asyncio
from contextlib import suppress

from tests.redis_server import RedisServer


class Way:
    """One that carries everything; a context manager."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self._pipes: list[asyncio.Task] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Way":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_) -> None:
        self.deafen()
        self._server.close()
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def deafen(self) -> None:
        """The sockets stay open and carry nothing any more; new ones do."""
        for pipe in self._pipes:
            pipe.cancel()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._redis.path)
        self._writers += [writer, back]
        self._pipes += [asyncio.create_task(self._carry(*ends)) for ends in ((reader, back), (there, writer))]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


class Dropping(Way):
    """One on which the first socket ends with its first script."""

    dropped = 0

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if b"EVALSHA" in data and not self.dropped:
                self.dropped += 1
                for end in self._writers:
                    end.close()
                break
            writer.write(data)
            await writer.drain()
