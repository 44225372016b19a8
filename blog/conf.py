"""The settings that the blog reads."""

from django.conf import settings


def origin() -> str:
    """Of the addresses under which the site is reached, the one by which others know it: `https://example.org`."""
    return str(settings.SITE_ORIGINS[0])


def host() -> str:
    return settings.SITE_ORIGINS[0].host
