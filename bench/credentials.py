"""
How many TURN credentials one process makes in a second: ours, which are signed, beside the scheme they replace, which writes a row for each
into the PostgreSQL that coturn reads. Both kinds end: the rows are deleted, hundreds at once, since coturn's table knows no time. No web
framework is around either.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from itertools import count

import psycopg

from bench.measures import Size
from tests.postgres_server import PostgresServer
from turnauth import credentials

_SECRET = "bench-only-0123456789-abcdefghijklmnop-turn"
_REALM = "gruveo.example"
_SIGNED, _WRITTEN = 50_000, 500  # of each, in a round
_ROUNDS_A_TURN = 4  # both kinds take less than a second together
# coturn's own table (turndb/schema.sql). Its key is MD5 over user, realm and password, RFC 8489 section 9.2.2.
_users = count()
_TABLE = (
    "CREATE TABLE turnusers_lt (realm varchar(127), name varchar(512), hmackey char(128), PRIMARY KEY (realm, name))"
)
_ROW = "INSERT INTO turnusers_lt (realm, name, hmackey) VALUES (%s, %s, %s)"
_END = "DELETE FROM turnusers_lt WHERE realm = %s AND name = ANY(%s)"


def measure(size: Size, *, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Credentials in a second, round by round, the two in turns; the first round is not counted."""
    found: dict[str, list[float]] = {"signed": [], "written": []}
    with (
        PostgresServer(is_durable=True) as server,
        psycopg.connect(server.make_database(), autocommit=True) as database,
    ):
        database.execute(_TABLE)
        rounds = _ROUNDS_A_TURN * size.turns
        for number in range(rounds + 1):
            signed = _rate(_SIGNED, _sign)
            written = _rate(_WRITTEN, lambda name: _write(database, name), end=lambda names: _end(database, names))
            if number:
                found["signed"].append(signed)
                found["written"].append(written)
            say(f"credentials {number}/{rounds}: {signed:,.0f} signed a second, {written:,.0f} written")
    return found


def _rate(times: int, make: Callable[[str], object], end: Callable[[list[str]], object] = lambda names: None) -> float:
    names = [f"{next(_users):024x}" for _ in range(times)]  # which both schemes are given
    begin = time.perf_counter()
    for name in names:
        make(name)
    end(names)
    return times / (time.perf_counter() - begin)


def _sign(name: str) -> credentials.Credentials:
    return credentials.sign(name, secret=_SECRET, expires=int(time.time()) + 3600)


def _write(database: psycopg.Connection, name: str) -> tuple[str, str]:
    password = secrets.token_urlsafe(16)
    key = hashlib.md5(f"{name}:{_REALM}:{password}".encode(), usedforsecurity=False).hexdigest()
    database.execute(_ROW, (_REALM, name, key))
    return name, password


def _end(database: psycopg.Connection, names: list[str]) -> None:
    database.execute(_END, (_REALM, names))
