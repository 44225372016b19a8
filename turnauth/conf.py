"""The settings of the relays; no other module of the package reads them."""

from collections.abc import Iterator

from django.conf import settings

from turnauth import rules


def relays() -> dict[str, tuple[str, ...]]:
    """The relays of the settings, by region."""
    return dict(settings.TURN_SERVERS)


def default_region() -> str:
    """The region of those of whom nothing is known."""
    return settings.TURN_DEFAULT_REGION


def secrets() -> tuple[str, ...]:
    """The first signs, the relays take all."""
    return settings.TURN_SECRETS


def lifetime() -> int:
    """For how many seconds credentials open allocations."""
    return settings.TURN_TTL


def user_key() -> str:
    """
    Makes user ids opaque.

    Attack stopped: a relay that was taken over knows TURN_SECRETS, and would try all addresses of visitors against its log.
    """
    return settings.SECRET_KEY


def region_header() -> str:
    """The header in which whoever stands in front of the site says where the visitor is; empty when nobody does."""
    return settings.TURN_REGION_HEADER


def requests_per_address() -> float:
    """Credentials over HTTP that one address may fetch in a minute."""
    return settings.TURN_REQUESTS_PER_MINUTE


def requests_per_key() -> float:
    """The same for the holder of a key."""
    return settings.TURN_KEY_REQUESTS_PER_MINUTE


def origins() -> frozenset[str]:
    """Those of our own pages."""
    return frozenset(map(str, settings.SITE_ORIGINS))


def problems() -> Iterator[rules.Problem]:
    """What is wrong with them, errors first."""
    yield from rules.errors(relays=relays(), default_region=default_region(), secrets=secrets(), ttl=lifetime())
    yield from rules.warnings(relays=relays(), secrets=secrets(), ttl=lifetime(), is_production=settings.PRODUCTION)


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
