"""What all nodes must be told alike, held against what the nodes that serve already were told."""

import hashlib
import json
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from redis.asyncio import Redis

logger = logging.getLogger(__name__)

_NAME = "accord"
_CHECK = """
local word = redis.call('GET', KEYS[1])
if not word and ARGV[3] == '1' or word == ARGV[1] then
  word = ARGV[1]
  redis.call('SET', KEYS[1], word, 'PX', ARGV[2])
end
return word
"""


class Accord:
    """
    At one Redis host: the list of hosts and the key of rooms, as one hash. With another list, or another key, two people with the same
    code would wait in two rooms, so a node that differs must not serve. `lasts` is for how many seconds the word of a node stands
    after its last check.
    """

    def __init__(self, redis: Redis, fingerprint: str, *, lasts: float) -> None:
        self._ask = redis.register_script(_CHECK)
        self._fingerprint = fingerprint
        self._lasts_ms = round(lasts * 1000)
        self.is_kept = False
        self.is_broken = False  # told something wrong, which a host that has not been asked yet does not say
        self._is_vacant = False

    async def check(self) -> None:
        """
        Raises:
            RedisError, OSError, TimeoutError: the host does not answer; `is_kept` stays what it was.
        """
        # A Redis that has forgotten all must not hear first from who was wrong before.
        may_begin = not self.is_broken or self._is_vacant
        word = await self._ask(keys=[_NAME], args=[self._fingerprint, self._lasts_ms, int(may_begin)])
        is_kept = word == self._fingerprint.encode()
        self._is_vacant = word is None
        if not is_kept and not self.is_broken:
            logger.error("REDIS_URL or ROOM_KEY differ from those of the nodes that serve already: this node does not")
        self.is_kept, self.is_broken = is_kept, not is_kept


def fingerprint(urls: Sequence[str], *, room_key: str) -> str:
    """One hash of the hosts, in their order and without passwords, and of the key."""
    hosts = [(parts.scheme, parts.hostname, parts.port, parts.path) for parts in map(urlsplit, urls)]
    key = hashlib.sha256(room_key.encode()).digest()
    return hashlib.blake2b(json.dumps(hosts).encode(), key=key, person=b"gruveo accord", digest_size=16).hexdigest()
