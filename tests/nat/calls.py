"""One call between the two homes, and what came of it."""

import contextlib
import time
from collections.abc import Iterator

from tests.browser.people import SECONDS
from tests.nat import kinds
from tests.nat.callers import Caller
from tests.nat.lab import SITE, STUN_SITE, Laboratory
from tests.nat.outcome import Outcome

APART_SECONDS = 5  # who is to be connected is so within one; who is not after this many stays apart
_FRAMES = 3  # pictures that move, and not a single one


def call_with_turn(lab: Laboratory, first: str, second: str) -> Outcome:
    return _call(lab, first, second, url=SITE, seconds=SECONDS)


def call_without_turn(lab: Laboratory, first: str, second: str) -> Outcome:
    """Waits as long as it takes where theory says that they connect."""
    seconds = SECONDS if kinds.connects_without_relay(first, second) else APART_SECONDS
    return _call(lab, first, second, url=STUN_SITE, seconds=seconds)


@contextlib.contextmanager
def two_people(lab: Laboratory, *, url: str = SITE) -> Iterator[tuple[Caller, Caller]]:
    """
    Alice in the first home, Bob in the second, both on the home page.

    Raises:
        AssertionError: at the end, when a page has complained.
    """
    people = [Caller(lab.browsers[side], name, url) for side, name in (("a", "Alice"), ("b", "Bob"))]
    try:
        for one in people:
            one.begin()
        yield people[0], people[1]
        assert [complaint for one in people for complaint in one.complaints] == []
    finally:
        for one in people:
            one.close()


def meet(alice: Caller, bob: Caller, code: str) -> None:
    """Alice dials first, then Bob; each sees in the room that the other is there."""
    for one in (alice, bob):
        one.dial(code)
    for one in (alice, bob):
        one.until(lambda one=one: one.sees_somebody, "the other in the room")


def frames_advance(alice: Caller, bob: Caller) -> None:
    """Both see pictures of the other that were not there before."""
    before = {one: one.frames for one in (alice, bob)}
    for one in (alice, bob):
        one.until(lambda one=one: one.frames >= before[one] + _FRAMES, "pictures that move", show=one.heard)


def _call(lab: Laboratory, first: str, second: str, *, url: str, seconds: float) -> Outcome:
    lab.network.set_kind("a", first)
    lab.network.set_kind("b", second)
    with two_people(lab, url=url) as (alice, bob):
        meet(alice, bob, lab.code())
        if not _are_connected(alice, bob, seconds):
            return Outcome(first, second, is_connected=False)
        frames_advance(alice, bob)
        return Outcome(first, second, True, (alice.own_end(), bob.own_end()), *bob.times())


def _are_connected(alice: Caller, bob: Caller, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (alice.is_connected and bob.is_connected):
        if time.monotonic() > deadline:
            return False
        bob.page.wait_for_timeout(50)
    return True
