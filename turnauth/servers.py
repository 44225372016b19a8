"""How relays are written in the settings, and the URIs that browsers are given for each. Pure."""

import re

_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_SERVER = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])" + _PORT)
_URI = re.compile(r"turns?:" + _SERVER.pattern + r"(?:\?transport=(?:udp|tcp))?")
_DEFAULT_PORT = 3478  # RFC 8656 section 4
_TLS_PORT = 443  # not 5349: it is for those whose network lets nothing else out
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_IN_REGION = re.compile(
    rf"({_REGION.pattern})=(.*)", re.DOTALL
)  # a URI has an equals sign too, but no such word before it


def uris(server: str) -> list[str]:
    """
    The URIs (RFC 7065) of one relay, given as `host`, `host:port`, `[IPv6]`, `[IPv6]:port` or a full URI.

    A host without a port is a relay as `manage.py turn_config` sets it up, with TLS on 443. With a port, that port is all there is.

    Raises:
        ValueError: it is none of these. A browser would throw at it, and no call would begin.
    """
    if _is(_URI, server):
        return [server]
    if not _is(_SERVER, server):
        raise ValueError(f"{server!r} is no relay: host, host:port, [IPv6]:port or a turn: URI")
    host, port = _SERVER.fullmatch(server).group("host", "port")
    plain = [f"turn:{host}:{port or _DEFAULT_PORT}?transport={transport}" for transport in ("udp", "tcp")]
    return plain if port else [*plain, f"turns:{host}:{_TLS_PORT}?transport=tcp"]


def host(server: str) -> str:
    """The machine of a relay, however it is written."""
    return (_URI.fullmatch(server) or _SERVER.fullmatch(server))["host"].lower()


def by_region(text: str, *, default_region: str = "") -> dict[str, tuple[str, ...]]:
    """
    The relays of each region: `eu-west-1=turn1.example.org,turn2.example.org:3478;us-east-1=…`, or only relays, which are then those of
    the default region.

    Raises:
        ValueError: something in it cannot be read; the text names it.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    found = {}
    for part in parts:
        region, relays = _region(part, default_region, only=len(parts) == 1)
        if region in found:
            raise ValueError(f"the region {region!r} stands there twice")
        found[region] = relays
    return found


def _region(part: str, default_region: str, *, only: bool) -> tuple[str, tuple[str, ...]]:
    named = _IN_REGION.fullmatch(part)
    if not named and not only:
        raise ValueError(f"{part!r} has no region: region=host,host;region=host")
    region, listed = named.groups() if named else (default_region, part)
    relays = tuple(relay.strip() for relay in listed.split(",") if relay.strip())
    if not relays:
        raise ValueError(f"the region {region!r} has no relays")
    for relay in relays:
        uris(relay)
    return region, relays


def _is(form: re.Pattern, server: str) -> bool:
    match = form.fullmatch(server)
    return bool(match) and int(match["port"] or _DEFAULT_PORT) in range(1, 65536)
