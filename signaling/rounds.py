"""Which rooms a node renews with which heartbeat."""

from collections.abc import Iterable

TURNS = 64  # heartbeats, with one of which each room is renewed in which nothing is known to have happened


class Rounds:
    """
    The rooms of one store in which somebody sits here. Each has its turn; those that are due are renewed with the next heartbeat besides.
    No heartbeat looks at more rooms than it renews, however many there are.
    """

    def __init__(self) -> None:
        self._turns: list[set[str]] = [set() for _ in range(TURNS)]
        # The first that became so first: what is not reached with one heartbeat is with the next.
        self._due: dict[str, None] = {}

    def __bool__(self) -> bool:
        return any(self._turns)

    def add(self, room: str) -> None:
        """It is due at once; may be said again."""
        self._turns[_turn(room)].add(room)
        self._due[room] = None

    def discard(self, room: str) -> None:
        self._turns[_turn(room)].discard(room)
        self._due.pop(room, None)

    def mark(self, rooms: Iterable[str]) -> None:
        """These are due, so far as they are here."""
        self._due.update((room, None) for room in rooms if room in self._turns[_turn(room)])

    def mark_all(self) -> None:
        for rooms in self._turns:
            self._due.update(dict.fromkeys(rooms))

    def begin(self, turn: int) -> list[str]:
        """What is to be renewed with this heartbeat. It is due until it is `done`."""
        self._due.update(dict.fromkeys(self._turns[turn]))
        return list(self._due)

    def done(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            self._due.pop(room, None)


def _turn(room: str) -> int:
    return hash(room) % TURNS
