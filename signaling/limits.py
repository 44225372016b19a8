"""How much of something is let through: token buckets; who shares one says turnauth.limits.counted_as."""

import math
from collections.abc import Callable
from functools import cache, cached_property

from msgspec import Struct

_ROUNDING = 1e-6  # seconds


class Limits(Struct, frozen=True, kw_only=True, dict=True):
    """The figures of docs/protocol.md section 12; times in seconds, rates per second."""

    capacity: int = 6
    message_bytes: int = 65536
    hello: float = 5.0
    silence: float = 20.0
    place: float = 30.0
    token: int = 12 * 3600
    token_renewal: float = 3600
    messages: float = 50.0
    messages_burst: int = 200
    recovery: float = 200.0
    recovery_burst: int = 1000
    bytes: float = 512 * 1024
    bytes_burst: int = 2 * 1024 * 1024
    refusals: float = 1.0
    refusals_burst: int = 500
    joins: float = 1.0
    joins_burst: int = 60
    sockets: int = 200

    @cached_property
    def for_welcome(self) -> dict[str, int]:
        """What `welcome` tells, in whole numbers: rates rounded down and times up, as a client is safe with."""
        return {
            "message_bytes": self.message_bytes,
            "messages_per_second": math.floor(self.messages),
            "messages_at_once": self.messages_burst,
            "silence": math.ceil(self.silence),
            "place": math.ceil(self.place),
        }

    def for_config(self) -> dict[str, int]:
        """What docs/native.md lists: the same, and what a client may like to know before it has a socket."""
        return self.for_welcome | {
            "capacity": self.capacity,
            "hello": math.floor(self.hello),  # this one is for the client to keep
            "token_lifetime": self.token,
            "repeats_per_second": math.floor(self.recovery),
            "repeats_at_once": self.recovery_burst,
            "bytes_per_second": math.floor(self.bytes),
            "bytes_at_once": self.bytes_burst,
        }


class TokenBucket:
    """
    `burst` at once, `rate` a second on average. It keeps one number, when it will be full again, which says the same as its level.

    Source: ITU-T I.371, the generic cell rate algorithm as virtual scheduling.
    """

    __slots__ = ("_each", "_full_at", "_seconds")

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._each, self._seconds = _pace(rate, burst)
        self._full_at = now

    def take(self, now: float, cost: float = 1) -> float:
        """Takes the tokens and answers 0; or takes none and answers the seconds until there are as many."""
        full_at = self._full_at
        if full_at < now:
            full_at = now
        full_at += cost * self._each
        wait = full_at - now - self._seconds
        if wait > _ROUNDING:
            return wait
        self._full_at = full_at
        return 0.0

    def give_back(self) -> None:
        """One token that `take` took."""
        self._full_at -= self._each

    def is_full(self, now: float) -> bool:
        return self._full_at <= now


@cache
def _pace(rate: float, burst: float) -> tuple[float, float]:
    """
    Seconds until one token more is there, and from empty to full. The same objects for all buckets of a kind: of thousands of sockets each
    bucket lies somewhere else in memory, and what all share is at hand.
    """
    return 1 / rate, burst / rate


class BucketTable:
    """One token bucket for each key; full buckets are forgotten, for they say nothing."""

    def __init__(self, make: Callable[[float], TokenBucket], *, tidy_above: int = 10_000) -> None:
        self._make = make
        self._buckets: dict[str, TokenBucket] = {}
        self._least = self._tidy_above = tidy_above

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """As TokenBucket.take, for this key."""
        bucket = self._buckets.get(key)
        if bucket is None:
            self._tidy(now)
            bucket = self._buckets[key] = self._make(now)
        return bucket.take(now)

    def give_back(self, key: str) -> None:
        """As TokenBucket.give_back, for this key; one that is forgotten is full."""
        if bucket := self._buckets.get(key):
            bucket.give_back()

    def _tidy(self, now: float) -> None:
        if len(self._buckets) < self._tidy_above:
            return
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}
        self._tidy_above = max(self._least, 2 * len(self._buckets))  # so that tidying stays rare under an attack
