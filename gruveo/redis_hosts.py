"""Which addresses of Redis hosts the settings may hold."""

import re
from urllib.parse import urlsplit

from redis.asyncio.connection import ConnectionPool, parse_url
from redis.exceptions import RedisError

_SCHEMES = ("redis://", "rediss://", "unix://")
_DATABASE = re.compile(r"/?|/[0-9]+")
# What an address may say of how a host is reached. Other options of redis-py change what it answers, or for how long it is waited for.
_PARTS = {"connection_class", "host", "port", "path", "db", "username", "password", "client_name"}


def parse(urls: tuple[str, ...]) -> tuple[str, ...]:
    """
    The same addresses, for redis-py: `redis://host:6379/0`, `rediss:` for TLS, `unix:` for a socket.

    Raises:
        ValueError: one is wrong; the text quotes none, for it may hold a password.
    """
    for url in urls:
        _check(url)
    if len(set(urls)) < len(urls):
        raise ValueError("a host is named twice")
    return urls


def _check(url: str) -> None:
    if not url.startswith(_SCHEMES):
        raise ValueError("addresses are such as redis://host:6379/0, separated by commas")
    try:
        said = parse_url(url)
        ConnectionPool.from_url(url).make_connection()  # connects to nothing yet
    except (ValueError, TypeError, RedisError):
        raise ValueError("a port or an option is none") from None
    if not all(part in _PARTS or part.startswith("ssl_") for part in said):
        raise ValueError("options are db, username, password, client_name and those of TLS (ssl_…)")
    path = urlsplit(url).path
    if url.startswith("unix:") and not path:
        raise ValueError("a unix: address needs the path of a socket")
    if not url.startswith("unix:") and not _DATABASE.fullmatch(path):
        raise ValueError("a path is the number of a database, as in redis://host:6379/0")
