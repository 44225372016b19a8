"""The settings that the library reads."""

from pathlib import Path

from django.conf import settings


def kept_seconds() -> float:
    """How long a page that is the same for everybody is kept; 0 keeps none."""
    return settings.PAGES_KEPT_SECONDS


def session_cookie() -> str:
    return settings.SESSION_COOKIE_NAME


def languages() -> list[tuple[str, str]]:
    """Code and name of each that the site speaks."""
    return settings.LANGUAGES


def language() -> str:
    """The one of which all others are translations."""
    return settings.LANGUAGE_CODE


def catalogues() -> list[Path]:
    """Where the translations are."""
    return settings.LOCALE_PATHS
