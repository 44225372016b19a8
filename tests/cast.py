"""The people in the tests: Alice calls, Bob answers, Charlie must never get in."""

import asyncio
import json
from collections.abc import Callable
from itertools import count

from signaling.rooms import Entry, Outcome

_requests = count(1)


def peer_id(name: str) -> str:
    """A peer id that can be read in a failed test: `alice` becomes `alice___________`."""
    return name.ljust(16, "_")


ALICE, BOB, CHARLIE = map(peer_id, ("alice", "bob", "charlie"))


def entry(peer: str, *, room: str = "room", node: str = "node", **members) -> Entry:
    return Entry(room, peer, f"request-{next(_requests)}", node, **members)


def told(outcome: Outcome | None) -> list[dict]:
    """The messages of an outcome, parsed."""
    return [json.loads(change.text) for change in outcome.changes] if outcome else []


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


async def until(is_so: Callable[[], bool], *, seconds: float = 10) -> None:
    """Lets the other tasks of this loop go on until something is so; a test hangs for so many seconds at most."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - the code under test has no event for it
            await asyncio.sleep(0.001)
