"""The laboratory, which all its tests share, and the tables of what they saw."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright

from bench import results
from bench.measures import Size
from bench.report import stamp
from tests.nat import kinds, table
from tests.nat.lab import Laboratory
from tests.nat.network import Network, NoNamespaces
from tests.nat.outcome import Outcome


@pytest.fixture(scope="package")
def lab() -> Iterator[Laboratory]:
    # Playwright no longer than this package: its event loop would be in the way of the asynchronous tests.
    try:
        with sync_playwright() as playwright, Laboratory(playwright) as made:
            yield made
    except NoNamespaces as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """The homes alone, without anybody in them."""
    try:
        with Network() as made:
            yield made
    except NoNamespaces as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def seen(request) -> Iterator[dict[str, list[Outcome]]]:
    """Outcomes by the title of their table. They are printed at the end; all of them together are a result to keep."""
    tables: dict[str, list[Outcome]] = {table.WITH_TURN: [], table.WITHOUT_TURN: []}
    yield tables
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        for title, outcomes in tables.items():
            print(f"\n\n{table.table(title, outcomes)}")
    if all(len(outcomes) == len(kinds.pairs()) for outcomes in tables.values()):
        results.write("nat", table.report(tables, stamp=stamp(Size())))
