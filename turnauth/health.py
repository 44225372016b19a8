"""
Which relays may be handed out, from how they answered. Pure.

A relay that fails twice in a row is dropped, and taken back as soon as it answers; one that was never seen before begins when it first
answers. If more than half of those that serve fail at once, it is more likely the line of whoever asks than all these relays: then none
is dropped, and none of these failures is held against anybody.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

_FAILURES = 2

Relays = Mapping[str, tuple[str, ...]]  # by region


class Health(NamedTuple):
    """What is remembered from one round to the next."""

    known: frozenset[str]
    out: frozenset[str] = frozenset()
    failures: Mapping[str, int] = {}  # in a row, of those that still serve


class Round(NamedTuple):
    health: Health
    dropped: frozenset[str]
    back: frozenset[str]
    in_doubt: bool  # more than half failed at once, so nothing was dropped


def judge(before: Health | None, answers: Mapping[str, bool]) -> Round:
    """The next round; `before` is None in the first one, in which everybody serves who was named."""
    before = before or Health(frozenset(answers))
    serving = {name for name in answers if name in before.known and name not in before.out}
    failed = {name for name in serving if not answers[name]}
    in_doubt = 2 * len(failed) > len(serving)
    failures = {name: before.failures.get(name, 0) + (not in_doubt) for name in failed}
    dropped = {name for name, number in failures.items() if number >= _FAILURES}
    out = dropped | {name for name in answers if name not in serving and not answers[name]}
    health = Health(
        frozenset(answers), frozenset(out), {name: n for name, n in failures.items() if n and name not in dropped}
    )
    back = {name for name in answers if name not in serving and answers[name]}
    return Round(health, frozenset(dropped), frozenset(back), in_doubt)


def without(relays: Relays, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The relays that are not among these; a region that is left empty goes."""
    gone = frozenset(names)
    left = {region: tuple(name for name in named if name not in gone) for region, named in relays.items()}
    return {region: named for region, named in left.items() if named}


def names(relays: Relays) -> list[str]:
    return [name for named in relays.values() for name in named]
