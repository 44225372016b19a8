"""What a call must leave nowhere."""

import psycopg
import redis

from tests.redis_server import RedisServer

MARK = "7f3a9c"  # in everything that must not be found


def everything_in(server: RedisServer) -> str:
    """All keys with what they hold, in whatever form it is kept."""
    read = {
        b"string": lambda client, key: client.get(key),
        b"hash": lambda client, key: client.hgetall(key),
        b"list": lambda client, key: client.lrange(key, 0, -1),
        b"set": lambda client, key: client.smembers(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1),
        b"stream": lambda client, key: client.xrange(key),
    }
    with redis.Redis(unix_socket_path=server.path) as client:
        return repr([(key, read[client.type(key)](client, key)) for key in client.scan_iter()])


def rows_of(database: str) -> str:
    """All rows of all tables of this PostgreSQL, each after the name of its table."""
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return "\n".join(
            f"{table} {row!r}" for (table,) in tables for row in connection.execute(f'SELECT * FROM "{table}"')
        )


def is_in_none(places: dict[str, str]) -> None:
    """The mark is in none of these texts, which are named by where they come from."""
    for where, text in places.items():
        at = text.casefold().find(MARK)
        assert at < 0, f"{where}: {text[max(0, at - 300) : at + 100]}"
