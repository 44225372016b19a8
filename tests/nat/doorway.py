"""What stands at the edge of the laboratory: TLS in front of our servers, which listen on loopback, and the names of all."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path

from tests.nat import packet_queue, sockets
from tests.nat.resolver import Resolver

_SECONDS = 30
_CHUNK = 65536


class Doorway:
    """A context manager: a thread whose loop serves sockets in other namespaces. Playwright's loop runs in the main thread."""

    def __enter__(self) -> "Doorway":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="doorway", daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._transports: list[asyncio.BaseTransport] = []
        return self

    def __exit__(self, *_) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def lead(self, namespace: Path, addresses: tuple[str, ...], *, to: int, tls: ssl.SSLContext) -> None:
        """What comes to port 443 of these addresses goes, without its TLS, to this port on the machine's loopback."""

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _forward(reader, writer, to)

        for address in addresses:
            listening = sockets.listen(namespace, address, 443)
            self._servers.append(self._run(asyncio.start_server(forward, sock=listening, ssl=tls)))

    def resolve(self, namespace: Path, names: dict[str, tuple[str, ...]]) -> None:
        """Answers for these names on the namespace's own loopback."""
        bound = sockets.datagrams(namespace, "127.0.0.1", 53)
        transport, _ = self._run(self._loop.create_datagram_endpoint(lambda: Resolver(names), sock=bound))
        self._transports.append(transport)

    @contextlib.contextmanager
    def delay(self, namespace: Path, seconds: float) -> Iterator[None]:
        """Meanwhile each packet that the namespace's rules put into queue 0 goes on its way so much later."""
        with sockets.netfilter(namespace) as queue:
            self._run(self._open_queue(queue, seconds))
            yield
            self._run(self._close_queue(queue))

    async def _open_queue(self, queue: socket.socket, seconds: float) -> None:
        for request in packet_queue.opening():
            queue.send(request)
        self._loop.add_reader(queue, self._take, queue, seconds)

    async def _close_queue(self, queue: socket.socket) -> None:
        self._loop.remove_reader(queue)

    def _take(self, queue: socket.socket, seconds: float) -> None:
        with contextlib.suppress(BlockingIOError):
            for packet in packet_queue.packets(queue.recv(_CHUNK)):
                self._loop.call_later(seconds, _let_go, queue, packet)

    async def _end(self) -> None:
        for closable in (*self._servers, *self._transports):
            closable.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Those that are shaking hands, or wait for the other's end of TLS, have no task; nobody else knows them.
        for transport in list(self._loop._transports.values()):
            transport.abort()
        await asyncio.sleep(0.1)

    def _run(self, work: Coroutine):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)


def _let_go(queue: socket.socket, packet: int) -> None:
    with contextlib.suppress(OSError):  # the queue has been closed, and with it the packet is gone
        queue.send(packet_queue.acceptance(packet))


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()  # the server has ended
        return
    await asyncio.gather(_pour(reader, inner_writer), _pour(inner_reader, writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side closes, which closes the other: TLS knows no half."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # broken off, such as by a client whose network went
    finally:
        writer.close()
