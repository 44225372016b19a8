"""What Lighthouse says of the pages that are read; how fast they are is measured in bench/."""

import pytest

from bench.judge import judge

pytestmark = pytest.mark.browser

PATHS = ["/", "/blog/growing-without-a-bigger-machine/", "/faq/", "/blog/", "/contact/", "/about/"]
CATEGORIES = ("accessibility", "best-practices", "seo")
LEAST = 0.98


def test_every_page_is_as_good_as_lighthouse_can_tell(server):
    verdicts = judge([server.url + path for path in PATHS], CATEGORIES)

    assert [verdict.url for verdict in verdicts] == [server.url + path for path in PATHS]
    for verdict in verdicts:
        assert set(verdict.scores) == set(CATEGORIES)
        assert min(verdict.scores.values()) >= LEAST, verdict
