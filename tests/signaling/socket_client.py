"""One client on a real socket, as the tests speak it: messages in, messages out, and the close code at the end."""

import asyncio
import json

import websockets

_SECONDS = 15  # a slow machine; nothing waits that long when all is well


class Client:
    """Use `async with await Client.open(url) as client`."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.welcome: dict = {}

    @classmethod
    async def open(cls, url: str, *, subprotocols=("gruveo.v1",), **options) -> "Client":
        return cls(
            await websockets.connect(
                url, subprotocols=list(subprotocols) or None, compression=None, max_size=70_000, **options
            )
        )

    @classmethod
    async def join(cls, url: str, code: str, **members) -> "Client":
        client = await cls.open(url)
        await client.send("hello", code=code, **members)
        client.welcome = await client.hear("welcome")
        return client

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_) -> None:
        await self.socket.close()

    @property
    def peer(self) -> str:
        return self.welcome["peer"]

    async def send(self, name: str, /, **members) -> None:
        await self.send_text(json.dumps({"type": name, **members}))

    async def send_text(self, text: str | bytes) -> None:
        await self.socket.send(text)

    async def hear(self, name: str | None = None) -> dict:
        """The next message, or the next one of this type; those before it are passed over."""
        async with asyncio.timeout(_SECONDS):
            while True:
                message = json.loads(await self.socket.recv())
                if name in (None, message["type"]):
                    return message

    async def refusal(self) -> str:
        return (await self.hear("error"))["code"]

    async def close_code(self) -> int:
        """Reads to the end."""
        try:
            async with asyncio.timeout(_SECONDS):
                while True:
                    await self.socket.recv()
        except websockets.ConnectionClosed:
            return self.socket.close_code

    async def signal(self, to: str, seq: int = 1, **members) -> None:
        await self.send("signal", to=to, stream="q", seq=seq, body=members.pop("body", {"seq": seq}), **members)

    def vanish(self) -> None:
        """The network is gone: no close frame."""
        self.socket.transport.abort()
