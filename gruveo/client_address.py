"""The one place that knows the address of a client: the peer of the socket, or what the proxies that we count have added."""

import ipaddress
import re
from functools import lru_cache

# Some balancers add the port that the client sent from: `192.0.2.1:567`, `[2001:db8::1]:567`. The form is that of RFC 7239, section 6.
_ENTRY = re.compile(r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?|(?P<v6>[^\[\]]+)")


class ClientAddress:
    """
    ASGI middleware: sets `scope["client"]` (Django's REMOTE_ADDR) for HTTP and WebSocket alike.

    With N trusted proxies the client is the Nth address from the right of X-Forwarded-For: each proxy adds at the right the peer
    that it saw. Attack stopped: what stands further left came from the client itself, so a forged header would escape every limit
    by address.
    """

    def __init__(self, app, *, trusted_proxies: int) -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope, receive, send):
        if self._trusted_proxies and scope["type"] in {"http", "websocket"}:
            address = forwarded(scope["headers"], self._trusted_proxies)
            if address:
                scope = {**scope, "client": (address, 0)}
        return await self._app(scope, receive, send)


def forwarded(headers: list[tuple[bytes, bytes]], proxies: int) -> str | None:
    """The address that the outermost trusted proxy saw; None when there are fewer entries than proxies, or it is no address."""
    entries = _entries(headers)
    if len(entries) < proxies:
        return None
    entry = _ENTRY.fullmatch(entries[-proxies])
    try:
        return str(ipaddress.ip_address(entry[entry.lastgroup])) if entry else None
    except ValueError:
        return None


def is_longer(headers: list[tuple[bytes, bytes]], proxies: int) -> bool:
    """True when X-Forwarded-For has more entries than we count proxies: somebody forged some, or we count too few."""
    return len(_entries(headers)) > proxies


@lru_cache(1024)
def network(address: str) -> str:
    """The /24 (IPv6: /48) of an address, which is what may be kept of it; "unknown" when it is none."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    known = getattr(known, "ipv4_mapped", None) or known
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False))


def _entries(headers: list[tuple[bytes, bytes]]) -> list[str]:
    return [
        part.strip()
        for name, value in headers
        if name.lower() == b"x-forwarded-for"
        for part in value.decode("latin-1").split(",")
    ]
