"""uvicorn's WebSocket, hardened against clients that do not read what is sent to them."""

from contextlib import suppress

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

FAREWELL = 10.0  # seconds in which a closing socket may still be read to its end


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """
    Attacks stopped: a client that sends ping frames and reads no pong makes the server keep them all (pongs pass by the application and its
    bounds); one that reads nothing keeps its socket, which is closed but not flushed, and is counted no more, for as long as it likes.
    """

    def send_receive_event_to_app(self) -> None:
        # Attack stopped: text that is not UTF-8 with a close frame at its heels, whose traceback nobody catches, fills the log.
        with suppress(InvalidState):
            super().send_receive_event_to_app()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Attack stopped: control frames and fragments by the million, of which uvloop reads megabytes before it looks at another socket.
        if not self.read_paused and not self.transport.is_closing():
            self.transport.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()

    def on_task_complete(self, task) -> None:
        super().on_task_complete(task)
        if self.transport.get_write_buffer_size():
            self.loop.call_later(FAREWELL if self.writable.is_set() else 0, self.transport.abort)
