"""The one node that this process is, made from the settings: its switchboard, over rooms in memory or at the Redis hosts."""

from functools import partial

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError

from signaling import conf
from signaling.accord import Accord, fingerprint
from signaling.links import Link
from signaling.records import keep_recording
from signaling.rooms.memory import MemoryRooms
from signaling.rooms.redis import RedisRooms
from signaling.shards import PATIENCE, Shard
from signaling.switchboard import Switchboard
from signaling.wire import ScriptRedis

_LOOK = 1.0  # seconds between two looks at who has run out, where no lease has to be renewed
_ANSWER = 1.3  # seconds that a Redis host has for an answer; less than signaling.shards waits, so that a deaf socket is found out
_MOST_SOCKETS = 32  # to one Redis host, besides the two of the link


def _make() -> Switchboard:
    urls, limits = conf.redis_urls(), conf.limits()
    if not urls:
        made = Switchboard(renewal=_LOOK)
        _add(made, Shard(MemoryRooms(remember=limits.token, reload=limits.place)))
        return made
    made = Switchboard(renewal=conf.lease() / 8)
    common = fingerprint(urls, room_key=conf.room_key())
    for url in urls:
        _add(made, _shard(url, common, made))
    return made


def _add(switchboard: Switchboard, shard: Shard) -> None:
    switchboard.add(shard, partial(keep_recording, shard.rooms, every=conf.lease() / 5))


def _shard(url: str, common: str, made: Switchboard) -> Shard:
    limits, lease = conf.limits(), conf.lease()
    redis = _client(url)
    rooms = RedisRooms(
        redis,
        lease=lease,
        quarantine=conf.quarantine(),
        remember=limits.token,
        reload=limits.place,
        joins=limits.joins,
        joins_burst=limits.joins_burst,
        patience=PATIENCE,
    )
    link = Link(url, made.deliver, test_every=lease / 3, patience=lease * 2 / 3, tally=made.tally)
    return Shard(rooms, link, Accord(redis, common, lasts=4 * lease))


def _client(url: str) -> ScriptRedis:
    """
    Answers or raises within seconds. What was sent into a socket that Redis had closed is sent once more, on a new one: scripts bear
    being run twice.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=_MOST_SOCKETS,
        timeout=_ANSWER,
        socket_timeout=_ANSWER,
        socket_connect_timeout=_ANSWER,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
    )
    return ScriptRedis(pool, patience=_ANSWER)


switchboard = _make()
