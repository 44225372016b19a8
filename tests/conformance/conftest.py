"""
The server that the suite asks: the one at CONFORMANCE_URL, or those that it starts itself.

Its own ones let one address join often; the hasty one also has little patience, and `welcome` says so. What a server's own limits keep
others from trying (marked `own_server`) is left out at CONFORMANCE_URL.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.conformance.wire import Client, People

URL = os.environ.get("CONFORMANCE_URL", "")
ORIGIN = os.environ.get("CONFORMANCE_ORIGIN", "")


def pytest_configure(config):
    config.addinivalue_line("markers", "promise(section, quote): the sentence of docs/protocol.md that a test holds")
    config.addinivalue_line("markers", "own_server: needs a server with other settings, so not for one at a URL")


def pytest_collection_modifyitems(config, items):
    if not URL:
        return
    left_out = [item for item in items if item.get_closest_marker("own_server")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def url(request) -> str:
    return URL or request.getfixturevalue("server").ws_url


@pytest.fixture(scope="session")
def hasty_url(request) -> str:
    """Where waiting takes a moment; at a URL it takes as long as `welcome` says."""
    return URL or request.getfixturevalue("hasty_server").ws_url


@pytest.fixture(scope="session")
def origin(url) -> str:
    """The site's own origin: CONFORMANCE_ORIGIN, or the host of the socket."""
    parts = urlsplit(url)
    return ORIGIN or f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"


@pytest.fixture
def code() -> str:
    """A room of its own for each test, which nobody else can know."""
    return f"conformance-{secrets.token_hex(8)}"


@pytest.fixture
def people(url) -> Iterator[People]:
    with People(url) as made:
        yield made


@pytest.fixture
def asking() -> Iterator[Callable[[str], People]]:
    """For servers with other settings: `asking(make_server(…).ws_url)` are people there."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(People(url))


@pytest.fixture(scope="module")
def _sharing(url) -> Iterator[People]:
    with People(url) as made:
        yield made


@pytest.fixture(scope="module")
def _shared() -> list[Client]:
    return []


@pytest.fixture
def pair(_sharing, _shared, code) -> list[Client]:
    """
    Alice, and Bob who came after her: one pair for all tests of a file that leave it as it was, for joins are limited.

    What was said before is not heard again; when a test has broken the pair, the next gets a new one. Its room is nobody else's.
    """
    try:
        for client in _shared:
            client.settle()
    except Exception:
        _shared.clear()
    if not _shared:
        _shared.extend(_sharing.join(f"{code}-pair") for _ in range(2))
        _shared[0].hear("joined")
    return _shared
