"""The settings of the relays, and the ICE servers that follow from them."""

import hashlib
import hmac

from django.conf import settings

from turnauth import credentials


def ice_servers(*, user: str, now: float) -> tuple[list[dict], int | None]:
    """
    The relays as RTCPeerConnection takes them, and the seconds for which their credentials open allocations (None without any).

    `user` is made opaque with a keyed hash, so that relays and their logs never learn peer ids.
    """
    if not settings.TURN_SERVERS:
        return [], None
    secret = settings.TURN_SECRETS[0]
    user_id = hmac.digest(secret.encode(), f"user {user}".encode(), hashlib.sha256).hex()[:24]
    username, password = credentials.sign(user_id, secret=secret, expires=int(now) + settings.TURN_TTL)
    urls = [uri for server in settings.TURN_SERVERS[:2] for uri in uris(server)]
    return [{"urls": urls, "username": username, "credential": password}], settings.TURN_TTL


def uris(server: str) -> list[str]:
    """The URIs of one server given as `host`, `host:port`, `[IPv6]:port` or a full URI (RFC 7065)."""
    if server.startswith(("turn:", "turns:", "stun:", "stuns:")):
        return [server]
    has_port = ":" in server.rpartition("]")[2]
    address = server if has_port else f"{server}:3478"
    return [f"turn:{address}?transport=udp", f"turn:{address}?transport=tcp"]
