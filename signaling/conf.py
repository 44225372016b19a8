"""The settings of signaling; no other module of the package reads them."""

from django.conf import settings

from signaling.limits import Limits


def limits() -> Limits:
    return Limits(
        capacity=settings.ROOM_CAPACITY,
        hello=settings.HELLO_SECONDS,
        silence=settings.SILENCE_SECONDS,
        place=settings.PLACE_SECONDS,
        token=settings.TOKEN_SECONDS,
        token_renewal=settings.TOKEN_SECONDS / 12,
        messages=settings.MESSAGES_PER_SECOND,
        messages_burst=round(4 * settings.MESSAGES_PER_SECOND),
        recovery=4 * settings.MESSAGES_PER_SECOND,
        recovery_burst=round(20 * settings.MESSAGES_PER_SECOND),
        joins=settings.JOINS_PER_MINUTE / 60,
        joins_burst=round(settings.JOINS_PER_MINUTE),
        sockets=settings.SOCKETS_PER_ADDRESS,
    )


def room_key() -> str:
    return settings.ROOM_KEY


def token_keys() -> tuple[str, ...]:
    return settings.SIGNALING_KEYS


def socket_address(host: str) -> str | None:
    """Where clients that asked this host for a page open their socket; None when the site is not served there."""
    if settings.SIGNALING_URL:
        return settings.SIGNALING_URL
    return next((f"{origin.socket}/signaling" for origin in settings.SITE_ORIGINS if origin.is_at(host)), None)


def least_versions() -> dict[str, str]:
    return settings.MIN_CLIENT_VERSIONS


def apple_app_ids() -> tuple[str, ...]:
    return settings.APPLE_APP_IDS


def android_apps() -> dict[str, tuple[str, ...]]:
    return settings.ANDROID_APPS


def origins() -> frozenset[str]:
    return frozenset(map(str, settings.SITE_ORIGINS))


def redis_urls() -> tuple[str, ...]:
    """The Redis hosts that hold the rooms; none when they are in the memory of this process."""
    return settings.REDIS_URLS


def lease() -> float:
    return settings.LEASE_SECONDS


def quarantine() -> float:
    return settings.QUARANTINE_SECONDS
