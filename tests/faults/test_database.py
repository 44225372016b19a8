"""A database that is away while calls end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg
import pytest
from redis import Redis

from signaling.codes import read, room_id
from tests.faults.people import Pair, meet_all, part_all
from tests.faults.site import ROOM_KEY, Site
from tests.postgres_server import PostgresServer
from tests.scale import scaled

pytestmark = pytest.mark.server


class DatabaseTests:
    async def test_calls_that_end_meanwhile_are_recorded_once(self, chance):
        async with _site(chance) as (site, postgres, database):
            first = await _end_while(site, chance, "killed", stop=postgres.kill, start=postgres.start)
            second = await _end_while(site, chance, "frozen", stop=postgres.freeze, start=postgres.thaw)

            assert _recorded(database) == sorted(room_id(read(code), key=ROOM_KEY) for code in first + second)

    async def test_calls_that_ended_before_redis_lost_its_memory_are_recorded_once(self, chance):
        """The database is away meanwhile, so they wait, and nobody but the nodes knows them."""
        async with _site(chance) as (site, postgres, database):
            pairs = [Pair(site.ws_url, f"forgotten {number}", chance) for number in range(scaled(50))]
            await meet_all(pairs)

            postgres.kill()
            await part_all(pairs)
            await _ended(site, len(pairs))
            site.hosts[0].kill()
            await asyncio.to_thread(site.hosts[0].start)
            await _ended(site, 0)
            await asyncio.to_thread(postgres.start)

            async with asyncio.timeout(60):
                while len(_recorded(database)) < len(pairs):  # noqa: ASYNC110 - only asking tells
                    await asyncio.sleep(0.1)
            assert _recorded(database) == sorted(room_id(read(pair.code), key=ROOM_KEY) for pair in pairs)

    async def test_a_node_that_stops_does_not_wait_for_one_that_hangs(self, chance):
        async with _site(chance) as (site, _, database):
            pair = Pair(site.ws_url, "hangs", chance)
            await pair.meet()
            with closing(psycopg.connect(database)) as busy:
                busy.execute("LOCK TABLE signaling_call")
                await part_all([pair])
                async with asyncio.timeout(60):
                    while not _waiting(busy):  # noqa: ASYNC110 - only asking tells
                        await asyncio.sleep(0.05)

                await asyncio.gather(*(site.stop(node) for node in list(site.nodes)))


@asynccontextmanager
async def _site(chance) -> AsyncIterator[tuple[Site, PostgresServer, str]]:
    """Two nodes, and the PostgreSQL with the database in which their calls are recorded."""
    with PostgresServer() as postgres:
        database = postgres.make_database()
        async with Site(chance, nodes=2, ROOM_CAPACITY=2, LEASE_SECONDS=2, DATABASE_URL=database) as site:
            migrated = await asyncio.to_thread(site.nodes[0].manage, "migrate", "--verbosity", "0")
            assert migrated.returncode == 0, migrated.stderr
            yield site, postgres, database


async def _end_while(site: Site, chance, word: str, *, stop, start) -> list[str]:
    """
    Calls that end while the database is away: half of them by hanging up, half with all nodes, whose people do not come back. Answers
    their codes, once all are recorded.
    """
    pairs = [Pair(site.ws_url, f"{word} {number}", chance) for number in range(2 * scaled(50))]
    await meet_all(pairs)
    stop()
    await part_all(pairs[::2])
    for node in list(site.nodes):
        site.kill(node)
    await asyncio.gather(*(one.vanish() for pair in pairs[1::2] for one in pair))
    await asyncio.gather(site.start_node(), site.start_node())
    await _ended(site, len(pairs))
    start()
    await _ended(site, 0)
    return [pair.code for pair in pairs]


async def _ended(site: Site, count: int) -> None:
    """Waits until so many calls stand in Redis that are over and not recorded yet."""
    with Redis(unix_socket_path=site.hosts[0].path) as redis:
        async with asyncio.timeout(60):
            while redis.xlen("calls:ended") != count:  # noqa: ASYNC110 - only asking tells
                await asyncio.sleep(0.05)


def _recorded(database: str) -> list[str]:
    """The rooms of all calls in the database."""
    with closing(psycopg.connect(database)) as connection:
        rows = connection.execute(
            "SELECT room FROM signaling_call WHERE ended >= started AND largest = 2 ORDER BY room"
        )
        return [room for (room,) in rows]


def _waiting(connection: psycopg.Connection) -> int:
    """How many wait for a lock in its database."""
    ((waiting,),) = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return waiting
