"""The settings that pages read."""

from django.conf import settings


def signaling_url() -> str:
    """Where the browser opens its socket; empty means `/signaling` of the page's own host."""
    return settings.SIGNALING_URL
