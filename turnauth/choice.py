"""
Which relays the people of a room are given. Pure.

People who use the same relay need one relay between them and not two, so those of one room get the same one, whatever node of ours they
ask: each relay is ranked by a hash of the room and its own name (rendezvous hashing), and the highest wins. When one relay comes or goes,
only the rooms that it had, or will have, move. The second in rank is the spare.
"""

import hashlib
from collections.abc import Mapping, Sequence

from turnauth import servers

_MOST = 4  # Firefox warns of more than two, and five slow its search for a path down


def choose(relays_by_region: Mapping[str, Sequence[str]], *, region: str, default_region: str, room: str) -> list[str]:
    """
    At most four URLs, the best first: those of one relay (UDP, TCP, TLS), and the first of another as a spare.

    An unknown region, or one of which no relay is left, is the default one; where that has none either, all are looked at.
    """
    relays = relays_by_region.get(region) or relays_by_region.get(default_region) or _all(relays_by_region)
    ranked = sorted(_by_host(relays).items(), key=lambda item: _rank(room, item[0]), reverse=True)
    if not ranked:
        return []
    first = ranked[0][1]
    if len(ranked) == 1:
        return first[:_MOST]
    return [*first[: _MOST - 1], ranked[1][1][0]]


def _all(relays_by_region: Mapping[str, Sequence[str]]) -> list[str]:
    return [relay for region in sorted(relays_by_region) for relay in relays_by_region[region]]


def _by_host(relays: Sequence[str]) -> dict[str, list[str]]:
    """The URLs of each machine: one that is written as several URIs is still one machine."""
    urls: dict[str, list[str]] = {}
    for relay in relays:
        urls.setdefault(servers.host(relay), []).extend(servers.uris(relay))
    return {host: list(dict.fromkeys(of_host)) for host, of_host in urls.items()}


def _rank(room: str, host: str) -> bytes:
    return hashlib.blake2b(f"{room}\n{host}".encode(), digest_size=16, person=b"gruveo relay").digest()
