"""What each client address has used up on this node: joins, and sockets that are open."""

import hashlib
import math
from collections import Counter

from signaling.limits import BucketTable, Limits, TokenBucket
from signaling.protocol import ProtocolError
from turnauth.limits import counted_as

_WAIT = 10  # seconds; nobody knows when a socket of theirs will close


class Addresses:
    """Limits by address; one address is what turnauth.limits.counted_as says. Times are seconds of one monotonic clock."""

    def __init__(self, limits: Limits, *, key: str) -> None:
        self._key = hashlib.sha256(key.encode()).digest()
        self._most_sockets = limits.sockets
        self._sockets: Counter[str] = Counter()
        self._joins = BucketTable(lambda now: TokenBucket(rate=limits.joins, burst=limits.joins_burst, now=now))

    def open(self, address: str) -> None:
        """
        Counts one more socket; `close` must follow.

        Raises:
            ProtocolError: `too-many-sockets`; nothing is counted.
        """
        key = counted_as(address)
        if self._sockets[key] >= self._most_sockets:
            raise ProtocolError("too-many-sockets", retry_after=_WAIT)
        self._sockets[key] += 1

    def close(self, address: str) -> None:
        key = counted_as(address)
        self._sockets[key] -= 1
        if self._sockets[key] <= 0:
            del self._sockets[key]

    def key(self, address: str) -> str:
        """
        The name under which stores know this address.

        Attack stopped: whoever reads a Redis learns who called when.

        Source: RFC 7693 (BLAKE2, keyed).
        """
        shared = counted_as(address).encode()
        return hashlib.blake2b(shared, digest_size=12, key=self._key, person=b"gruveo address").hexdigest()

    def join(self, address: str, *, now: float) -> None:
        """
        Raises:
            ProtocolError: `too-many-joins`, with the seconds until the next one is let through.
        """
        wait = self._joins.take(counted_as(address), now)
        if wait:
            raise ProtocolError("too-many-joins", retry_after=math.ceil(wait))

    def give_back(self, address: str) -> None:
        """That join was not one: nobody could be let in."""
        self._joins.give_back(counted_as(address))
