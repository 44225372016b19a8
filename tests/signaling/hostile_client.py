"""Those who mean harm: bytes on a TCP socket, without a library that would keep them to the rules."""

import asyncio
import contextlib
import json
import random
import socket
from itertools import count

from tests.signaling.socket_client import Client

UPGRADE = (
    b"GET /signaling HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: gruveo.v1\r\n\r\n"
)
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
_SECONDS = 60  # a slow machine under attack


def frame(opcode: int, payload: bytes, *, final: bool = True, masked: bool = True) -> bytes:
    """RFC 6455 section 5.2; the mask is zero, which leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65_536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    mask = bytes(4) if masked else b""
    return bytes([final << 7 | opcode, length[0] | masked << 7]) + length[1:] + mask + payload


_END = frame(TEXT, b'{"type":"end"}')  # answered in any case: it is unknown, or one too many


def tcp(port: int) -> socket.socket:
    """A TCP socket on which nothing has been said, with a receive buffer that is soon full."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    return made


async def told(port: int, data: bytes) -> tuple[list[dict], int | None]:
    """
    Upgrades, sends all of this, and closes once all of it is answered, unless the server does.

    Returns:
        The messages of the server and its close code. When it closes while it is still being written to, the last of them may not arrive,
        and the code is None.
    """
    async with asyncio.timeout(_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(UPGRADE)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            sending = asyncio.create_task(_send(writer, data + _END))
            answers = await _read(reader, writer)
            await sending
        finally:
            writer.transport.abort()
    return answers


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # the server has heard enough
        writer.write(data)
        await writer.drain()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[list[dict], int | None]:
    messages, close_code = [], None
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            opcode, size = await reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            payload = await reader.readexactly(size)
            if opcode & 15 == TEXT:
                messages.append(json.loads(payload))
                if messages[-1].get("about") == "end":
                    writer.write(frame(CLOSE, b"\x0b\xb8"))
            elif opcode & 15 == CLOSE:
                close_code = int.from_bytes(payload[:2], "big")
                writer.write(frame(CLOSE, payload[:2]))
    return messages, close_code


class Rubbish:
    """Frames that no client should send, drawn from one generator; `peers` are members whom they may name."""

    def __init__(self, chance: random.Random, *, peers: list[str], token: str) -> None:
        self._chance = chance
        self._peers = [*peers, "nobody__________", "x", ""]
        self._token = token
        self._breaches = count()

    def hello(self) -> bytes:
        """A first message that is to be refused, mostly."""
        make = self._chance.choice([self._spoilt_token, self._wrong, self._mutated, lambda: b"", lambda: b"\xff\xfe"])
        return frame(self._chance.choice([TEXT, TEXT, TEXT, BINARY]), make())

    def frame(self) -> bytes:
        """One that leaves the socket open, unless a mutation happens to break its UTF-8."""
        kinds = [
            self._wrong, self._wrong, self._mutated, self._mutated, self._nested, self._unknown, self._stranger, self._noise,
        ]  # fmt: skip
        payload = self._chance.choice(kinds)()
        kind = self._chance.random()
        if kind < 0.05:
            return frame(BINARY, payload)
        if kind < 0.1:
            return frame(PING, payload[:125])
        if kind < 0.2:
            return self._fragmented(payload)
        return frame(TEXT, payload)

    def breach(self) -> bytes:
        """One that breaks RFC 6455 or a size, and so ends its socket; each kind in turn."""
        payload = self._mutated()
        kinds = [
            frame(TEXT, b"x" * 65_537),
            frame(TEXT, b"x" * 65_000, final=False) + frame(0, b"x" * 1_000),
            frame(TEXT, payload, masked=False),
            frame(0, payload),
            frame(TEXT, payload, final=False) + frame(TEXT, payload),
            frame(self._chance.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload),
            frame(0x40 | TEXT, payload),
            frame(PING, b"x" * 126),
            frame(PING, b"x", final=False),
            frame(CLOSE, self._chance.choice([b"\x03", b"\x03\xed", b"\x00\x00", b"\x03\xe8\xff", b"\xff\xff"])),
            frame(TEXT, b"\xff"),
            frame(TEXT, b"\xff") + frame(CLOSE, b"\x03\xe8"),
            b"\x81\xff" + b"\xff" * 8 + b"x" * 100,
        ]
        return kinds[next(self._breaches) % len(kinds)]

    def _valid(self) -> dict:
        to, stream = self._chance.choice(self._peers), self._chance.choice(["q", "r" * 32, "s" * 33])
        seq = self._chance.choice([1, 2, 64, 2**53 - 1])
        return self._chance.choice(
            [
                {"type": "signal", "to": to, "stream": stream, "seq": seq, "ack": 0, "body": {"candidates": []}},
                {"type": "ack", "to": to, "stream": stream, "ack": seq},
                {"type": "state", "name": "Mallory", "muted": True},
                {"type": "lock", "locked": False},
                {"type": "ping", "id": seq},
                {"type": "members"},
                {"type": "hello", "code": "heron", "state": {"name": "Mallory"}, "attempt": 1, "client": "x"},
            ]
        )

    def _any(self) -> object:
        return self._chance.choice(
            [
                None, True, -1, 0, 1.5, 2**53, 2**64, 10**400, 1e308, "", "x" * 5_000, "\0", "\ud800", "\u202e", [], [[]] * 100, {},
                {"type": "leave"}, "nobody__________", float("nan"), float("inf"),
            ]
        )  # fmt: skip

    def _wrong(self) -> bytes:
        message = self._valid()
        message[self._chance.choice(list(message))] = self._any()
        return json.dumps(message).encode()

    def _mutated(self) -> bytes:
        data = bytearray(json.dumps(self._valid(), ensure_ascii=False).encode())
        for _ in range(self._chance.randint(1, 4)):
            at = self._chance.randrange(len(data))
            data[at : at + self._chance.randint(0, 3)] = self._chance.choice(
                [b"", b'"', b"}", b"\\u", b"\0", b"9" * 30, b"[", "é".encode()]
            )
            data = data or bytearray(b"{")
        return bytes(data)

    def _nested(self) -> bytes:
        depth, (opened, closed) = self._chance.randint(100, 10_000), self._chance.choice([("[", "]"), ('{"a":', "}")])
        text = opened * depth + "0" + closed * self._chance.choice([0, depth])
        return (text if self._chance.random() < 0.5 else f'{{"type":"ping","x":{text}}}').encode()

    def _unknown(self) -> bytes:
        name = self._chance.choice(
            ["knock", "knocking", "admit", "refuse", "welcome", "joined", "reconnect", "nope", "x" * 9_000, "__init__"]
        )
        return json.dumps({"type": name, "peer": self._chance.choice(self._peers)}).encode()

    def _stranger(self) -> bytes:
        return json.dumps({"type": "signal", "to": "nobody__________", "stream": "q", "seq": 1, "body": 0}).encode()

    def _noise(self) -> bytes:
        return "".join(
            chr(self._chance.choice([9, 34, 48, 91, 123, 233, 0x2028, 0x1F3A5])) for _ in range(200)
        ).encode()

    def _spoilt_token(self) -> bytes:
        at = self._chance.randrange(len(self._token))
        another = self._chance.choice([letter for letter in "Az09-_.=é\0" if letter != self._token[at]])
        token = self._token[:at] + another + self._token[at + 1 :]
        return json.dumps(
            {"type": "hello", "resume": self._chance.choice([token, token[at:] or "x", token * 40])}
        ).encode()

    def _fragmented(self, payload: bytes) -> bytes:
        at = self._chance.randint(0, len(payload))
        ping = frame(PING, b"between") if self._chance.random() < 0.5 else b""
        return frame(TEXT, payload[:at], final=False) + ping + frame(0, payload[at:])


async def stays(client: Client) -> None:
    """Reads all that comes, and pings so that its place is kept; until it is cancelled."""
    while True:
        await client.send("ping")
        await client.hear("pong")
        await asyncio.sleep(1)


class Undisturbed:
    """
    Two who talk while others attack. Use `async with`; at its end every signal must have arrived, once and in order, and nothing else.

    They keep below the limits, and wait for each signal before they say the next, so that none of them is ever said again.
    """

    def __init__(self, alice: Client, bob: Client) -> None:
        self._alice, self._bob = alice, bob
        self._ended = asyncio.Event()
        self.arrived = 0

    async def __aenter__(self) -> "Undisturbed":
        assert (await self._alice.hear())["type"] == "joined"
        self._talking = asyncio.get_running_loop().create_task(self._talk())
        return self

    async def __aexit__(self, *_) -> None:
        self._ended.set()
        await self._talking
        assert self.arrived

    async def _talk(self) -> None:
        pairs = [(self._bob, self._alice), (self._alice, self._bob)]
        while not self._ended.is_set() or self.arrived < 10:
            for sender, receiver in pairs:
                await sender.signal(receiver.peer, self.arrived + 1)
                heard = await receiver.hear()
                assert (heard["type"], heard["from"], heard["seq"]) == ("signal", sender.peer, self.arrived + 1)
            self.arrived += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 1 / 30)  # thirty a second are below every limit
