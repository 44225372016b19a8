"""How fast the pages are that people read, in the eyes of Lighthouse: a phone on a slow line, nothing in its cache."""

from collections.abc import Callable
from urllib.parse import urlsplit

from bench.judge import judge
from bench.measures import Size
from tests.server import Server

_PATHS = ("/", "/blog/", "/blog/growing-without-a-bigger-machine/", "/faq/", "/contact/", "/about/")


def measure(size: Size, *, say: Callable[[str], None]) -> dict[str, list[float]]:
    """The performance scores of each page, from 0 to 1, as often as the size says."""
    found: dict[str, list[float]] = {path: [] for path in _PATHS}
    with Server() as server:
        for number in range(1, size.verdicts + 1):
            for verdict in judge([server.url + path for path in _PATHS], ("performance",)):
                found[urlsplit(verdict.url).path].append(verdict.scores["performance"])
            say(f"pages {number}/{size.verdicts}: {', '.join(f'{scores[-1]:.2f}' for scores in found.values())}")
    return found
