"""How a relay is written in the settings, and the URIs that browsers are given for it. Pure."""

import re

_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_SERVER = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])" + _PORT)
_URI = re.compile(r"(?:turns?|stuns?):" + _SERVER.pattern + r"(?:\?transport=(?:udp|tcp))?")
_DEFAULT_PORT = 3478  # RFC 8656 section 4


def uris(server: str) -> list[str]:
    """
    The URIs (RFC 7065) of one relay, given as `host`, `host:port`, `[IPv6]`, `[IPv6]:port` or a full URI.

    Raises:
        ValueError: it is none of these. A browser would throw at it, and no call would begin.
    """
    if _is(_URI, server):
        return [server]
    if not _is(_SERVER, server):
        raise ValueError(f"{server!r} is no relay: host, host:port, [IPv6]:port or a turn: URI")
    address = server if _SERVER.fullmatch(server)["port"] else f"{server}:{_DEFAULT_PORT}"
    return [f"turn:{address}?transport=udp", f"turn:{address}?transport=tcp"]


def _is(form: re.Pattern, server: str) -> bool:
    match = form.fullmatch(server)
    return bool(match) and int(match["port"] or _DEFAULT_PORT) in range(1, 65536)
