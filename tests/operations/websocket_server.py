"""uvicorn with one of our WebSocket classes and a small application, in a thread; and a client that writes any bytes it likes."""

import asyncio
import os
import queue
import socket
import ssl
import threading
import time
from collections import defaultdict
from contextlib import suppress
from itertools import count

import uvicorn

UPGRADE = (
    "GET {path}?{number} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
SECONDS = 20  # a slow machine; nothing waits that long when all is well


class Application:
    """What it does depends on the path; what it is told stands in `told`, by the number of the client."""

    def __init__(self) -> None:
        self.told: defaultdict[int, queue.Queue[dict]] = defaultdict(queue.Queue)
        self.asked: queue.Queue[str] = queue.Queue()  # what pages say
        self.may_read = threading.Event()
        self.sent = 0
        self.scope: dict = {}  # of the last client

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            await getattr(self, f"page_{scope['path'].strip('/')}", self._page)(receive, send)
            return
        self.scope = {name: value for name, value in scope.items() if name != "extensions"}
        assert (await receive())["type"] == "websocket.connect"
        await getattr(self, scope["path"].strip("/"))(_Told(receive, self.told[int(scope["query_string"])]), send)

    async def echo(self, receive, send) -> None:
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": [(b"x-extra", b"1")]})
        await self._echo(receive, send)

    async def listen(self, receive, send) -> None:
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            pass

    async def refuse(self, receive, send) -> None:
        await send({"type": "websocket.close"})
        await receive()

    async def busy(self, receive, send) -> None:
        await send({"type": "websocket.http.response.start", "status": 503, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    async def fail_at_once(self, receive, send) -> None:
        raise ZeroDivisionError("on purpose")

    async def fail(self, receive, send) -> None:
        await send({"type": "websocket.accept"})
        await receive()
        raise ZeroDivisionError("on purpose")

    async def close(self, receive, send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4001, "reason": "naß"})
        await receive()

    async def late(self, receive, send) -> None:
        await self._permission()
        await self.echo(receive, send)

    async def reads_late(self, receive, send) -> None:
        await send({"type": "websocket.accept"})
        await self._permission()
        await self._echo(receive, send)

    async def talk(self, receive, send) -> None:
        await send({"type": "websocket.accept"})
        for _ in range(1000):
            await send({"type": "websocket.send", "text": "x" * 60_000})
            self.sent += 1
        await receive()

    async def page_reads(self, receive, send) -> None:
        while (event := await receive())["type"] == "http.request" and event["more_body"]:
            pass
        self.asked.put(event["type"])
        await self._page(receive, send)

    async def page_waits(self, receive, send) -> None:
        self.asked.put("page")
        await self._permission()
        await self._page(receive, send)

    async def page_talks(self, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 60_000, "more_body": True})
        while (event := await receive())["type"] == "http.request":
            pass  # the client may be gone without anybody having heard of it yet
        self.asked.put(event["type"])

    async def page_ends(self, receive, send) -> None:
        """More than the system takes, and done with it at once."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"x" * 60_000_000})

    async def page_fills(self, receive, send) -> None:
        """As much, on a connection that is kept."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"60000000")]})
        await send({"type": "http.response.body", "body": b"x" * 60_000_000})

    async def _page(self, receive, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _permission(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.may_read.wait, SECONDS)

    async def _echo(self, receive, send) -> None:
        try:
            while (event := await receive())["type"] == "websocket.receive":
                await send({**event, "type": "websocket.send"})
        except OSError:  # uvicorn's ClientDisconnected
            while (await receive())["type"] == "websocket.receive":
                pass


class _Told:
    """A `receive` that keeps a copy."""

    def __init__(self, receive, told: queue.Queue) -> None:
        self._receive = receive
        self._told = told

    async def __call__(self) -> dict:
        event = await self._receive()
        self._told.put(event)
        return event


class Serving:
    """A context manager; `server` and `application` may be looked at, `client` opens sockets."""

    def __init__(self, *, ws, http="auto", client_ssl: ssl.SSLContext | None = None, **options) -> None:
        self._client_ssl = client_ssl
        self.application = Application()
        self.server = uvicorn.Server(
            uvicorn.Config(
                self.application,
                interface="asgi3",
                ws=ws,
                http=http,
                ws_max_size=65536,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                **options,
            )
        )
        self._numbers = count()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._listening]})

    def __enter__(self) -> "Serving":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        self._listening.close()

    @property
    def address(self) -> tuple[str, int]:
        return self._listening.getsockname()

    def stop(self) -> None:
        self.application.may_read.set()
        self.server.should_exit = True
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()

    def client(
        self, path: str = "/echo", *, more: str = "", before: bytes = b"", behind: bytes = b"", replace=None, cuts=()
    ) -> "Client":
        """`before` and `behind` are what is sent around the request, `cuts` where there is a pause between two bytes of it all."""
        number = next(self._numbers)
        request = UPGRADE.format(path=path, number=number, more=more).encode()
        for old, new in (replace or {}).items():
            assert old in request
            request = request.replace(old, new)
        connected = socket.create_connection(self._listening.getsockname(), SECONDS)
        if self._client_ssl:
            connected = self._client_ssl.wrap_socket(connected, server_hostname="localhost")
        return Client(connected, before + request + behind, self.application.told[number], cuts)

    def upgraded(self, path: str = "/echo", *, behind: bytes = b"") -> "Client":
        client = self.client(path, behind=behind)
        assert client.head().startswith(b"HTTP/1.1 101 ")
        return client


class Client:
    """Speaks no protocol of its own accord: it answers neither a ping nor a close."""

    def __init__(self, connected: socket.socket, request: bytes, told: queue.Queue, cuts=()) -> None:
        self._told = told
        self.socket = connected
        for start, end in zip([0, *cuts], [*cuts, len(request)], strict=True):
            self.socket.sendall(request[start:end])
            if end < len(request):
                time.sleep(0.02)  # so that it is another read, as a rule
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()
        self.socket.close()

    def head(self) -> bytes:
        """An HTTP response up to the empty line, or to the end."""
        lines = []
        while (line := self._file.readline()) not in {b"\r\n", b""}:
            lines.append(line)
        return b"".join(lines)

    def write(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def write_aside(self, frames: bytes) -> None:
        """As `write`, but returns at once; what the server has not taken at the end is not sent."""

        def write() -> None:
            with suppress(OSError):
                self.socket.sendall(frames)

        threading.Thread(target=write, daemon=True).start()

    def read(self) -> tuple[int, bytes] | None:
        """The next frame's opcode and payload; None at the end."""
        if not (start := self._file.read(2)):
            return None
        first, size = start
        assert first & 0x80 and size < 128, "servers send whole frames, unmasked"
        if size > 125:
            size = int.from_bytes(self._file.read(2 if size == 126 else 8))
        return first & 0x0F, self._file.read(size)

    def rest(self) -> list[tuple[int, bytes]]:
        """All frames up to the end."""
        return list(iter(self.read, None))

    def close_code(self) -> int | None:
        """Reads to the end; None when there was no close frame."""
        frames = self.rest()
        opcode, payload = frames[-1] if frames else (None, b"")
        return int.from_bytes(payload[:2]) if opcode == CLOSE else None

    def heard(self) -> list[dict]:
        """All that the application was told, up to the end."""
        events = [self._told.get(timeout=SECONDS)]
        while events[-1]["type"] != "websocket.disconnect":
            events.append(self._told.get(timeout=SECONDS))
        return events

    def told(self) -> tuple[int, str]:
        """The code and the reason with which it ended for the application."""
        end = self.heard()[-1]
        return end["code"], end.get("reason") or ""

    @property
    def is_told(self) -> bool:
        """Whether the application has been told something that nobody has asked for here."""
        return not self._told.empty()

    def vanish(self) -> None:
        """The network is gone: no close frame."""
        self.socket.shutdown(socket.SHUT_RDWR)


def frame(opcode: int, payload: bytes = b"", *, fin: int = 1, reserved: int = 0, mask: bytes | None = None) -> bytes:
    """As a client sends it; `mask=b""` leaves it unmasked."""
    mask = os.urandom(4) if mask is None else mask
    size, masked = len(payload), 0x80 if mask else 0
    length = [size] if size < 126 else [126, *size.to_bytes(2)] if size < 65536 else [127, *size.to_bytes(8)]
    length[0] |= masked
    keys = (mask or b"\0") * (size // 4 + 1) if mask else bytes(size)
    body = bytes(a ^ b for a, b in zip(payload, keys, strict=False))
    return bytes([fin << 7 | reserved << 4 | opcode, *length]) + mask + body
