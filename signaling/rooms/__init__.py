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
    `request` names the request that let it in, `attempt` is the client's own count of its sockets. `since` is the connection with which it
    was let in: who comes back with a token of an earlier one has never heard of that. `expires_at` is in seconds of the store's clock: when
    a place that is kept runs out, or a lease; None while neither does. `shown_at` is when it last said what it shows, in microseconds; 0 in
    a store of one node. `nonce` is what its page draws for itself: a later attempt that names it is of the same page.
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
    shown_at: int = 0
    since: int = 0
    nonce: str = ""

    @property
    def view(self) -> MemberView:
        return MemberView(self.peer, self.stamp, self.away, self.state)


class Call(Struct, frozen=True):
    """
    A call that runs: from the moment when a second one holds a place until only one does. `started` is in unix seconds; `largest` how
    many held places at once; `connected` and `relayed` are what clients have reported, and `connect_seconds` how long after its start the
    first report came; unknown for a call from before this store. `certain_at` is from when on tokens may name it, in unix seconds: until
    then somebody from before this store may still say that it is an older one. `boot` is when the store that holds it was first used; 0
    where nobody can tell that another one came in between. `together` is when two were last known to be there, as far as the store had
    noted it when it told of the call; 0 in a store of one node.
    """

    id: str
    started: float
    largest: int = 2
    connected: bool = False
    relayed: bool = False
    connect_seconds: float | None = None
    certain_at: float = 0.0
    boot: float = 0.0
    together: float = 0.0


class EndedCall(Struct, frozen=True):
    """
    A call that is over, until it is written down. `ended` is when the second-last was last known to be there, in unix seconds; `entry`
    is the store's own.
    """

    id: str
    room: str
    started: float
    ended: float
    largest: int
    connected: bool = False
    relayed: bool = False
    connect_seconds: float | None = None
    entry: str = ""


class Room(Struct, frozen=True):
    """
    A room as it is after an operation. `version` changes with everything that a node has to know of it, which is all but when leases run
    out; it is empty in a store of one node, and of a room that is not there. `boot` is when the store was first used in which it was made;
    0 in a store of one node. `told` is the highest revision that a node has told that store of, since it was new.
    """

    id: str
    capacity: int
    revision: int = 0
    locked: bool = False
    members: dict[str, Member] = {}
    call: Call | None = None
    version: str = ""
    boot: float = 0.0
    told: int = 0

    def others(self, peer: str) -> list[MemberView]:
        return [member.view for member in self.members.values() if member.peer != peer]


class Change(Struct, frozen=True):
    """One raised revision: the message that tells of it, who need not hear it, and whether that one was taken out."""

    text: str
    unheard_by: str = ""
    removes: bool = False


class Outcome(Struct, frozen=True):
    """
    What an operation did: the room afterwards, the changes in order, and the member it was about. `nodes` are all that held a member
    before or after it; empty in a store of one node. `no_place` says why who was to be renewed is not a member (any more): `replaced`,
    `removed` or `superseded`. `recalled` is what an earlier operation did and a renewal has found its node not to know yet, if that is all
    that it missed.
    """

    room: Room
    changes: tuple[Change, ...] = ()
    member: Member | None = None
    is_new: bool = (
        False  # the member was let in now, and did not come back to a place it still had; or people were put back
    )
    nodes: frozenset[str] = frozenset()
    no_place: dict[str, str] = {}
    recalled: tuple[Change, ...] = ()


class Rooms(Protocol):
    """
    One store of rooms. All operations are idempotent and atomic for their room; None means that a fence stopped them. `request` names
    what is asked, so that who never had an answer can ask again and hear what was done the first time.

    Raises (`join`, `resume`):
        ProtocolError: `room-full`, `locked`, `replaced`, `gone`, `superseded`, `unavailable`, `too-many-joins`.
    """

    async def join(self, entry: "Entry", *, capacity: int, replaces: str = "", address: str = "") -> Outcome:
        """`address` stands for where it comes from; joins are counted by it, in a store of many nodes; "" is not counted."""

    async def resume(
        self, entry: "Entry", *, capacity: int, stamp: int, connection: int, call: Call | None = None
    ) -> Outcome:
        """`call` is the one that was running when the token was made; it goes on in a store that has forgotten it."""

    async def leave(
        self, room: str, peer: str, *, connection: int, request: str = "", restores: str = "", ago: float = 0.0
    ) -> Outcome | None:
        """
        `restores` is whom the member had replaced, if it never heard that it was let in: then its page may replace it once more. `ago` is
        how many seconds have passed since; a call ends at that moment, in a store that may have been out of reach meanwhile.
        """

    async def away(
        self, room: str, peer: str, *, connection: int, keep: float, request: str = "", ago: float = 0.0
    ) -> Outcome | None:
        """The place is kept for so many seconds from now on; `ago` as in `leave`."""

    async def show(
        self, room: str, peer: str, *, connection: int, change: ShowState, request: str = ""
    ) -> Outcome | None: ...

    async def lock(
        self, room: str, peer: str, *, connection: int, locked: bool, request: str = ""
    ) -> Outcome | None: ...

    async def report(self, room: str, peer: str, *, connection: int, relayed: bool, request: str = "") -> None:
        """Somebody is connected to somebody, over a relay or not: the call that runs counts. Nobody is told."""

    async def view(self, room: str) -> Room: ...

    async def beat(self, node: str, *, holds: bool) -> "Heartbeat":
        """Says that a node lives, and whether anybody sits there. It also ends calls in which nobody is left."""

    async def renew(self, held: "Iterable[Held]") -> list[Outcome]:
        """
        Keeps the places of those whose sockets stand, all at one node that lives, and answers the rooms of which there is something to
        know.
        """

    async def restore(self, held: "Held") -> list[Outcome]:
        """
        Puts back whom a store may have forgotten that lost its memory, so that what one of them did can be told. Who is missing for another
        reason, as that a lease has run out, stays away.
        """

    async def ended_calls(self, count: int) -> list[EndedCall]:
        """Of the calls that are over and not yet forgotten so many at most, the oldest first; some may be recorded already."""

    async def set_aside(self, call: EndedCall) -> bool:
        """Keeps one that cannot be recorded where operators find it; False if it is there already."""

    async def forget_calls(self, calls: list[EndedCall]) -> None:
        """May be said twice, and by several nodes."""


class Entry(Struct, frozen=True):
    """
    Who wants in: made by the node before it asks, so that asking twice is asking once. `state` None keeps what is known; `attempt` None
    is a client that does not count its sockets. `nonce`, for a join only and not without `attempt`, is the page's own.
    """

    room: str
    peer: str
    request: str
    node: str
    state: State | None = None
    attempt: int | None = None
    nonce: str = ""


class Held(Struct, frozen=True):
    """A room as a node knows it, and those of its members whose sockets the node holds: enough to build them anew."""

    room: Room
    members: tuple[Member, ...]


class Heartbeat(Struct, frozen=True):
    """
    What a node hears when it says that it lives: the rooms of its people that have `changed` since it last did, and who is `dead` since a
    while. When it was not known meanwhile the store may have lost any of its rooms, or have given the places to others.
    """

    changed: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()
    is_known: bool = True


# The changes of a room. Each takes a room and answers the room after, with the change that says so.


def with_member(room: Room, member: Member) -> tuple[Room, Change]:
    after = _with(room, member)
    return after, Change(protocol.joined(after.revision, member.view), member.peer)


def without_member(room: Room, peer: str, reason: str) -> tuple[Room, Change]:
    members = {name: member for name, member in room.members.items() if name != peer}
    after = replace(room, revision=room.revision + 1, members=members)
    return after, Change(protocol.left(after.revision, peer, reason), peer, removes=reason == "removed")


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
