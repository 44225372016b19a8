"""
How many requests of one caller are let through, and who counts as one. Pure.

signaling.limits has token buckets, for it takes more than one token at a time. What is needed here is one number for each caller, the
moment at which its bucket would be full again (the generic cell rate algorithm, ITU-T I.371).
"""

import ipaddress
from functools import lru_cache

_MINUTE = 60.0
_ROUNDING = 1e-6


class Meter:
    """So many requests a minute for each caller, and as many at once after a pause. Times are seconds of one clock."""

    def __init__(self, *, tidy_above: int = 10_000) -> None:
        self._full_at: dict[str, float] = {}
        self._least = self._tidy_above = tidy_above

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, caller: str, *, now: float, per_minute: float) -> float:
        """Lets a request through and answers 0; or the seconds until there is one again."""
        full_at = max(now, self._full_at.get(caller, now)) + _MINUTE / per_minute
        wait = full_at - now - _MINUTE
        if wait > _ROUNDING:
            return wait
        self._tidy(now)
        self._full_at[caller] = full_at
        return 0.0

    def _tidy(self, now: float) -> None:
        if len(self._full_at) < self._tidy_above:
            return
        self._full_at = {caller: full_at for caller, full_at in self._full_at.items() if full_at > now}
        self._tidy_above = max(self._least, 2 * len(self._full_at))  # so that tidying stays rare under an attack


@lru_cache(maxsize=4096)  # who comes once does so three times
def counted_as(address: str) -> str:
    """
    An IPv4 address, or the /64 of an IPv6 one, of which a visitor has all.

    Source: RFC 6177 section 2 (what a site is given is at least a /64).
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
