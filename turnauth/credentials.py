"""Ephemeral TURN credentials: what our servers sign and every relay can check, with nothing shared but a secret. Pure."""

import hashlib
import re
from binascii import b2a_base64
from functools import lru_cache, partial
from typing import NamedTuple

_is_user_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch  # coturn counts quotas by it, and refuses spaces and quotes
_BLOCK = 64  # bytes that SHA-1 reads at once
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class Credentials(NamedTuple):
    """What `RTCIceServer` calls `username` and `credential`."""

    username: str
    password: str


# What calling the class comes to; its own way there, in Python, costs as much as a round of SHA-1.
_made = partial(tuple.__new__, Credentials)


def sign(user_id: str, *, secret: str, expires: int) -> Credentials:
    """
    Credentials that open allocations until `expires` (unix seconds).

    Raises:
        ValueError: the user id has other characters than `A-Z a-z 0-9 _ -`, or not 1 to 64 of them.

    Source: draft-uberti-behave-turn-rest-00 section 2.2.
    """
    if not _is_user_id(user_id):
        raise ValueError("a TURN user id has 1 to 64 characters of A-Z a-z 0-9 _ -")
    username = f"{expires}:{user_id}"
    return _made((username, _digest(username, _keyed(secret))))


def password(username: str, *, secret: str) -> str:
    """
    What belongs to a username, whatever that is: relays compute the same. HMAC-SHA1 is all that coturn knows.

    Source: RFC 2104 section 2.
    """
    return _digest(username, _keyed(secret))


def _digest(username: str, keyed: tuple) -> str:
    inner, outer = keyed
    inner, outer = inner.copy(), outer.copy()
    inner.update(username.encode())
    outer.update(inner.digest())
    return b2a_base64(outer.digest(), newline=False).decode()


@lru_cache(maxsize=8)
def _keyed(secret: str) -> tuple:
    """
    The two hashes of an HMAC when they have read the key, which is half of the work and the same for all usernames.

    Source: RFC 2104 section 4.
    """
    key = secret.encode()
    if len(key) > _BLOCK:
        key = hashlib.sha1(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    return hashlib.sha1(key.translate(_INNER)), hashlib.sha1(key.translate(_OUTER))


def lifetime_left(username: str, *, now: float) -> float:
    """
    Seconds until credentials with this username expire; negative once they have.

    Raises:
        ValueError: the username does not start with an expiry time.
    """
    expires, separator, _ = username.partition(":")
    if not separator or not expires.isdecimal():
        raise ValueError("a TURN REST username is `<unix seconds>:<user id>`")
    return int(expires) - now
