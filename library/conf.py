"""The settings that the library reads."""

from django.conf import settings


def kept_seconds() -> float:
    """How long a page that is the same for everybody is kept; 0 keeps none."""
    return settings.PAGES_KEPT_SECONDS


def session_cookie() -> str:
    return settings.SESSION_COOKIE_NAME
