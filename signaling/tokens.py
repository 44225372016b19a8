"""
The resume token: what lets the owner of a place, and nobody else, take it again on any node.

A token is `<payload>.<signature>` in base64url; the payload is JSON. It is signed, not encrypted: it holds a room id, never a code. The
first key signs and all are accepted, so keys can be changed without a break.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct

_LONGEST_DRIFT = 60  # seconds that the clocks of two nodes may differ


class BadToken(ValueError):
    """Not a token of this site, or too old."""


class Token(Struct, frozen=True, array_like=True):
    """
    Whose place: `connection` is the number of the socket it was given to, `issued` in whole unix seconds. `call` is the id and the start
    (unix seconds) of the call that was running, `boot` when the store that held it was first used; tokens of older nodes end before
    them.
    """

    peer: str
    room: str
    stamp: int
    connection: int
    issued: int
    call: tuple[str, float] | None = None
    boot: float = 0.0


_decoder = msgspec.json.Decoder(Token)
# RFC 4648 section 5; the library's own function takes more than twice as long.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def sign(token: Token, *, key: str) -> str:
    payload = _to_text(msgspec.json.encode(token))
    return f"{payload}.{_signature(payload, key)}"


def read(text: str, *, keys: Sequence[str], lifetime: int, now: float) -> Token:
    """
    Raises:
        BadToken: the signature is of none of the keys, the token is older than `lifetime` seconds, or it is no token at all.
    """
    payload, _, signature = text.partition(".")
    if not payload.isascii() or not signature.isascii():
        raise BadToken("not ASCII")
    if not any(hmac.compare_digest(_signature(payload, key), signature) for key in keys):
        raise BadToken("signature")
    try:
        token = _decoder.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, msgspec.DecodeError) as error:
        raise BadToken("payload") from error
    if not -_LONGEST_DRIFT <= now - token.issued <= lifetime:
        raise BadToken("age")
    return token


def _signature(payload: str, key: str) -> str:
    """
    Source: RFC 7693 section 2.9 (BLAKE2 with a key is a MAC), in a tenth of the time that OpenSSL takes to begin an HMAC.
    """
    return _to_text(hashlib.blake2b(payload.encode(), digest_size=32, key=_derived(key)).digest())


@lru_cache(maxsize=16)
def _derived(key: str) -> bytes:
    return hashlib.sha256(b"gruveo resume token\0" + key.encode()).digest()


def _to_text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()
