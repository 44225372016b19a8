"""The ICE servers for one client: which relays, and credentials for them."""

import hashlib
import hmac

from turnauth import choice, conf, credentials, fleet

_USER_ID_CHARACTERS = 24  # 96 bits of a hash


def ice_servers(*, user: str, now: float, room: str = "", region: str = "") -> tuple[list[dict], int | None]:
    """
    The relays as RTCPeerConnection takes them, and the seconds for which their credentials open allocations (None without any).

    `user` is whom the relays count as one: it is made opaque with a keyed hash, so that they and their logs learn neither peer ids nor
    addresses. People of one `room` get the same relay; `region` is where they are, if that is known.
    """
    relays = fleet.relays()
    if not relays:
        return [], None
    urls = choice.choose(relays, region=region, default_region=conf.default_region(), room=room)
    lifetime = conf.lifetime()
    username, password = credentials.sign(user_id(user), secret=conf.secrets()[0], expires=int(now) + lifetime)
    return [{"urls": urls, "username": username, "credential": password}], lifetime


def user_id(user: str) -> str:
    """The name by which relays know somebody: stable, also when a secret changes, for quotas are counted by it."""
    return hmac.digest(conf.user_key().encode(), f"turn user {user}".encode(), hashlib.sha256).hex()[
        :_USER_ID_CHARACTERS
    ]


def region_header() -> bytes:
    """As conf.region_header, in the way of ASGI; empty without one."""
    return conf.region_header().lower().encode()


def has_relays() -> bool:
    """Whether there are any to hand out."""
    return any(fleet.relays().values())
