"""How what was found of relays is shown, to people and to machines. Pure."""

import textwrap
from collections.abc import Mapping

from turnauth.findings import FAULT, Finding, has_fault

_WIDTH = 100

Results = Mapping[str, list[Finding]]  # by URI


def table(results: Results) -> str:
    return "\n\n".join(_block(uri, found) for uri, found in results.items())


def _block(uri: str, found: list[Finding]) -> str:
    return "\n".join([uri, *(line for finding in found for line in _lines(finding))])


def _lines(finding: Finding) -> list[str]:
    state = finding.state.upper() if finding.state == FAULT else finding.state
    line = f"  {state:8} {finding.check:12} {finding.text}"
    return [line, *textwrap.wrap(finding.mend, _WIDTH, initial_indent=" " * 24, subsequent_indent=" " * 24)]


def plain(results: Results) -> dict:
    """What --json prints."""
    return {
        "ok": not any(map(has_fault, results.values())),
        "relays": [
            {"uri": uri, "ok": not has_fault(found), "checks": [finding._asdict() for finding in found]}
            for uri, found in results.items()
        ],
    }
