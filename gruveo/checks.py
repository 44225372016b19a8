"""System checks of what the settings file cannot judge by one value alone; the errors among them also stop a server."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured


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


def refuse_to_serve() -> None:
    """
    Called before a server takes its first request; commands only report.

    Raises:
        ImproperlyConfigured: serving would split rooms between processes. The text names the variable.
    """
    for message in redis():
        raise ImproperlyConfigured(f"{message.msg} {message.hint}")
