"""
Which relays may be handed out now: what `manage.py turn_fleet` last found, in the cache that all processes share.

`relays` is asked at each join, on the event loop of a server, so it never waits for the cache: it answers from the memory of the process.
When that is older than some seconds, a thread of its own reads the cache, and the answer after that one is fresh. A process that has just
started, and one whose cache is away, go by the settings.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.core.cache import cache
from redis.exceptions import RedisError

from turnauth import conf
from turnauth.health import Health, Relays, without

_KEY, _DRAINED_KEY, _LEADER_KEY = "turn-fleet", "turn-drained", "turn-leader"
_FRESH_SECONDS = 5

CACHE_AWAY = (RedisError, OSError)  # what a shared cache raises that cannot be reached

_log = logging.getLogger(__name__)


class Fleet(NamedTuple):
    """What the cache holds: no relays when nobody has looked lately, or none was found."""

    relays: Relays = {}
    health: Health | None = None
    drained: frozenset[str] = frozenset()


def relays() -> dict[str, tuple[str, ...]]:
    """
    What may be handed out, by region: the healthy ones, or else those of the settings; those that are drained never.

    Never raises, never waits.
    """
    fleet = known()
    return without(fleet.relays or conf.relays(), fleet.drained)


def known() -> Fleet:
    """What this process knows of them, and asks anew when that is old. Never raises, never waits."""
    return _memory.fleet()


def read() -> Fleet:
    """What the cache holds at this moment. Waits for it, and raises CACHE_AWAY."""
    found = cache.get_many([_KEY, _DRAINED_KEY])
    kept = found.get(_KEY) or {}
    health = kept.get("health")
    return Fleet(
        kept.get("relays", {}),
        Health(frozenset(health["known"]), frozenset(health["out"]), health["failures"]) if health else None,
        frozenset(found.get(_DRAINED_KEY, ())),
    )


def store(found: Relays, health: Health, *, seconds: float) -> None:
    """Until it is too old to go by: then the settings count."""
    kept = {"known": sorted(health.known), "out": sorted(health.out), "failures": dict(health.failures)}
    cache.set(_KEY, {"relays": dict(found), "health": kept}, timeout=seconds)


def lead(who: str, *, seconds: float) -> bool:
    """
    Whether this one looks after the relays for so many seconds, of all that offer to. Raises CACHE_AWAY.

    At most two think so for a moment, when a lease runs out just then; that does no harm.
    """
    if cache.get(_LEADER_KEY) == who:
        cache.set(_LEADER_KEY, who, timeout=seconds)
        return True
    return cache.add(_LEADER_KEY, who, timeout=seconds)


def follow(who: str) -> None:
    """Lets another one lead, at once; nothing if it did not lead. Raises CACHE_AWAY."""
    if cache.get(_LEADER_KEY) == who:
        cache.delete(_LEADER_KEY)


def drain(name: str) -> None:
    """Hands it out no more, until `take_back`. Repeating it changes nothing."""
    cache.set(_DRAINED_KEY, sorted(read().drained | {name}), timeout=None)


def take_back(name: str) -> None:
    cache.set(_DRAINED_KEY, sorted(read().drained - {name}), timeout=None)


def forget() -> None:
    """Has this process ask the cache anew."""
    _memory.forget()


class _Memory:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "turn-fleet")
        self._reading = threading.Lock()
        self._available = True
        self.forget()

    def forget(self) -> None:
        self._fleet = Fleet()
        self._read_at = -_FRESH_SECONDS

    def fleet(self) -> Fleet:
        if time.monotonic() - self._read_at >= _FRESH_SECONDS and self._reading.acquire(blocking=False):
            if conf.cache_is_shared():
                self._thread.submit(self._read)
            else:
                self._read()  # which is in the memory of this process
        return self._fleet

    def _read(self) -> None:
        try:
            self._fleet = read()
            self._say(True)
        except Exception as error:  # whatever a cache may raise, calls go on without it
            self._fleet = Fleet()
            self._say(False, error)
        finally:
            self._read_at = time.monotonic()
            self._reading.release()

    def _say(self, available: bool, error: Exception | None = None) -> None:
        """Once for each outage."""
        if available != self._available:
            self._available = available
            _log.warning(
                "the cache is %s", "back" if available else f"away; relays are those of the settings: {error!r}"
            )


_memory = _Memory()
