"""A process that records calls as a node does: `python -m tests.signaling.recorder <socket of Redis>`, DATABASE_URL in its environment."""

import asyncio
import sys

import django
from redis.asyncio import Redis

django.setup()

from django.db import DatabaseError  # noqa: E402

from signaling.records import record_calls  # noqa: E402
from signaling.rooms.redis import RedisRooms  # noqa: E402


async def main(redis_socket: str) -> None:
    """
    Says `ready`, waits for a line, and records; says of each try how many it took, or `away`. Ends when nothing is left, unless the
    database was away just now.
    """
    print("ready", flush=True)
    sys.stdin.readline()
    async with Redis(unix_socket_path=redis_socket) as client:
        rooms = RedisRooms(client)
        taken = -1
        while taken:
            try:
                taken = await record_calls(rooms, count=7)
                print(taken, flush=True)
            except DatabaseError:
                print("away", flush=True)
                await asyncio.sleep(0.1)


asyncio.run(main(sys.argv[1]))
