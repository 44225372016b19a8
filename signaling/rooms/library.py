"""
The script of the rooms as Redis keeps it: a library of one function, from Redis 7.0 and Valkey 7.2 on.

A script that is run by EVALSHA is run from its first line each time, and makes all of its functions anew, which was a seventh of what Redis
did for a join. A library does so once, when it is loaded. Each version has a name of its own, because nodes of two versions ask while one
replaces the other.

Source: https://redis.io/docs/latest/develop/programmability/functions-intro/
"""

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ResponseError

_TEMPLATE = (
    "#!lua name=NAME\n" + (Path(__file__).parent / "rooms.lua").read_text() + "redis.register_function('NAME', run)\n"
)
NAME = f"rooms_{hashlib.sha256(_TEMPLATE.encode()).hexdigest()[:16]}"
_LIBRARY = _TEMPLATE.replace("NAME", NAME)
_LOADED = "libraries"  # each version by when it was last loaded, in unix seconds
_KEPT = 24 * 3600  # seconds


def is_missing(error: ResponseError) -> bool:
    """Whether Redis answered that it does not know a function (any more)."""
    return "Function not found" in str(error)


async def load(redis: Redis) -> None:
    """
    Has Redis know it, if it does not by now. Other versions that were loaded more than a day ago are removed: who still asks for one of
    them loads it again, and most are from nodes that are gone.
    """
    if await redis.function_list(library=NAME):
        return
    now = time.time()
    await redis.zadd(_LOADED, {NAME: now})  # first: what is loaded and not listed would stay for ever
    await redis.function_load(_LIBRARY, replace=True)
    for name in await redis.zrangebyscore(_LOADED, "-inf", now - _KEPT):
        if await redis.zrem(_LOADED, name):  # else another node removes it, or it was loaded again meanwhile
            with suppress(ResponseError):  # it is gone already
                await redis.function_delete(name)
