"""`python -m tests.nat`: every pair with TURN and without, printed as it goes. Needs root, and takes some minutes."""

import sys
from collections.abc import Callable

from playwright.sync_api import sync_playwright

from bench.measures import Size
from bench.report import stamp
from tests.nat import calls, kinds, table
from tests.nat.lab import Laboratory
from tests.nat.network import NoNamespaces
from tests.nat.outcome import Outcome


def main() -> None:
    try:
        with sync_playwright() as playwright, Laboratory(playwright) as lab:
            tables = {
                table.WITH_TURN: _all(lab, calls.call_with_turn),
                table.WITHOUT_TURN: _all(lab, calls.call_without_turn),
            }
    except NoNamespaces as error:
        sys.exit(f"{error}")
    print(table.report(tables, stamp=stamp(Size())))


def _all(lab: Laboratory, call: Callable[[Laboratory, str, str], Outcome]) -> list[Outcome]:
    outcomes = []
    for first, second in kinds.pairs():
        outcomes.append(call(lab, first, second))
        print(table.row(outcomes[-1]), file=sys.stderr, flush=True)
    return outcomes


if __name__ == "__main__":
    main()
