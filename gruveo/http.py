"""uvicorn's HTTP, hardened against clients that take their time, and against requests that never end."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_MOST_HEAD = 65536  # bytes of a request that are no body, when they do not come at once
_MOST_BODY = 32 * 1024 * 1024  # bytes; what deploy/beanstalk allows the pictures of editors
_LEAST_TAKEN = 64 * 1024  # bytes in `take_seconds`: nobody's line is as slow as that
_MOST_WAITING = 16  # requests behind one that is not answered yet

# Where in a request the client is.
_BEFORE = "before"
_HEAD = "head"
_BODY = "body"


class HttpProtocol(HttpToolsProtocol):
    """
    Attacks stopped: connections that stay open because nothing comes, or half a request, or because the answer is not taken, each with its
    thread and its memory; headers, trailers and bodies without an end, for which the parser knows no limit; thousands of requests in one
    read, each kept until its turn.
    """

    head_seconds = 10.0  # for a request, until its headers have come: from the connection on, or from its first byte
    body_seconds = 300.0  # for the rest of it: ten megabytes over a slow line
    take_seconds = 60.0  # for the client to take some more of what was written

    cycle: RequestResponseCycle | None = None
    flow = None  # made together with the rest of uvicorn's class
    _running: RequestResponseCycle | None = None  # the last request is `cycle`, and may wait for this one
    _timer: asyncio.TimerHandle | None = None  # while the client has to go on
    _writing: asyncio.TimerHandle | None = None  # while it has to take something
    _phase = _BEFORE
    _head = 0  # bytes since something came that is not kept
    _body = 0
    _refusal: HTTPStatus | None = None  # why a request is read no further
    _is_over = False  # handed over, or refused

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._is_over:
            return
        if self._head > _MOST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif not self._is_served():
            self._expect()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taken()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_taking()
        self._forget_request()
        super().connection_lost(exc)

    # What the parser says

    def on_message_begin(self) -> None:
        self._phase, self._head, self._body = _HEAD, 0, 0
        self._stop_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.pipeline) == _MOST_WAITING:
            self._stop_reading(HTTPStatus.BAD_REQUEST)
        self._phase = _BODY
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head = 0
        self._body += len(body)
        if self._body > _MOST_BODY:
            self._stop_reading(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._phase, self._head = _BEFORE, 0
        self._stop_timer()
        super().on_message_complete()

    # What uvicorn's class says

    def _get_upgrade(self) -> bytes | None:
        """
        uvicorn looks at the last `Connection` alone.

        Source: RFC 9110 section 5.3.
        """
        return wanted_upgrade(joined(self.headers))

    def handle_websocket_upgrade(self) -> None:
        if self._has_untaken():
            self._refuse(None)
            return
        self._let_go()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or HTTPStatus.BAD_REQUEST)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._end_closing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._end_closing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # How long it may take

    def _is_served(self) -> bool:
        """Whether it is us who have to do something: the client has asked, and waits for the answer."""
        return self._phase is _BEFORE and self.cycle is not None and not self.cycle.response_complete

    def _expect(self) -> None:
        if not self._timer:
            seconds = self.body_seconds if self._phase is _BODY else self.head_seconds
            self._timer = self.loop.call_later(seconds, self._be_late)

    def _be_late(self) -> None:
        self._timer = None
        if self.flow and self.flow.read_paused:  # by us, until an answer is written
            self._expect()
        else:
            self._refuse(None if self._phase is _BEFORE else HTTPStatus.REQUEST_TIMEOUT)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _has_untaken(self) -> bool:
        """Of an answer that the client has not taken, a WebSocket behind it would not know, and so write on and on."""
        return self.transport.get_write_buffer_size() > 0

    def _let_go(self) -> None:
        """From now on the connection is somebody else's."""
        self._is_over = True
        self._stop_timer()

    # How it ends

    def _stop_reading(self, status: HTTPStatus) -> None:
        """For a call by the parser, which reads on unless it fails."""
        self._refusal = status
        raise ValueError(status)

    def _refuse(self, status: HTTPStatus | None) -> None:
        self._let_go()
        running = self._running
        if status and not (running and running.response_started and not running.response_complete):
            self.transport.write(refusal(status))
        self._forget_request()
        self.transport.close()
        self._end_closing()

    def _forget_request(self) -> None:
        """uvicorn tells only the last of several requests that the client is gone; an answer to another would be a traceback in the log."""
        if self._running and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _end_closing(self) -> None:
        """A connection is closed when all is written, and for that a client may wait for ever."""
        if self.transport.is_closing() and self.transport.get_write_buffer_size() and not self._writing:
            self._expect_taken()

    def _expect_taken(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._writing = self.loop.call_later(self.take_seconds, self._look_what_is_taken, left)

    def _look_what_is_taken(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - _LEAST_TAKEN:
            self.transport.abort()
        else:
            self._expect_taken()

    def _stop_taking(self) -> None:
        if self._writing:
            self._writing.cancel()
            self._writing = None


def joined(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """
    Each header once; one that stands there several times is one list.

    Source: RFC 9110 section 5.3.
    """
    each = dict(headers)
    if len(each) == len(headers):
        return each  # as nearly always
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return {name: b",".join(parts) for name, parts in values.items()}


def wanted_upgrade(headers: dict[bytes, bytes]) -> bytes | None:
    """The protocol, in small letters, that the client wants to go on with; None when it wants none."""
    is_meant = b"upgrade" in [word.strip() for word in headers.get(b"connection", b"").lower().split(b",")]
    return headers[b"upgrade"].lower() if is_meant and b"upgrade" in headers else None


def refusal(status: HTTPStatus) -> bytes:
    """An answer without a body, and the last on its connection."""
    return b"HTTP/1.1 %d %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % (status, status.phrase.encode())
