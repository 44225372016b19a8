"""The settings that pages read."""

from django.conf import settings

from turnauth import ice


def signaling_url() -> str:
    """Where the browser opens its socket; empty means `/signaling` of the page's own host."""
    return settings.SIGNALING_URL


def has_relays() -> bool:
    """Whether a call can be led through a relay, and so hide the addresses of its people."""
    return ice.has_relays()


def origins() -> frozenset[str]:
    return frozenset(map(str, settings.SITE_ORIGINS))


def security_contact() -> str:
    """Where those write who have found a hole: a `mailto:` or `https:` address; empty means the contact page."""
    return settings.SECURITY_CONTACT
