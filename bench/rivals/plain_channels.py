"""
A consumer as the tutorials of Channels write it, on the stock `channels_redis.pubsub` layer; any number of daphne processes.

A peer id is the name that Channels gave to its consumer, a room is a layer group. Who is in a room stands in a Redis set. Whoever gets a
message checks that it was sent in the same room. daphne itself holds messages to 64 KiB (see how bench/systems.py starts it).
"""

import json
import os
import time

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.security.websocket import OriginValidator
from django.conf import settings
from redis import asyncio as redis

REDIS_URL = os.environ["REDIS_URL"]
ORIGINS = os.environ["ORIGINS"].split(",")
RATE = float(os.environ.get("MESSAGES_PER_SECOND", "50"))
BURST = float(os.environ.get("MESSAGES_AT_ONCE", "200"))
ROOM_SECONDS = 12 * 3600

settings.configure(
    CHANNEL_LAYERS={
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    },
    LOGGING_CONFIG=None,
)
members = redis.from_url(REDIS_URL, decode_responses=True)


class TokenBucket:
    def __init__(self) -> None:
        self._level = BURST
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._level = min(BURST, self._level + (now - self._at) * RATE)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class PlainConsumer(AsyncJsonWebsocketConsumer):
    room = None

    async def connect(self):
        self.bucket = TokenBucket()
        await self.accept()

    @classmethod
    async def decode_json(cls, text):
        try:
            return json.loads(text)
        except ValueError:
            return None

    async def receive_json(self, content, **kwargs):
        kind = content.get("type") if isinstance(content, dict) else None
        if not self.bucket.take():
            await self.send_json({"type": "error", "code": "rate-limited"})
        elif kind == "signal" and self.room and isinstance(content.get("to"), str) and "body" in content:
            await self.relay(content.pop("to"), content)
        elif kind == "join" and not self.room and isinstance(content.get("room"), str):
            await self.join(content["room"])
        else:
            await self.send_json({"type": "error", "code": "bad-message"})

    async def join(self, room):
        self.room = room
        await self.channel_layer.group_add(room, self.channel_name)
        async with members.pipeline() as pipe:
            pipe.sadd(f"room:{room}", self.channel_name).expire(f"room:{room}", ROOM_SECONDS).smembers(f"room:{room}")
            *_, present = await pipe.execute()
        peers = sorted(present - {self.channel_name})
        await self.send_json({"type": "joined", "peer": self.channel_name, "peers": peers})
        if peers:
            await self.channel_layer.group_send(room, {"type": "peer.joined", "peer": self.channel_name})

    async def relay(self, to, message):
        await self.channel_layer.send(
            to, {"type": "peer.signal", "room": self.room, "message": {**message, "from": self.channel_name}}
        )

    async def disconnect(self, code):
        if not self.room:
            return
        await self.channel_layer.group_discard(self.room, self.channel_name)
        await members.srem(f"room:{self.room}", self.channel_name)
        await self.channel_layer.group_send(self.room, {"type": "peer.left", "peer": self.channel_name})

    async def peer_signal(self, event):
        if event["room"] == self.room:
            await self.send_json(event["message"])

    async def peer_joined(self, event):
        if event["peer"] != self.channel_name:
            await self.send_json({"type": "peer-joined", "peer": event["peer"]})

    async def peer_left(self, event):
        await self.send_json({"type": "peer-left", "peer": event["peer"]})


application = OriginValidator(PlainConsumer.as_asgi(), ORIGINS)
