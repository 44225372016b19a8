"""Which relays are handed out: the list in a real Redis, the settings without it, and never those that are drained."""

import threading
import time

import pytest

from tests.redis_server import RedisServer
from turnauth import fleet
from turnauth.health import Health

CONFIGURED = {"eu": ("turn1.example.org", "turn2.example.org"), "us": ("turn3.example.org",)}
HEALTHY = {"eu": ("turn2.example.org",)}
HEALTH = Health(
    frozenset({"turn1.example.org", "turn2.example.org"}), frozenset({"turn1.example.org"}), {"turn2.example.org": 1}
)


def redis_cache(url: str) -> dict:
    options = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}
    return {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": options}}


@pytest.fixture(autouse=True)
def configured(settings):
    settings.TURN_SERVERS = CONFIGURED
    fleet.forget()
    yield
    fleet.forget()


@pytest.fixture
def redis(settings):
    with RedisServer() as running:
        settings.CACHES = redis_cache(running.url)
        yield running


def soon(expected: dict) -> dict:
    """What is handed out once the thread has read the cache; asked again and again, as joins do."""
    deadline = time.monotonic() + 20
    while (said := fleet.relays()) != expected and time.monotonic() < deadline:
        fleet.forget()
        fleet.relays()
        wait_for_the_thread()
    return said


def wait_for_the_thread() -> None:
    fleet._memory._thread.submit(int).result()


class SharedCacheTests:
    def test_the_list_counts_where_there_is_one(self, redis):
        fleet.store(HEALTHY, HEALTH, seconds=60)

        assert soon(HEALTHY) == HEALTHY

    def test_without_a_list_the_settings_count(self, redis):
        assert soon(CONFIGURED) == CONFIGURED

    def test_an_empty_list_is_none(self, redis):
        fleet.store({}, HEALTH, seconds=60)
        wait_for_the_thread()

        assert soon(CONFIGURED) == CONFIGURED

    def test_a_list_that_is_too_old_is_forgotten(self, redis):
        fleet.store(HEALTHY, HEALTH, seconds=0.001)

        assert soon(CONFIGURED) == CONFIGURED

    def test_what_was_stored_is_read_in_full(self, redis):
        fleet.store(HEALTHY, HEALTH, seconds=60)
        fleet.drain("turn3.example.org")

        assert fleet.read() == (HEALTHY, HEALTH, {"turn3.example.org"})

    def test_drained_ones_are_out_of_the_list_and_of_the_settings(self, redis):
        fleet.drain("turn3.example.org")
        fleet.drain("turn1.example.org")
        assert soon({"eu": ("turn2.example.org",)}) == {"eu": ("turn2.example.org",)}

        fleet.store({"eu": ("turn1.example.org", "turn2.example.org")}, HEALTH, seconds=60)
        fleet.forget()
        fleet.relays()
        wait_for_the_thread()
        assert fleet.relays() == {"eu": ("turn2.example.org",)}

        fleet.take_back("turn1.example.org")
        assert soon({"eu": ("turn1.example.org", "turn2.example.org")})["eu"] == (
            "turn1.example.org",
            "turn2.example.org",
        )


class OutageTests:
    def test_a_cache_that_is_away_means_the_settings_and_is_logged_once(self, redis, caplog):
        fleet.store(HEALTHY, HEALTH, seconds=60)
        assert soon(HEALTHY) == HEALTHY
        caplog.clear()  # another test may have left the cache away
        redis.kill()

        assert soon(CONFIGURED) == CONFIGURED
        fleet.forget()
        fleet.relays()
        wait_for_the_thread()

        assert [record.message.partition(";")[0] for record in caplog.records if record.name == "turnauth.fleet"] == [
            "the cache is away"
        ]

    def test_nobody_waits_for_a_cache_that_hangs(self, redis):
        fleet.store(HEALTHY, HEALTH, seconds=60)
        redis.freeze()

        assert fleet.relays() == CONFIGURED
        assert fleet._memory._reading.locked()  # the thread still asks, and we have the answer

        wait_for_the_thread()
        redis.thaw()

    def test_many_that_ask_at_once_ask_the_cache_once(self, redis):
        redis.freeze()
        fleet.relays()
        while fleet._memory._thread._work_queue.qsize():
            time.sleep(0.001)  # until the thread has taken it up
        askers = [threading.Thread(target=fleet.relays) for _ in range(20)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()

        assert fleet._memory._thread._work_queue.qsize() == 0
        wait_for_the_thread()
        redis.thaw()


class OneProcessTests:
    def test_the_cache_of_one_process_is_read_at_once(self):
        fleet.store(HEALTHY, HEALTH, seconds=60)
        try:
            assert fleet.relays() == HEALTHY
        finally:
            fleet.store({}, HEALTH, seconds=0)
