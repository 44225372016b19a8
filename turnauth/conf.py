"""The settings of the relays, and the ICE servers that follow from them."""

import hashlib
import hmac

from django.conf import settings

from turnauth import credentials
from turnauth.servers import uris


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


def relays() -> dict[str, tuple[str, ...]]:
    """The relays of the settings, by region."""
    return dict(settings.TURN_SERVERS)


def secrets() -> tuple[str, ...]:
    """The first signs, the relays take all."""
    return settings.TURN_SECRETS


def lifetime() -> int:
    """For how many seconds credentials open allocations."""
    return settings.TURN_TTL


def room_capacity() -> int:
    return settings.ROOM_CAPACITY


def discovery() -> str:
    """`static`: the relays of the settings; `ec2`: machines with a tag."""
    return settings.TURN_DISCOVERY


def ec2_tag() -> tuple[str, str]:
    name, _, value = settings.TURN_EC2_TAG.partition("=")
    return name, value


def ec2_regions() -> tuple[str, ...]:
    """Empty: the one that boto3 is set to."""
    return settings.TURN_EC2_REGIONS


def cache_is_shared() -> bool:
    """Whether all processes of the site see the same cache."""
    return not settings.CACHES["default"]["BACKEND"].endswith("LocMemCache")
