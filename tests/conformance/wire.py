"""
One client on one socket, for asking a server whether it keeps docs/protocol.md: messages out, messages in, the close code at the end.

Neither this file nor those beside it import anything of the project: what they know, they know from the paper.
"""

import json
import threading
import time
from itertools import count

import websockets
from websockets.sync.client import connect

SECONDS = (
    60  # until an answer counts as missing: twice as long as a place is kept; nothing waits that long when all is well
)
MOST = 2**53 - 1
_BEAT_ID = MOST - 1  # of the pings that only keep a socket alive; their pongs are not shown
_EMPTY_CLOSE = b"\x88\x80\0\0\0\0"  # RFC 6455 section 5.5.1: a close frame may be without a code


class Client:
    """
    A socket that keeps itself alive, unless `beats` is made False, and says no more than `welcome` lets it, unless `keeps_limits` is.

    `answer` is what its `hello` was answered with.
    """

    def __init__(self, url: str, *, subprotocols=("gruveo.v1",), **options) -> None:
        self.socket = connect(
            url,
            subprotocols=list(subprotocols) or None,
            max_size=66_000,
            ping_interval=None,
            open_timeout=SECONDS,
            close_timeout=SECONDS,
            # Without a `max_queue` what the server sends is taken at once, whoever reads it when.
            **{"compression": None, "max_queue": None, **options},
        ).__enter__()  # `close` leaves it
        self.answer: dict = {}
        self.beats = False
        self.keeps_limits = True
        self._beat_at = self._said_at = time.monotonic()
        self._said = 0.0  # messages that the server has not forgiven yet
        self._ids = count(MOST // 2)  # far from those that a test may choose

    @property
    def peer(self) -> str:
        return self.answer["peer"]

    @property
    def token(self) -> str:
        return self.answer["token"]

    def say(self, name: str, /, **members) -> None:
        self.send(json.dumps({"type": name, **members}, ensure_ascii=False))

    def send(self, frame: str | bytes) -> None:
        """One message as it stands: text, or binary."""
        if self.keeps_limits and self.answer:
            self._wait_for_the_limit()
        self.socket.send(frame)

    def send_parts(self, parts: list[str]) -> None:
        """One text message in as many frames, written at once, for the server may close before it has read all of them."""
        last = len(parts) - 1
        frames = (_frame(0 if at else 1, part.encode(), final=at == last) for at, part in enumerate(parts))
        self.socket.socket.sendall(b"".join(frames))

    def send_at_once(self, *messages: dict) -> None:
        """Many messages, written as one: the server may close after the first."""
        texts = (json.dumps(message).encode() for message in messages)
        self.socket.socket.sendall(b"".join(_frame(1, text, final=True) for text in texts))

    def signal(self, to: str, seq: int = 1, *, stream: str = "q1W9eR", **members) -> None:
        self.say("signal", to=to, stream=stream, seq=seq, **{"body": {"seq": seq}, **members})

    def hear_text(self) -> str:
        """The next message as it came."""
        deadline = time.monotonic() + SECONDS
        while True:
            text = self.socket.recv(timeout=max(0, deadline - time.monotonic()))
            assert isinstance(text, str), "the server sends text only"
            if f'"id":{_BEAT_ID}' not in text:
                return text

    def hear(self, name: str | None = None) -> dict:
        """The next message, or the next of this type; those before it are passed over."""
        while True:
            message = json.loads(self.hear_text())
            if name in (None, message["type"]):
                return message

    def settle(self) -> list[dict]:
        """All that came until now: what stands before the answer to a ping that is said now."""
        number = next(self._ids)
        self.say("ping", id=number)
        heard = []
        while (message := self.hear())["type"] != "pong" or message["id"] != number:
            heard.append(message)
        return heard

    def refusal(self) -> dict:
        """The next `error`, while the socket stays open; those messages before it are passed over."""
        error = self.hear("error")
        self.settle()
        return error

    def end(self) -> tuple[list[dict], int]:
        """All that still comes, and the close code (1006 when there was no close frame)."""
        self.beats = False
        heard = []
        try:
            while True:
                heard.append(self.hear())
        except websockets.ConnectionClosed:
            return heard, self.socket.close_code

    def closing(self) -> tuple[str, int]:
        """How the server ended the socket: the code of its last message, which is an `error`, and the close code."""
        heard, close = self.end()
        assert heard and heard[-1]["type"] == "error", f"closed with {close} and no error before it: {heard}"
        return heard[-1]["code"], close

    def close(self, code: int = 1000) -> None:
        self.beats = False
        self.socket.close(code)

    def close_without_code(self) -> None:
        self.beats = False
        self.socket.socket.sendall(_EMPTY_CLOSE)

    def vanish(self) -> None:
        """The line is cut: no close frame."""
        self.beats = False
        self.socket.socket.shutdown(2)

    def _wait_for_the_limit(self) -> None:
        limits, now = self.answer["limits"], time.monotonic()
        rate = limits["messages_per_second"] * 0.9
        self._said = max(0.0, self._said - rate * (now - self._said_at)) + 1
        self._said_at = now
        if self._said > limits["messages_at_once"] * 0.9:
            time.sleep(1 / rate)

    def beat(self, now: float) -> None:
        """Says a ping when a quarter of the time has passed after which the server takes silence for death."""
        if not self.beats or now - self._beat_at < self.answer["limits"]["silence"] / 4:
            return
        self._beat_at = now
        try:
            self.say("ping", id=_BEAT_ID)
        except websockets.ConnectionClosed:
            self.beats = False


class People:
    """
    Opens sockets to one server and closes them all at its end, so that no room stays behind. Use `with`.

    It keeps its sockets alive meanwhile, and waits as long as the server says when it has joined too often, or the server admits nobody,
    as one that has just been started does not.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: list[Client] = []
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._keep_alive, daemon=True)

    def __enter__(self) -> "People":
        self._heart.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._heart.join()
        for client in self._clients:
            client.close()

    def open(self, **options) -> Client:
        client = Client(self.url, **options)
        self._clients.append(client)
        return client

    def hello(self, **members) -> Client:
        """Says `hello`; the answer may be a refusal."""
        deadline = time.monotonic() + SECONDS
        while True:
            client = self.open()
            client.say("hello", **members)
            client.answer = client.hear()
            if client.answer.get("code") not in ("too-many-joins", "unavailable") or time.monotonic() > deadline:
                client.beats = client.answer["type"] == "welcome"
                return client
            time.sleep(client.answer["retry_after"])

    def join(self, code: str, **members) -> Client:
        """Comes in; nothing may come before the `welcome`."""
        return _welcomed(self.hello(code=code, **members))

    def resume(self, token: str, **members) -> Client:
        return _welcomed(self.hello(resume=token, **members))

    def _keep_alive(self) -> None:
        while not self._ended.wait(0.2):
            for client in list(self._clients):
                client.beat(time.monotonic())


def _frame(opcode: int, payload: bytes, *, final: bool) -> bytes:
    """RFC 6455 section 5.2; the mask is zero, which leaves the payload as it is."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([final << 7 | opcode]) + length + bytes(4) + payload


def _welcomed(client: Client) -> Client:
    assert client.answer["type"] == "welcome", client.answer
    return client
