"""Where a TURN URI leads: host, port and how to speak there. Pure."""

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import parse_qs

_URI = re.compile(r"(?P<scheme>turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[^:?\[\]]+)(?::(?P<port>\d+))?(?:\?(?P<query>.*))?")
_PORTS = {"turn": 3478, "turns": 5349}  # RFC 7065 section 3.1


class Target(NamedTuple):
    """`host` is without brackets; `transport` is `udp`, `tcp` or `tls`."""

    uri: str
    host: str
    port: int
    transport: str

    @property
    def is_public(self) -> bool:
        """Whether the host is written as an address of the public internet; a name counts as one."""
        return is_public(self.host)


def parse(uri: str) -> Target:
    """
    Reads a `turn:` or `turns:` URI (RFC 7065).

    Raises:
        ValueError: it is none, or one that asks for TURN over DTLS, which browsers do not speak.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise ValueError(f"{uri!r} is no turn: or turns: URI")
    scheme = match["scheme"]
    transport = parse_qs(match["query"] or "").get("transport", ["tcp" if scheme == "turns" else "udp"])[0]
    if (scheme, transport) not in {("turn", "udp"), ("turn", "tcp"), ("turns", "tcp")}:
        raise ValueError(f"{uri!r}: only turn: over udp and tcp, and turns: over tcp are of use to browsers")
    port = int(match["port"] or _PORTS[scheme])
    return Target(uri, match["host"].strip("[]"), port, "tls" if scheme == "turns" else transport)


def is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return True
