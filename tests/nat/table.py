"""What the laboratory has seen, as it is printed and as it stands in bench/RESULTS.md. Pure."""

from statistics import median

from tests.nat import kinds
from tests.nat.outcome import Outcome

WITH_TURN, WITHOUT_TURN = "With TURN", "Without TURN"  # but with STUN
_HEAD = "| a | b | connected | path, a's end and b's | to connect | to the first frame |\n|---|---|---|---|---|---|"


def row(outcome: Outcome) -> str:
    path = " – ".join(outcome.ends) if outcome.ends else ""
    cells = (
        outcome.first,
        outcome.second,
        "yes" if outcome.is_connected else "**no**",
        path,
        _milliseconds(outcome.connect_ms),
        _milliseconds(outcome.frame_ms),
    )
    return f"| {' | '.join(cells)} |"


def table(title: str, outcomes: list[Outcome]) -> str:
    """A heading, a row for each pair, and a sentence that sums them up."""
    return "\n".join([f"### {title}", "", summary(outcomes), "", _HEAD, *map(row, outcomes)])


def summary(outcomes: list[Outcome]) -> str:
    connected = [outcome for outcome in outcomes if outcome.is_connected]
    relayed = sum(outcome.is_relayed for outcome in connected)
    said = f"{len(connected)} of {len(outcomes)} pairs connect, {relayed} of them through the relay"
    if not connected:
        return f"{said}."
    times = sorted(outcome.connect_ms for outcome in connected)
    return f"{said}; to connect: median {median(times):.0f} ms, at most {times[-1]} ms."


def report(tables: dict[str, list[Outcome]], *, stamp: str) -> str:
    """The section of RESULTS.md. `stamp` says when, and of which commit."""
    legend = "\n".join(f"- `{kind}`: {words}" for kind, words in kinds.KINDS.items())
    return "\n\n".join(
        [
            f"## NAT laboratory\n\n{stamp}",
            "`make test-long STAGE=tests/nat/test_pairs.py`: two Chromiums in two simulated homes call each other through the real "
            "pages, one call for each pair, on one machine. Times are from joining to what is named, of b, who comes second; they show "
            "that nothing waits, and are no benchmark.",
            f"{legend}\n- `{kinds.SAME}`: both behind one router of the kind `port`",
            *(table(title, outcomes) for title, outcomes in tables.items()),
        ]
    )


def _milliseconds(value: int | None) -> str:
    return "" if value is None else f"{value} ms"
