"""
Rooms and who holds a place in them: the words that every store answers with, and the interface that every store keeps.

A store decides alone and at once, so that two who come at the same moment are always paired and nobody slips in beyond the capacity.
It tells no one: whoever asked hands the changes on.
"""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from signaling import protocol
from signaling.protocol import MemberView, ShowState, State


class Member(Struct, frozen=True):
    """
    Who holds a place. `connection` numbers the sockets it has had: what comes from an older one does nothing (a fence).
    `request` names the request that let it in, `attempt` is the client's own count of its sockets. `expires_at` is in seconds of the
    store's clock: when a place that is kept runs out, or a lease; None while neither does.
    """

    peer: str
    stamp: int
    node: str
    connection: int
    request: str
    state: State
    attempt: int = 0
    away: bool = False
    expires_at: float | None = None

    @property
    def view(self) -> MemberView:
        return MemberView(self.peer, self.stamp, self.away, self.state)


class Room(Struct, frozen=True):
    """A room as it is after an operation."""

    id: str
    capacity: int
    revision: int = 0
    locked: bool = False
    members: dict[str, Member] = {}

    def others(self, peer: str) -> list[MemberView]:
        return [member.view for member in self.members.values() if member.peer != peer]


class Change(Struct, frozen=True):
    """One raised revision: the message that tells of it, and who need not hear it."""

    text: str
    unheard_by: str = ""


class Outcome(Struct, frozen=True):
    """What an operation did: the room afterwards, the changes in order, and the member it was about."""

    room: Room
    changes: tuple[Change, ...] = ()
    member: Member | None = None
    is_new: bool = False  # the member was let in now, and did not come back to a place it still had


class Rooms(Protocol):
    """
    One store of rooms. All operations are idempotent and atomic for their room; None means that a fence stopped them.

    Raises (`join`, `resume`):
        ProtocolError: `room-full`, `locked`, `replaced`, `gone`, `superseded`, `unavailable`.
    """

    async def join(self, entry: "Entry", *, capacity: int, replaces: str = "") -> Outcome: ...

    async def resume(self, entry: "Entry", *, capacity: int, stamp: int, connection: int) -> Outcome: ...

    async def leave(self, room: str, peer: str, *, connection: int) -> Outcome | None: ...

    async def away(self, room: str, peer: str, *, connection: int, keep: float) -> Outcome | None: ...

    async def show(self, room: str, peer: str, *, connection: int, change: ShowState) -> Outcome | None: ...

    async def lock(self, room: str, peer: str, *, connection: int, locked: bool) -> Outcome | None: ...

    async def view(self, room: str) -> Room: ...

    async def renew(self, held: "Iterable[Held]") -> list[Outcome]: ...


class Entry(Struct, frozen=True):
    """
    Who wants in: made by the node before it asks, so that asking twice is asking once. `state` None keeps what is known; `attempt` None
    is a client that does not count its sockets.
    """

    room: str
    peer: str
    request: str
    node: str
    state: State | None = None
    attempt: int | None = None


class Held(Struct, frozen=True):
    """A room as a node knows it, and those of its members whose sockets the node holds: enough to build them anew."""

    room: Room
    members: tuple[Member, ...]


# The changes of a room. Each takes a room and answers the room after, with the change that says so.


def with_member(room: Room, member: Member) -> tuple[Room, Change]:
    after = _with(room, member)
    return after, Change(protocol.joined(after.revision, member.view), member.peer)


def without_member(room: Room, peer: str, reason: str) -> tuple[Room, Change]:
    members = {name: member for name, member in room.members.items() if name != peer}
    after = replace(room, revision=room.revision + 1, members=members)
    return after, Change(protocol.left(after.revision, peer, reason), peer)


def with_away(room: Room, peer: str, expires_at: float) -> tuple[Room, Change]:
    after = _with(room, replace(room.members[peer], away=True, expires_at=expires_at))
    return after, Change(protocol.away(after.revision, peer), peer)


def with_back(room: Room, member: Member) -> tuple[Room, Change]:
    after = _with(room, member)
    return after, Change(protocol.back(after.revision, member.peer), member.peer)


def with_state(room: Room, peer: str, state: State) -> tuple[Room, Change]:
    after = _with(room, replace(room.members[peer], state=state))
    return after, Change(protocol.state(after.revision, peer, state))


def with_lock(room: Room, peer: str, locked: bool) -> tuple[Room, Change]:
    after = replace(room, revision=room.revision + 1, locked=locked)
    return after, Change(protocol.lock(after.revision, peer, locked))


def _with(room: Room, member: Member) -> Room:
    return replace(room, revision=room.revision + 1, members={**room.members, member.peer: member})
