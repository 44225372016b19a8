"""
A WebSocket class for uvicorn that does little for each message, and no more than it must for each socket.

uvicorn's own class takes a request apart a second time, stops and starts reading around every message, takes it through a generator and a
queue, and keeps for each socket what only its handshake needed. Here the request is the one that the HTTP class has read, and a frame that
has come whole, as almost all do, is cut out of the bytes that were read and is the event.

Source: RFC 6455, sections 4.2 (handshake), 5 (frames) and 7 (closing).
"""

import asyncio
import binascii
import logging
import struct
import sys
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.utils import ClientDisconnected
from websockets.exceptions import ProtocolError
from websockets.frames import Close, Frame, Opcode, apply_mask  # compiled, unlike the one in websockets.utils
from websockets.utils import accept_key

from gruveo import http
from gruveo.websocket import FAREWELL

logger = logging.getLogger("uvicorn.error")

_MOST_AT_ONCE = (
    16  # messages of one read that a listener gets; the others go the long way, in which what they cause is written
)
_MOST_WAITING = 16  # messages that the application has not taken; then the client has to wait
_MOST_OTHERS = 256  # frames that are no whole text; then the client has to wait for a moment
_MOMENT = 0.01  # seconds
_CLOSE_SECONDS = 10.0  # for the client to answer a close
_FIN = 0x80
_WHOLE_TEXT = _FIN | Opcode.TEXT  # plain numbers: what a member of an Enum costs, each message would pay
_WHOLE_BINARY = _FIN | Opcode.BINARY
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_MASKED_MEDIUM = _MASKED | 126  # the size is in the next two bytes
_MEDIUM_HEAD = 8  # bytes before the payload
_medium = struct.Struct("!BBH").pack
_large = struct.Struct("!BBQ").pack
_CONTROL = {Opcode.CLOSE, Opcode.PING, Opcode.PONG}
_DATA = {Opcode.CONT, Opcode.TEXT, Opcode.BINARY}


class HttpProtocol(http.HttpProtocol):
    """Hands over a request as it was read, with what a client that waits for no answer sends right behind it; uvicorn drops that."""

    _data = b""  # what was read and is being dealt with

    def data_received(self, data: bytes) -> None:
        self._data = data
        super().data_received(data)
        self._data = b""

    def handle_websocket_upgrade(self) -> None:
        # The answer to the request before would come in between.
        if self._has_untaken() or (self.cycle and not self.cycle.response_complete):
            self._refuse(None)
            return
        end_of_request = sys.exc_info()[1].args[0]  # httptools says it by an exception, which is being handled
        self._let_go()
        self.connections.discard(self)
        protocol = self.config.ws_protocol_class(self.config, self.server_state, self.app_state, self.loop)
        self.transport.set_protocol(protocol)
        protocol.take_over(self.transport, self.scope, self.url, self._data[end_of_request:])


class _Request:
    """What httptools tells of a request; `number` is 1 when it was the only one."""

    def __init__(self) -> None:
        self.number = 0
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self.number += 1

    def on_url(self, part: bytes) -> None:
        self.url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


class FastWebSocketProtocol(asyncio.Protocol):
    """
    Serves a connection from its beginning, and is uvicorn's HTTP class, too. A first request that asks for a WebSocket and has come whole,
    as nearly all do, is read here; anything else goes to `http_class`, which hands it back if a WebSocket is asked for then. What that
    keeps for requests and answers, and the way from one to the other, would be a fifth of what a join costs.

    Compresses nothing and sends no pings of its own, whatever uvicorn is told; one task at a time may wait in `receive`. Of what ASGI has
    for a refusal before the upgrade it takes `websocket.close` and the status of a response.

    Attacks stopped: see _answer_ping, _count_other, _fail and gruveo.websocket.
    """

    __slots__ = (
        "_app_state",
        "_config",
        "_drained",
        "_heard",
        "_is_asked",
        "_is_open",
        "_is_over",
        "_is_paused",
        "_is_resting",
        "_is_text",
        "_key",
        "_listener",
        "_message",
        "_most",
        "_others",
        "_pong",
        "_rest",
        "_server_state",
        "_status",
        "close_sent",
        "close_timeout",
        "close_timer",
        "loop",
        "queue",
        "transport",
    )
    http_class = HttpProtocol

    def __init__(self, config, server_state, app_state, _loop=None) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.queue = _Events(self.loop)
        self.transport: asyncio.Transport | None = None
        self.close_timeout = _CLOSE_SECONDS
        self.close_timer: asyncio.TimerHandle | None = None
        self.close_sent = False
        self._config = config
        self._most = config.ws_max_size
        self._server_state = server_state
        self._app_state = app_state
        self._key: str | None = None  # of a request that is not answered yet
        self._status: HTTPStatus | None = None  # with which the application begins to refuse it
        self._rest = b""  # what was read and is not dealt with: less than a frame, or more than the application takes
        self._message: bytearray | None = None  # its fragments so far
        self._is_text = False  # the message that comes
        self._pong: bytes | None = None  # what is to be answered
        self._listener: Callable[[bytes], bool] | None = None
        self._heard = 0  # by the listener, of this read
        self._is_asked = False  # for a WebSocket
        self._is_open = False
        self._is_over = False  # nothing more is read, nothing more is written
        self._is_paused = False  # reading
        self._is_resting = False  # paused for a moment
        self._others = 0  # frames since then that were no whole text
        self._drained: asyncio.Event | None = None  # there while the client takes nothing

    # What the transport says

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._server_state.connections.add(self)
        self.close_timer = self.loop.call_later(self.http_class.head_seconds, transport.close)

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            self._take_first(data)
            return
        self._heard = 0
        # Nearly all reads are this: one whole text of this size, when nothing else is under way. The general way takes twice as long.
        if (
            data[0] == _WHOLE_TEXT
            and len(data) > _MEDIUM_HEAD
            and data[1] == _MASKED_MEDIUM
            and data[2] << 8 | data[3] == len(data) - _MEDIUM_HEAD <= self._most
            and not self._rest
            and self._message is None
            and not self._is_over
        ):
            self._deliver_text(apply_mask(data[_MEDIUM_HEAD:], data[4:_MEDIUM_HEAD]))
        else:
            self._read(self._rest + data if self._rest else data)
        if len(self.queue) >= _MOST_WAITING:
            self._pause_reading()

    def eof_received(self) -> None:
        """The transport closes itself then."""

    def pause_writing(self) -> None:
        self._drained = asyncio.Event()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained:
            drained.set()
        if self._pong is not None and not self._is_over:
            self._answer_ping()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self._rest, self._message, self._listener = b"", None, None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self._server_state.connections.discard(self)
        self.resume_writing()
        self._stop_timer()

    # What uvicorn says, and the HTTP class

    def take_over(self, transport: asyncio.Transport, request: dict, target: bytes, early: bytes) -> None:
        """A connection on which a WebSocket is asked for now; the rest as in `_upgrade`."""
        self.transport = transport
        self._server_state.connections.add(self)
        self._upgrade(request, http.joined(request["headers"]), target, early)

    def shutdown(self) -> None:
        if not self._is_open:
            if self._key:
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
            self.transport.close()
            return
        if not self.close_sent:
            self._send_close(1012)
        self._end()

    # What the application says, past ASGI: it finds this object as `gruveo.socket` among the extensions of its scope

    def listen(self, listener: Callable[[bytes], bool]) -> None:
        """
        From now on a text of ASCII that comes while the application waits in `receive` is first shown to this, as bytes; it goes on to
        `receive` only when the answer is False.
        """
        self._listener = listener

    def write(self, text: bytes) -> bool:
        """Sends a text, given in UTF-8, if that needs no waiting; False, and nothing is done, when `send` has to be used."""
        if self._drained or self.close_sent or self._is_over or not self._is_open or self.transport.is_closing():
            return False
        self.transport.write(_frame(_WHOLE_TEXT, text))
        return True

    # What the application says

    async def receive(self) -> dict:
        event = await self.queue.get()
        if self._is_paused and self._is_open and not self.queue:
            self._read_on()
        if type(event) is str:
            return {"type": "websocket.receive", "text": event}
        if type(event) is bytes:
            return {"type": "websocket.receive", "bytes": event}
        return event

    async def send(self, message: dict) -> None:
        while self._drained:
            await self._drained.wait()
        if self._is_over or self.transport.is_closing():
            raise ClientDisconnected
        kind = message["type"]
        if self._key:
            self._answer_request(kind, message)
        elif self.close_sent or not self._is_open or kind not in {"websocket.send", "websocket.close"}:
            raise RuntimeError(f"Unexpected ASGI message {kind!r}.")
        elif kind == "websocket.close":
            self._close(message.get("code", 1000), message.get("reason") or "")
        elif (text := message.get("text")) is not None:
            self.transport.write(_frame(_WHOLE_TEXT, text.encode()))
        else:
            self.transport.write(_frame(_WHOLE_BINARY, message["bytes"]))

    async def _run(self, scope: dict) -> None:
        try:
            await self._config.loaded_app(scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            logger.exception("Exception in ASGI application\n")
            self._fail_for_application()
        else:
            if self._key:
                logger.error("ASGI callable returned without completing handshake.")
                self._fail_for_application()

    def _has_run(self, task: asyncio.Task) -> None:
        self._server_state.tasks.discard(task)
        if self.close_timer is None:
            self.transport.close()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(0 if self._drained else FAREWELL, self.transport.abort)

    def _fail_for_application(self) -> None:
        if self._is_open:
            self._fail(1011)
        elif self._key and not self._is_over:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)

    # The handshake

    def _take_first(self, data: bytes) -> None:
        """What comes before a WebSocket is open."""
        if self._is_asked:
            self._rest += data
            self._pause_reading()
            return
        self._stop_timer()
        if b"websocket" in data and self._take_whole(data):
            return
        self._server_state.connections.discard(self)
        protocol = self.http_class(self._config, self._server_state, self._app_state, self.loop)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        protocol.data_received(data)

    def _take_whole(self, data: bytes) -> bool:
        """Whether this was a whole request for a WebSocket, and is dealt with."""
        request = _Request()
        parser = HttpRequestParser(request)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            end_of_request = upgrade.args[0]
        except HttpParserError:
            return False
        else:
            return False
        headers = http.joined(request.headers)
        if request.number != 1 or http.wanted_upgrade(headers) != b"websocket":
            return False
        known = self.transport.get_extra_info
        scope = {
            "asgi": {"version": self._config.asgi_version},
            "http_version": parser.get_http_version(),
            "method": parser.get_method().decode(),
            "scheme": "https" if self._config.is_ssl else "http",
            "root_path": self._config.root_path,
            "headers": request.headers,
            "server": _host_and_port(known("sockname")),
            "client": _host_and_port(known("peername")),
        }
        self._upgrade(scope, headers, request.url, data[end_of_request:])
        return True

    def _upgrade(self, request: dict, headers: dict[bytes, bytes], target: bytes, early: bytes) -> None:
        """
        Answers a request, given as the scope that the HTTP class begins, its headers, each once, and its target; `early` came right behind
        it.
        """
        self._is_asked = True
        self._server_state.total_requests += 1
        key, refusal = _read_request(request["method"], headers)
        if refusal:
            self._refuse(refusal)
            return
        self._key = key
        if early:
            self._rest = early
            self._pause_reading()  # until the application has taken it
        path, _, query = target.partition(b"?")
        root = request["root_path"]
        scope = {
            "type": "websocket",
            "asgi": {"version": request["asgi"]["version"], "spec_version": "2.4"},
            "http_version": request["http_version"],
            "scheme": "wss" if request["scheme"] == "https" else "ws",
            "server": request["server"],
            "client": request["client"],
            "root_path": root,
            "path": root + unquote(path.decode("latin-1")),
            "raw_path": root.encode() + path,
            "query_string": query,
            "headers": request["headers"],
            "subprotocols": _listed(headers.get(b"sec-websocket-protocol")),
            "state": self._app_state.copy(),
            "extensions": {"gruveo.socket": self, "websocket.http.response": {}},
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self._run(scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._has_run)

    def _answer_request(self, kind: str, message: dict) -> None:
        if kind == "websocket.accept":
            self._accept(message.get("subprotocol"), message.get("headers", ()))
        elif kind == "websocket.close":
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
            self._refuse(HTTPStatus.FORBIDDEN)
        elif kind == "websocket.http.response.start" and not self._status:
            self._status = HTTPStatus(message["status"])
        elif kind == "websocket.http.response.body" and self._status:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
            self._refuse(self._status)
        else:
            raise RuntimeError(f"Unexpected ASGI message {kind!r}.")

    def _accept(self, subprotocol: str | None, headers) -> None:
        key, self._key = self._key, None
        more = [*self._server_state.default_headers, *headers]
        if subprotocol:
            more.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        lines = b"".join(b"%b: %b\r\n" % header for header in more)
        self.transport.write(_ACCEPTED % (accept_key(key).encode(), lines))
        self._is_open = True
        self._read_on()

    def _refuse(self, status: HTTPStatus) -> None:
        self._key = None
        self._is_over = True
        self.transport.write(http.refusal(status))
        self.transport.close()

    # Reading

    def _read_on(self) -> None:
        """Goes on with what came before the application was ready for it."""
        self._read(self._rest)
        if len(self.queue) < _MOST_WAITING and not self._is_resting:
            self._resume_reading()

    def _pause_reading(self) -> None:
        if not self._is_paused and not self.transport.is_closing():
            self._is_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_paused and not self.transport.is_closing():
            self._is_paused = False
            self.transport.resume_reading()

    def _read(self, data: bytes) -> None:
        """Takes whole frames off `data`, and keeps the rest."""
        at, end = 0, len(data)
        while end - at >= 2 and len(self.queue) < _MOST_WAITING and not self._is_over and not self._is_resting:
            first, size = data[at], data[at + 1] - _MASKED
            start = at + 6
            if size >= 126:
                start += 2 if size == 126 else 8
                if end < start - 4:
                    break
                size = data[at + 2] << 8 | data[at + 3] if size == 126 else int.from_bytes(data[at + 2 : start - 4])
            is_plain = first == _WHOLE_TEXT and 0 <= size <= self._most and self._message is None
            if not is_plain and (problem := self._problem(first, size)):
                self._fail(*problem)
                break
            if end < start + size:
                break
            at = start + size
            payload = apply_mask(data[start:at], data[start - 4 : start])
            if is_plain:
                self._deliver_text(payload)
            else:
                self._take(first, payload)
            if not is_plain or self.close_sent:
                self._count_other()
        self._rest = b"" if self._is_over else data[at:]
        if self._pong is not None:
            self._answer_ping()

    def _count_other(self) -> None:
        """
        Attack stopped: control frames and fragments by the million. No limit of the application counts them, and a second of them is a
        second in which nobody else is heard.
        """
        self._others += 1
        if self._others == _MOST_OTHERS:
            self._others = 0
            self._is_resting = True
            self._pause_reading()
            self.loop.call_later(_MOMENT, self._end_rest)

    def _end_rest(self) -> None:
        self._is_resting = False
        if not self._is_over:
            self._read_on()

    def _problem(self, first: int, size: int) -> tuple[int, str] | None:
        """Close code and reason for a frame that begins like this, so that what is too big is not waited for; None if it may come."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            return 1002, "reserved bits must be 0"
        if size < 0:
            return 1002, "frames must be masked"
        if opcode in _CONTROL:
            return None if first & _FIN and size < 126 else (1002, "control frames must be whole and short")
        if opcode not in _DATA:
            return 1002, "unknown opcode"
        if (opcode == Opcode.CONT) is (self._message is None):
            return 1002, "fragments out of order"
        if size + len(self._message or b"") > self._most:
            return 1009, "message too big"
        return None

    def _take(self, first: int, payload: bytes) -> None:
        opcode = first & _OPCODE
        if opcode in _CONTROL:
            self._take_control(opcode, payload)
            return
        if opcode != Opcode.CONT:
            self._is_text = opcode == Opcode.TEXT
            if first & _FIN:
                self._deliver(payload)
                return
            self._message = bytearray()
        self._message += payload
        if first & _FIN:
            payload, self._message = bytes(self._message), None
            self._deliver(payload)

    def _deliver(self, payload: bytes) -> None:
        if self._is_text:
            self._deliver_text(payload)
        elif not self.close_sent:
            self.queue.put_nowait(payload)

    def _deliver_text(self, payload: bytes) -> None:
        if self.close_sent:
            return  # the application is past it
        if self._listener and self.queue.is_awaited and self._heard < _MOST_AT_ONCE and payload.isascii():
            self._heard += 1
            if self._listener(payload):
                return
        try:
            self.queue.put_nowait(payload.decode())
        except UnicodeDecodeError:
            self._fail(1007, "text must be UTF-8")

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.CLOSE:
            self._take_close(payload)
        elif opcode == Opcode.PING:
            self._pong = payload

    def _answer_ping(self) -> None:
        """
        Attack stopped: pings by the thousand, and no pong read. One pong answers all that came since the client last took something.

        Source: RFC 6455 section 5.5.3.
        """
        if self._drained:
            return
        payload, self._pong = self._pong, None
        if not self.close_sent:
            self.transport.write(_frame(_FIN | Opcode.PONG, payload))

    # Closing

    def _take_close(self, payload: bytes) -> None:
        try:
            close = Close.parse(payload)
        except ProtocolError as error:
            self._fail(1002, str(error))
        except UnicodeDecodeError:
            self._fail(1007, "the reason must be UTF-8")
        else:
            if not self.close_sent:
                self._write_close(close.code, close.reason, payload)
            self._end()

    def _close(self, code: int, reason: str) -> None:
        """The application's wish; what it has not read by now it will not read."""
        self.queue.clear()
        self._send_close(code, reason)
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        self._read_on()

    def _fail(self, code: int, reason: str = "") -> None:
        """
        The client's error, or the application's. What still comes is read and thrown away for a while: a socket that is closed with bytes
        unread is reset, and a client that is reset may lose the frame that says why.

        Source: RFC 6455 sections 7.1.1 and 7.1.7.
        """
        if self._is_over or self.transport.is_closing():
            return
        if self.close_sent:
            self._end()
            return
        self._send_close(code, reason)
        if not self.transport.can_write_eof():  # TLS
            self._end()
            return
        self._is_over = True
        self._resume_reading()
        self.transport.write_eof()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def _end(self) -> None:
        self._is_over = True
        self._stop_timer()
        self.transport.close()

    def _stop_timer(self) -> None:
        if self.close_timer:
            self.close_timer.cancel()
            self.close_timer = None

    def _send_close(self, code: int, reason: str = "") -> None:
        """
        Raises:
            ProtocolError: the code may not stand in a frame, or the reason is longer than 123 bytes.
        """
        payload = Close(code, reason).serialize()
        Frame(Opcode.CLOSE, payload).check()
        self._write_close(code, reason, payload)

    def _write_close(self, code: int, reason: str, payload: bytes) -> None:
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": int(code), "reason": reason})
        self.transport.write(_frame(_FIN | Opcode.CLOSE, payload))


_ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: %b\r\n%b\r\n"


def _read_request(method: str, headers: dict[bytes, bytes]) -> tuple[str, HTTPStatus | None]:
    """
    The client's key, and with which status the request is refused, if it is. That it asks for `websocket` the HTTP class has seen.

    Source: RFC 6455 section 4.2.1.
    """
    if method != "GET":
        return "", HTTPStatus.METHOD_NOT_ALLOWED
    key = headers.get(b"sec-websocket-key", b"").strip()
    if headers.get(b"sec-websocket-version", b"").strip() != b"13" or not _is_key(key):
        return "", HTTPStatus.BAD_REQUEST
    return key.decode(), None


def _host_and_port(address: object) -> tuple[str, int] | None:
    """Of a socket's address; None of one that is a file."""
    return address[:2] if isinstance(address, tuple) else None


def _listed(value: bytes | None) -> list[str]:
    """The elements of a header whose value is a list; of one that is not there, none."""
    return [] if value is None else [part.strip() for part in value.decode("latin-1").split(",")]


def _is_key(text: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(text, strict_mode=True)) == 16
    except binascii.Error:
        return False


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return _medium(first, 126, size) + payload
    return _large(first, 127, size) + payload


class _Events(list):
    """What the application has not read yet: a small asyncio.Queue for one reader."""

    __slots__ = ("_loop", "_reader", "is_awaited")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader: asyncio.Future | None = None
        self.is_awaited = False  # whether the application waits, and for nothing that is here

    def put_nowait(self, event: dict | str | bytes) -> None:
        self.append(event)
        self.is_awaited = False
        if self._reader and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> dict | str | bytes:
        while not self:
            self._reader = self._loop.create_future()
            self.is_awaited = True
            await self._reader
        return self.pop(0)  # of a few
