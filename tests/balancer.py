"""A load balancer on loopback: what stands between clients and nodes in production, without its cleverness."""

import asyncio
import random
from typing import Protocol


class Backend(Protocol):
    port: int


class Balancer:
    """
    Forwards each new TCP socket to one of `nodes`, drawn at random among those that take it; as an async context manager. `nodes` may
    be changed at any time. A socket that ends on one side ends on the other, in the same way: closed, or cut off.
    """

    def __init__(self, chance: random.Random) -> None:
        self.nodes: list[Backend] = []
        self._chance = chance

    async def __aenter__(self) -> "Balancer":
        self._server = await asyncio.get_running_loop().create_server(lambda: _Outside(self._dial), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/signaling"

    async def _dial(self, outside: "_Outside") -> None:
        for node in self._chance.sample(self.nodes, len(self.nodes)):
            try:
                await asyncio.get_running_loop().create_connection(lambda: _Side(outside), "127.0.0.1", node.port)
            except OSError:
                continue
            return
        outside.transport.abort()


class _Side(asyncio.Protocol):
    """One of two sockets: what comes in here goes out there."""

    transport: asyncio.Transport

    def __init__(self, other: "_Side | None" = None) -> None:
        self.other = other

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        if self.other:
            self.other.meet(self)

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other:
            self.other.transport.abort() if error else self.other.transport.close()


class _Outside(_Side):
    """The client's side, which is read only once there is a node to read for."""

    def __init__(self, dial) -> None:
        super().__init__()
        self._dial = dial
        self._early = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        transport.pause_reading()
        self._dialing = asyncio.get_running_loop().create_task(self._dial(self))

    def data_received(self, data: bytes) -> None:
        if self.other:
            super().data_received(data)
        else:
            self._early += data  # Debian's Python 3.11.2 reads on when it is told to pause so early

    def meet(self, other: _Side) -> None:
        self.other = other
        other.transport.write(self._early)
        if self.transport.is_closing():
            other.transport.abort()
        else:
            self.transport.resume_reading()
