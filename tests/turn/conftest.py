"""A real coturn, and our server beside it."""

from collections.abc import Iterator

import pytest

from tests.coturn import SECRET, Coturn
from tests.server import Server


@pytest.fixture(scope="package")
def relay() -> Iterator[Coturn]:
    with Coturn() as running:
        yield running


@pytest.fixture(scope="package")
def site(relay) -> Iterator[Server]:
    """Knows that relay in all three ways in which it is reached."""
    ways = ",".join(map(relay.uri, ("udp", "tcp", "tls")))
    with Server(TURN_SERVERS=ways, TURN_SECRETS=SECRET, TURN_REQUESTS_PER_MINUTE=6000) as running:
        yield running
