"""The rooms of one process, in its memory. A method never awaits, so each is one step that nothing can come between."""

import math
import time
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from signaling.protocol import ProtocolError, ShowState, State
from signaling.rooms import (
    Call,
    Change,
    EndedCall,
    Entry,
    Heartbeat,
    Held,
    Member,
    Outcome,
    Room,
    with_away,
    with_back,
    with_lock,
    with_member,
    with_state,
    without_member,
)

_NO_CALLS = (math.inf, -math.inf)  # from when to when
_RETURN = 15  # seconds after the start in which people of a former process come back into their call


class MemoryRooms:
    """
    See signaling.rooms.Rooms. `clock` counts seconds and never jumps, `wall` gives unix seconds for stamps and calls; `remember` is how
    many seconds a member that has left is remembered (as long as its token would serve), `reload` how many of them its own new page
    may still enter a locked room, once.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        remember: float = 12 * 3600,
        reload: float = 30,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._rooms: dict[str, Room] = {}
        self._losing: set[str] = set()  # rooms in which a place is kept for a while: the others need no look
        self._gone: dict[str, float] = {}  # peer id to when it left, oldest first
        self._reloading: dict[str, float] = {}  # the same, until its new page has used it
        self._remember = remember
        self._reload = reload
        self._last_stamp = 0
        self._together: dict[str, float] = {}  # call to when two were last there
        self._waiting: dict[str, Call] = {}  # room to a call of a former process that lacks the second of its people
        self._ended: list[EndedCall] = []
        self._past: dict[str, tuple[float, float]] = {}  # room to from when to when it has had calls that are over
        self._boot = wall()

    async def join(self, entry: Entry, *, capacity: int, replaces: str = "", address: str = "") -> Outcome:
        room, changes = self._current(entry.room, capacity)
        known = room.members.get(entry.peer)
        if known and known.request == entry.request:
            return Outcome(room, (), known, is_new=True)
        replaces = self._unheard(room, entry) or replaces
        if replaces in room.members:
            room, change = self._remove(room, replaces, "removed")
            changes.append(change)
        elif room.locked and not self._has_just_left(replaces):
            raise ProtocolError("locked")
        if len(room.members) >= room.capacity:
            raise ProtocolError("room-full")
        self._reloading.pop(replaces, None)
        self._stop_waiting(room.id)  # those whom it waited for had their time
        return self._admit(room, changes, entry, stamp=self._stamp(), connection=1)

    async def resume(
        self, entry: Entry, *, capacity: int, stamp: int, connection: int, call: Call | None = None
    ) -> Outcome:
        if entry.peer in self._gone:
            raise ProtocolError("gone")
        room, changes = self._current(entry.room, capacity)
        known = room.members.get(entry.peer)
        if known is None:
            if room.locked or len(room.members) >= room.capacity:
                raise ProtocolError("replaced")
            room = self._with_former(room, call)
            return self._admit(room, changes, entry, stamp=stamp, connection=connection + 1)
        has_not_heard = connection < known.since  # that it was let in anew: that welcome was lost
        if known.request == entry.request:
            return Outcome(room, (), known, is_new=has_not_heard)
        if entry.attempt is not None and entry.attempt < known.attempt:
            raise ProtocolError("superseded")  # an older socket of the same page, whose hello came late
        room = self._with_former(room, call)
        member = replace(
            known,
            node=entry.node,
            connection=known.connection + 1,
            request=entry.request,
            attempt=entry.attempt or 0,
            away=False,
            expires_at=None,
        )
        if known.away:
            room, change = with_back(room, member)
            changes.append(change)
        else:
            room = replace(room, members={**room.members, member.peer: member})
        if entry.state is not None and entry.state != member.state:
            room, change = with_state(room, member.peer, entry.state)
            changes.append(change)
        return self._keep(room, changes, entry.peer, is_new=has_not_heard)

    async def leave(
        self, room: str, peer: str, *, connection: int, request: str = "", restores: str = "", ago: float = 0.0
    ) -> Outcome | None:
        current = self._fenced(room, peer, connection)
        if current is None:
            return None
        if restores in self._gone:
            self._reloading[restores] = self._gone[restores]
        return self._keep(*_listed(self._remove(current, peer, "hung-up")))

    async def away(
        self, room: str, peer: str, *, connection: int, keep: float, request: str = "", ago: float = 0.0
    ) -> Outcome | None:
        current = self._fenced(room, peer, connection)
        if current is None or current.members[peer].away:
            return None
        return self._keep(*_listed(with_away(current, peer, self._clock() + keep)), peer)

    async def show(
        self, room: str, peer: str, *, connection: int, change: ShowState, request: str = ""
    ) -> Outcome | None:
        current = self._fenced(room, peer, connection)
        if current is None:
            return None
        state = change.onto(current.members[peer].state)
        if state == current.members[peer].state:
            return Outcome(current, (), current.members[peer])
        return self._keep(*_listed(with_state(current, peer, state)), peer)

    async def lock(self, room: str, peer: str, *, connection: int, locked: bool, request: str = "") -> Outcome | None:
        current = self._fenced(room, peer, connection)
        if current is None:
            return None
        if current.locked == locked:
            return Outcome(current, (), current.members[peer])
        return self._keep(*_listed(with_lock(current, peer, locked)), peer)

    async def report(self, room: str, peer: str, *, connection: int, relayed: bool, request: str = "") -> None:
        current = self._fenced(room, peer, connection)
        if current is None or current.call is None:
            return
        call = current.call
        if not call.connected and call.started >= self._boot:
            call = replace(call, connect_seconds=max(0.0, self._wall() - call.started))
        call = replace(call, connected=True, relayed=call.relayed or relayed)
        self._rooms[room] = replace(current, call=call)

    async def ended_calls(self, count: int) -> list[EndedCall]:
        return self._ended[:count]

    async def set_aside(self, call: EndedCall) -> bool:
        return True  # what is kept in memory nobody finds

    async def forget_calls(self, calls: list[EndedCall]) -> None:
        known = {call.id for call in calls}
        self._ended = [call for call in self._ended if call.id not in known]

    async def view(self, room: str) -> Room:
        return self._rooms.get(room) or Room(room, 0)

    async def beat(self, node: str, *, holds: bool) -> Heartbeat:
        """There is no other node."""
        return Heartbeat()

    async def renew(self, held: Iterable[Held]) -> list[Outcome]:
        """Takes out those who did not come back in time. Nothing is forgotten and nobody needs a lease: the node is this process."""
        self._forget()
        losing = [self._rooms[room] for room in self._losing]
        expired = [room for room in losing if any(self._is_expired(member) for member in room.members.values())]
        return [self._keep(*self._current(room.id, room.capacity)) for room in expired]

    async def restore(self, held: Held) -> list[Outcome]:
        """Nothing is forgotten."""
        return []

    def _current(self, room_id: str, capacity: int) -> tuple[Room, list[Change]]:
        room = self._rooms.get(room_id) or Room(room_id, capacity)
        changes: list[Change] = []
        for member in list(room.members.values()):
            if self._is_expired(member):
                room, change = without_member(room, member.peer, "lost")
                changes.append(change)
        if changes and not room.members:
            return Room(room_id, capacity), []  # a new room, unlocked: nobody is left who could hear of the old one
        if room.call is not None and len(room.members) < 2:
            room = replace(room, call=None)
        return room, changes

    def _fenced(self, room_id: str, peer: str, connection: int) -> Room | None:
        room = self._rooms.get(room_id)
        member = room and room.members.get(peer)
        return room if member and member.connection == connection else None

    def _unheard(self, room: Room, entry: Entry) -> str:
        """Whom an earlier attempt of the same page has let in; it has never heard of that."""
        for member in room.members.values() if entry.nonce else ():
            if member.nonce == entry.nonce:
                if member.attempt > entry.attempt:
                    raise ProtocolError("superseded")
                return member.peer
        return ""

    def _admit(self, room: Room, changes: list[Change], entry: Entry, *, stamp: int, connection: int) -> Outcome:
        state, attempt = entry.state or State(), entry.attempt or 0
        made = {"since": connection, "nonce": entry.nonce}
        member = Member(entry.peer, stamp, entry.node, connection, entry.request, state, attempt, **made)
        room, change = with_member(room, member)
        return self._keep(room, [*changes, change], member.peer, is_new=True)

    def _keep(self, room: Room, changes: list[Change], peer: str = "", *, is_new: bool = False) -> Outcome:
        room = self._with_call(room)
        if room.members:
            self._rooms[room.id] = room
        else:
            self._rooms.pop(room.id, None)
            self._stop_waiting(room.id)
        if any(member.expires_at is not None for member in room.members.values()):
            self._losing.add(room.id)
        else:
            self._losing.discard(room.id)
        return Outcome(room, tuple(changes), room.members.get(peer), is_new)

    def _with_call(self, room: Room) -> Room:
        """A call begins with the second place that is taken, and ends with the second-last that is given up."""
        before = self._rooms.get(room.id)
        now, former = self._wall(), before and before.call
        if former and sum(not member.away for member in before.members.values()) >= 2:
            self._together[former.id] = now
        call = room.call if len(room.members) >= 2 else None
        if former and (call is None or call.id != former.id):
            self._end(room.id, former)
        if len(room.members) < 2:
            return room if room.call is None else replace(room, call=None)
        if call is None:
            call = self._waiting.pop(room.id, None) or self._begun(room, now)
            self._together.setdefault(call.id, now)
        return replace(room, call=replace(call, largest=max(call.largest, len(room.members))))

    def _begun(self, room: Room, now: float) -> Call:
        has_former_people = any(member.stamp < int(self._boot * 1_000_000) for member in room.members.values())
        certain_at = self._boot + _RETURN if has_former_people else 0.0
        return Call(f"{room.id}.{self._stamp()}", now, certain_at=certain_at)

    def _with_former(self, room: Room, call: Call | None) -> Room:
        """
        What a token knows of a call from before this process. It goes on, and what people from before have begun here meanwhile is the
        same; of two from before, one after the other, the first was over when the second began. Calls of a room follow each other, so
        none goes on that began before the last one was over; it ended with the process that knew it, or before the first that is known
        here.
        """
        before = self._rooms.get(room.id)
        if before and before.call and room.call is None:  # it has ended with those whose places have run out
            self._end(room.id, before.call)
            self._rooms[room.id] = replace(before, call=None)
        here = room.call or self._waiting.get(room.id)
        if call is None or call.started >= self._boot or not self._is_young() or (here and here.id == call.id):
            return room
        first, last = self._past.get(room.id, _NO_CALLS)
        if call.started < last:
            if call.started < first:
                self._close(room.id, call, min(self._boot, first))
            return room
        is_new = here and here.started >= self._boot and not here.certain_at
        if here and (is_new or call.started <= here.started < self._boot):
            self._close(room.id, call, min(self._boot, here.started))
            return room
        if here and here.started < self._boot:
            self._together[here.id] = min(self._together[here.id], call.started)
            self._end(room.id, here)
        elif here:
            del self._together[here.id]
            call = replace(call, largest=here.largest, connected=here.connected, relayed=here.relayed)
        self._together[call.id] = self._boot
        if room.call is None:
            self._waiting[room.id] = call
            return room
        room = self._rooms[room.id] = replace(room, call=call)
        return room

    def _stop_waiting(self, room_id: str) -> None:
        if call := self._waiting.pop(room_id, None):
            self._end(room_id, call)

    def _end(self, room_id: str, call: Call) -> None:
        self._close(room_id, call, self._together.pop(call.id))

    def _close(self, room_id: str, call: Call, together: float) -> None:
        ended = max(call.started, together)
        reported = (call.connected, call.relayed, call.connect_seconds)
        self._ended.append(EndedCall(call.id, room_id, call.started, ended, call.largest, *reported))
        if self._is_young():
            first, last = self._past.get(room_id, _NO_CALLS)
            self._past[room_id] = min(first, call.started), max(last, ended)

    def _is_young(self) -> bool:
        """Whether people of a former process may still come back into their call."""
        return self._wall() - self._boot <= _RETURN

    def _remove(self, room: Room, peer: str, reason: str) -> tuple[Room, Change]:
        self._gone[peer] = self._reloading[peer] = self._clock()
        return without_member(room, peer, reason)

    def _has_just_left(self, peer: str) -> bool:
        return self._clock() - self._reloading.get(peer, -math.inf) <= self._reload

    def _forget(self) -> None:
        if not self._is_young():
            self._past.clear()
        for table, seconds in ((self._gone, self._remember), (self._reloading, self._reload)):
            while table and self._clock() - table[oldest := next(iter(table))] > seconds:
                del table[oldest]

    def _is_expired(self, member: Member) -> bool:
        return member.expires_at is not None and member.expires_at <= self._clock()

    def _stamp(self) -> int:
        """Microseconds; always above the last one, also when the clock steps back."""
        self._last_stamp = max(self._last_stamp + 1, int(self._wall() * 1_000_000))
        return self._last_stamp


def _listed(step: tuple[Room, Change]) -> tuple[Room, list[Change]]:
    return step[0], [step[1]]
