"""System checks of what the settings file cannot judge by one value alone. Errors stop a server, but what Redis has to be asked for."""

from collections.abc import Iterator
from itertools import combinations
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning
from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from signaling.rooms import library

_ALIKE = 16  # characters


def redis(**_) -> list[CheckMessage]:
    """E001: rooms in the memory of one process are no way to serve the public."""
    if settings.PRODUCTION and not settings.REDIS_URLS:
        return [
            Error(
                "REDIS_URL is not set: without it each process has rooms of its own, and a restart ends all calls.",
                hint="To try Gruveo on one machine, run `make run` (LOCAL=1).",
                id="gruveo.E001",
            )
        ]
    return []


def production(**_) -> list[CheckMessage]:
    """W001 and W002: what works, and is hardly what somebody wants in production."""
    messages = []
    if not settings.PRODUCTION:
        return messages
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        messages.append(
            Warning(
                "DATABASE_URL names an SQLite file: it serves one machine only.",
                hint="Use postgres://user:password@host/name.",
                id="gruveo.W001",
            )
        )
    if not settings.TRUSTED_PROXIES:
        messages.append(
            Warning(
                "TRUSTED_PROXIES is 0: behind a proxy all visitors share one address, and so its limits, and "
                "plain HTTP is redirected for ever.",
                hint="Set it to the number of proxies that add to X-Forwarded-For.",
                id="gruveo.W002",
            )
        )
    return messages


def signaling_url(**_) -> list[CheckMessage]:
    """W003: sockets go to another host than pages."""
    host = urlsplit(settings.SIGNALING_URL).hostname
    if not host or host in {origin.host.strip("[]") for origin in settings.SITE_ORIGINS}:
        return []
    return [
        Warning(
            f"SIGNALING_URL names {host}, which is none of the hosts in SITE_ORIGINS.",
            hint="Right when another server does the signaling; it needs the same SITE_ORIGINS, ROOM_KEY and "
            "SIGNALING_KEYS.",
            id="gruveo.W003",
        )
    ]


def turn_discovery(**_) -> list[CheckMessage]:
    """W004: machines that are found are handed out through the cache that all processes share, and there is none."""
    if settings.TURN_DISCOVERY == "static" or settings.REDIS_URLS:
        return []
    return [
        Warning(
            "TURN_DISCOVERY is ec2, but REDIS_URL is not set: what `manage.py turn_fleet` finds reaches no server.",
            hint="Set REDIS_URL, or name the relays in TURN_SERVERS and leave TURN_DISCOVERY out.",
            id="gruveo.W004",
        )
    ]


def redis_hosts(**_) -> list[CheckMessage]:
    """E002, W005, W006 and I001, asked of the Redis hosts themselves, so with `check --deploy` only."""
    return [message for number, url in enumerate(settings.REDIS_URLS) for message in _redis_host(number, url)]


def _redis_host(number: int, url: str) -> Iterator[CheckMessage]:
    """Of one host. It is named by its place in the list: its address may hold a password."""
    try:
        with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True) as client:
            yield from _redis_answers(number, client)
    except (RedisError, OSError):
        yield Warning(
            f"Host {number} of REDIS_URL cannot be reached.",
            hint="Without it its rooms admit nobody.",
            id="gruveo.W006",
        )


def _redis_answers(number: int, client: Redis) -> Iterator[CheckMessage]:
    try:
        client.function_list(library="none")
        client.fcall("none", 0)
    except ResponseError as error:
        if not library.is_missing(error):
            yield Error(
                f"Host {number} of REDIS_URL knows no functions, or does not let us use them: its rooms admit nobody.",
                hint="They come with Redis 7.0 and Valkey 7.2; FUNCTION and FCALL must be allowed.",
                id="gruveo.E002",
            )
    try:
        keeps = client.config_get("appendonly").get("appendonly")
    except ResponseError:
        yield Info(
            f"Host {number} of REDIS_URL does not say whether it keeps anything on disk.",
            hint="Look yourself: appendonly should be yes (a service that is managed has a setting or replicas for it).",
            id="gruveo.I001",
        )
        return
    if keeps != "yes":
        yield Warning(
            f"Host {number} of REDIS_URL keeps nothing on disk: when it dies with a node, calls that have ended and are not "
            "recorded yet are lost, and relays that were drained are handed out again.",
            hint="CONFIG SET appendonly yes, and the same in redis.conf.",
            id="gruveo.W005",
        )


def keys(**_) -> list[CheckMessage]:
    """W007: that keys differ stops the start (gruveo.settings); keys that begin alike were hardly drawn at random."""
    named = [
        ("SECRET_KEY", settings.SECRET_KEY),
        ("ROOM_KEY", settings.ROOM_KEY),
        *(("SIGNALING_KEYS", key) for key in settings.SIGNALING_KEYS),
        *(("TURN_SECRETS", key) for key in settings.TURN_SECRETS),
        *([("METRICS_TOKEN", settings.METRICS_TOKEN)] if settings.METRICS_TOKEN else []),
    ]
    alike = {
        name
        for (one, first), (other, second) in combinations(named, 2)
        if settings.PRODUCTION and first[:_ALIKE] == second[:_ALIKE]
        for name in (one, other)
    }
    if not alike:
        return []
    return [
        Warning(
            f"Keys of {', '.join(sorted(alike))} begin alike: whoever learns one can guess the others.",
            hint='Draw each anew: python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="gruveo.W007",
        )
    ]


def metrics(**_) -> list[CheckMessage]:
    """W008: numbers for the whole world."""
    if not any(network.prefixlen == 0 for network in settings.METRICS_NETWORKS):
        return []
    return [
        Warning(
            "METRICS_NETWORKS holds every address: everybody may read /metrics.",
            hint="Name the network in which Prometheus is, or set METRICS_TOKEN.",
            id="gruveo.W008",
        )
    ]


def refuse_to_serve() -> None:
    """
    Called before a server takes its first request; commands only report.

    Raises:
        ImproperlyConfigured: serving would split rooms between processes. The text names the variable.
    """
    for message in redis():
        raise ImproperlyConfigured(f"{message.msg} {message.hint}")
