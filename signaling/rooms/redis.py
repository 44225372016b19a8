"""
The rooms of many nodes, in one Redis. Each operation is one call of a Lua function, so it is one step that nothing can come between.

A member holds its place by the lease of its node, which renews it by showing that it lives; when the node dies the lease runs out, and
whoever looks next tells the others. So that nobody stays whom a living node has forgotten, each place has a longer lease of its own
besides. When Redis comes back empty, `renew` puts back those whose sockets stand, and for a while nobody new is let in.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from itertools import count

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from signaling import protocol
from signaling.protocol import ProtocolError, ShowState
from signaling.rooms import Call, Change, EndedCall, Entry, Heartbeat, Held, Member, Outcome, Room, library

logger = logging.getLogger(__name__)

_SLICE = 100  # rooms renewed in one call, which keeps Redis from everything else for a millisecond or two
_LOADS = (
    2  # of the library for one call: one that was just loaded may be removed by a node of a newer version that starts
)
_SWEPT = 20  # rooms that nobody is left in, ended with each heartbeat
_HOLD = 32  # leases of a node that one of a place lasts
_MOST_ENDED = 20_000  # calls; each a few hundred bytes
_ENDED = "calls:ended"
_REFUSED = "calls:refused"  # by the database, or unreadable: for operators, by the call's id or the entry's


class _Room(Struct):
    capacity: int = 0
    version: str = ""
    revision: int = 0
    locked: bool = False
    members: list[Member] = []
    call: Call | None = None
    boot: float = 0.0
    told: int = 0


class _Event(Struct):
    kind: str
    revision: int
    peer: str
    reason: str = ""
    locked: bool = False


class _Head(Struct):
    """What the function answers besides the room."""

    events: list[_Event] = []
    recalled: list[_Event] = []
    nodes: list[str] = []
    peer: str = ""
    is_new: bool = False
    no_place: dict[str, str] = {}
    knows_most: bool = False
    refused: str = ""
    retry_after: int | None = None
    ended: list[EndedCall] = []
    boot: float = 0.0


class _Boot(Struct):
    at: float


_decode_room = msgspec.msgpack.Decoder(_Room).decode
_decode_head = msgspec.msgpack.Decoder(_Head).decode
_decode_call = msgspec.msgpack.Decoder(EndedCall).decode
_decode_calls = msgspec.msgpack.Decoder(list[EndedCall]).decode
_decode_boot = msgspec.msgpack.Decoder(_Boot).decode
_encode = msgspec.msgpack.Encoder().encode


class RedisRooms:
    """
    See signaling.rooms.Rooms. Times in seconds: `lease` is how long a node counts as alive after it has said so, and how long a place lasts
    that its node has not spoken for yet; `quarantine` how long a Redis that is new admits nobody, `remember` and `reload` as in
    MemoryRooms; `joins` are let through per second and address, `joins_burst` at once; after `patience`, if there is one, nobody
    waits any more to be let in; `skew` is added to Redis's clock, for tests.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        lease: float = 15,
        quarantine: float = 12,
        remember: float = 12 * 3600,
        reload: float = 30,
        joins: float = 1.0,
        joins_burst: int = 60,
        patience: float | None = None,
        skew: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._redis = redis
        self._times = {
            "lease": lease,
            "hold": _HOLD * lease,
            "quarantine": quarantine,
            "remember": remember,
            "reload": reload,
        }
        self._joins = {"joins": joins, "joins_burst": joins_burst}
        self._patience = patience
        self._skew = skew
        self._loading = asyncio.Lock()
        self._name = secrets.token_urlsafe(9)
        self._numbers = count(1)
        self._boot = 0.0  # when the Redis of the last heartbeat was first used
        # The last heartbeat: when it was, on Redis's clock, whether anybody sat here, and how many rooms it has told of.
        self._beat_at: float | None = None
        self._beat_asked_at = 0.0  # the same on ours, and a little earlier
        self._held = False
        self._taken = 0
        self._dead: frozenset[str] = frozenset()
        self._soon: set[str] = set()  # rooms to be looked at again with the next
        # Rooms of which a Redis has been told all, and by when it was first used, which.
        self._reminded: dict[str, float] = {}
        # Calls that ended by what was asked here, and in which Redis, by when it was first used: the oldest first.
        self._ended: dict[str, tuple[EndedCall, float]] = {}

    async def join(self, entry: Entry, *, capacity: int, replaces: str = "", address: str = "") -> Outcome:
        return await self._admit("join", entry, address, capacity=capacity, replaces=replaces, **self._joins)

    async def resume(
        self, entry: Entry, *, capacity: int, stamp: int, connection: int, call: Call | None = None
    ) -> Outcome:
        return await self._admit("resume", entry, capacity=capacity, stamp=stamp, connection=connection, call=call)

    async def leave(
        self, room: str, peer: str, *, connection: int, request: str = "", restores: str = "", ago: float = 0.0
    ) -> Outcome | None:
        given = {"connection": connection, "request": request, "restores": restores, "ago": ago}
        return await self._run("leave", room, peer=peer, **given)

    async def away(
        self, room: str, peer: str, *, connection: int, keep: float, request: str = "", ago: float = 0.0
    ) -> Outcome | None:
        given = {"connection": connection, "request": request, "keep": keep, "ago": ago}
        return await self._run("away", room, peer=peer, **given)

    async def show(
        self, room: str, peer: str, *, connection: int, change: ShowState, request: str = ""
    ) -> Outcome | None:
        return await self._run("show", room, peer=peer, connection=connection, change=change.members(), request=request)

    async def lock(self, room: str, peer: str, *, connection: int, locked: bool, request: str = "") -> Outcome | None:
        return await self._run("lock", room, peer=peer, connection=connection, locked=locked, request=request)

    async def report(self, room: str, peer: str, *, connection: int, relayed: bool, request: str = "") -> None:
        await self._run("report", room, peer=peer, connection=connection, relayed=relayed, request=request)

    async def view(self, room: str) -> Room:
        return (await self._run("view", room)).room

    async def beat(self, node: str, *, holds: bool) -> Heartbeat:
        request = self._request("beat", node=node, last=self._beat_at, held=self._held, taken=self._taken, count=_SWEPT)
        asked_at = time.monotonic()
        began, boot, ended, news, dead = await self._call("calls:due", "boot", request=request)
        self._beat_asked_at = asked_at
        self._beat_at, self._held, self._taken = float(began), holds, len(news)
        self._boot = float(boot)
        self._dead = frozenset(name.decode() for name in dead)
        if ended:
            self._keep(_decode_calls(ended), self._boot)
        soon, self._soon = self._soon, set()
        changed = {room.decode() for room in news} | soon
        if "" in changed:
            self._reminded.clear()
        return Heartbeat(frozenset(changed - {""}), self._dead, "" not in changed)

    async def renew(self, held: Iterable[Held]) -> list[Outcome]:
        """
        Renews the leases of those whose sockets this node holds, and answers for each room of which the node does not know all: a
        change, or only that somebody has reported on its call.
        """
        outcomes = []
        all_held = list(held)  # at once: what the node holds changes while Redis is asked
        for start in range(0, len(all_held), _SLICE):
            part = await self._refresh(all_held[start : start + _SLICE])
            for one, answer in zip(part, await self._renew(part), strict=True):
                outcome = await self._renewed(one, answer)
                if outcome.changes or outcome.no_place or outcome.room.version != one.room.version:
                    outcomes.append(outcome)
        return outcomes

    async def restore(self, held: Held) -> list[Outcome]:
        """As `renew`, of one room, unless Redis knows it as well as the node does: then who is missing there is missing rightly."""
        request = self._request("renew", if_forgotten=True, **_known(held))
        return [await self._renewed(held, await self._call(f"room:{held.room.id}", "boot", request=request))]

    async def ended_calls(self, count: int) -> list[EndedCall]:
        """
        Those that wait in Redis, and those that waited in one that has lost its memory since; they have no `entry`. Of the latter this
        node knows those that ended by what it had asked for, whose record may have been made before the loss.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xrange(_ENDED, count=count)
        pipeline.get("boot")
        entries, boot = await pipeline.execute()
        waiting = [call for entry, fields in entries if (call := await self._read_call(entry.decode(), fields))]
        lost = self._lost_calls(waiting, boot and _decode_boot(boot).at, are_all=len(entries) < count)
        return (waiting + lost)[:count]

    async def _read_call(self, entry: str, fields: dict[bytes, bytes]) -> EndedCall | None:
        """None if it is none; then it is set aside as it is, so that it holds up no other."""
        packed = fields.get(b"call", b"")
        try:
            return replace(_decode_call(packed), entry=entry)
        except ValueError as error:  # no MessagePack, no text
            if await self._redis.hsetnx(_REFUSED, entry, packed):
                logger.error("entry %r of %s cannot be read and is set aside: %s", entry, _ENDED, error)
            await self._redis.xdel(_ENDED, entry)
            return None

    async def set_aside(self, call: EndedCall) -> bool:
        return bool(await self._redis.hsetnx(_REFUSED, call.id, _encode(call)))

    async def forget_calls(self, calls: list[EndedCall]) -> None:
        if entries := [call.entry for call in calls if call.entry]:
            await self._redis.xdel(_ENDED, *entries)
        for call in calls:
            self._ended.pop(call.id, None)

    def _keep(self, ended: list[EndedCall], boot: float) -> None:
        for call in ended:
            self._ended[call.id] = call, boot
        while len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def _lost_calls(self, waiting: list[EndedCall], boot: float | None, *, are_all: bool) -> list[EndedCall]:
        """Of those kept here; and what another node has recorded is kept no longer: it is not among all that wait."""
        known = {call.id for call in waiting}
        kept = [(call, at) for call, at in self._ended.values() if call.id not in known]
        if are_all:
            for call, at in kept:
                if at == boot:
                    del self._ended[call.id]
        return [call for call, at in kept if at != boot]

    async def _renewed(self, one: Held, answer: list) -> Outcome:
        head = _decode_head(answer[1])
        self._keep(head.ended, head.boot)
        outcome = _outcome(one.room.id, answer[0], head)
        if head.knows_most and self._reminded.get(one.room.id) != head.boot:
            outcome = await self._remind(one, outcome)
            self._reminded[one.room.id] = head.boot
        return outcome

    async def _remind(self, one: Held, first: Outcome) -> Outcome:
        """
        Tells a Redis that has forgotten the room of those too whose sockets others hold, or who are away: all have a place to come back
        to, which no stranger gets.
        """
        held = {member.peer for member in one.members}
        others = [member for peer, member in one.room.members.items() if peer not in held | first.room.members.keys()]
        if not others:
            return first
        second = await self._run("renew", one.room.id, others=others, **_known(one))
        return replace(
            second,
            changes=first.changes + second.changes,
            nodes=first.nodes | second.nodes,
            is_new=first.is_new or second.is_new,
        )

    async def _refresh(self, part: list[Held]) -> list[Held]:
        """
        Renews in one step where there is nothing to know, and answers the others. These are looked at again with the next heartbeat, for
        somebody may be away and run out, and so are those in which somebody's node has not spoken for them yet.
        """
        first, *others = (f"room:{one.room.id}" for one in part)
        request = self._request("refresh", node=_node(part), rooms=[self._brief(one) for one in part])
        rest, soon = await self._call(first, "boot", *others, request=request)
        self._soon |= {part[place - 1].room.id for place in (*rest, *soon)}
        return [part[place - 1] for place in rest]

    def _brief(self, held: Held) -> tuple[str, list[int]]:
        """The room's version, and which of its members, counted from 0, are held; no version when there is more to do than to renew."""
        known = {member.peer: (member.connection, member.shown_at) for member in held.members}
        members = held.room.members.values()
        places = [
            place
            for place, member in enumerate(members)
            if (member.connection, member.shown_at) == known.get(member.peer) and not member.away
        ]
        is_known = len(places) == len(known) and all(member.node not in self._dead for member in members)
        return (held.room.version, places) if is_known else ("", [])

    async def _renew(self, part: list[Held]) -> list:
        if not part:
            return []
        pipeline = self._redis.pipeline(transaction=False)
        for one in part:
            pipeline.fcall(library.NAME, 2, f"room:{one.room.id}", "boot", self._request("renew", **_known(one)))
        return await pipeline.execute()

    async def _admit(self, operation: str, entry: Entry, address: str = "", **given) -> Outcome:
        fields = {"peer": entry.peer, "node": entry.node, "request": entry.request} | given
        if entry.state is not None:
            fields["state"] = entry.state
        if entry.attempt is not None:
            fields["attempt"] = entry.attempt
        if entry.nonce:
            fields["nonce"] = entry.nonce
        if self._patience is not None and self._beat_at is not None:
            fields["by"] = self._beat_at + time.monotonic() - self._beat_asked_at + self._patience
        keys = (f"gone:{entry.peer}", f"joins:{address}") if address else (f"gone:{entry.peer}",)
        return await self._run(operation, entry.room, *keys, **fields)

    async def _run(self, operation: str, room: str, *keys: str, **given) -> Outcome | None:
        packed, head = await self._call(f"room:{room}", "boot", *keys, request=self._request(operation, **given))
        told = _decode_head(head)
        self._keep(told.ended, told.boot)
        return _outcome(room, packed, told)

    def _request(self, operation: str, *, request: str = "", **given) -> bytes:
        """Named: when its answer was lost it is asked again, and the second run must answer what the first has done."""
        name = request or f"{self._name}{next(self._numbers)}"
        times = {"skew": self._skew(), "boot": self._boot, **self._times}
        return _encode({"op": operation, "request": name, **times, **given})

    async def _call(self, *keys: str, request: bytes):
        for _ in range(_LOADS):
            try:
                return await self._redis.fcall(library.NAME, len(keys), *keys, request)
            except ResponseError as error:
                if not library.is_missing(error):
                    raise
            async with self._loading:
                await library.load(self._redis)
        return await self._redis.fcall(library.NAME, len(keys), *keys, request)


def _node(part: list[Held]) -> str:
    return next((member.node for held in part for member in held.members), "")


def _known(held: Held) -> dict:
    room = held.room
    return {
        "capacity": room.capacity,
        "locked": room.locked,
        "revision": room.revision,
        "version": room.version,
        "made_in": room.boot,
        "knows": list(room.members),
        "call": room.call,
        "together": _together(room),
        "held": held.members,
    }


def _together(room: Room) -> float | None:
    """When two were last there, if it is over; in a call in which two are there a store only notes it when one of them goes."""
    is_over = room.call and sum(not member.away for member in room.members.values()) < 2
    return room.call.together if is_over else None


def _outcome(room_id: str, packed: bytes | None, head: _Head) -> Outcome | None:
    if head.refused:
        raise ProtocolError(head.refused, **({"retry_after": head.retry_after} if head.retry_after else {}))
    if packed is None:
        return None
    about = _decode_room(packed)
    members = {member.peer: member for member in about.members}
    made = about.version, about.boot, about.told
    room = Room(room_id, about.capacity, about.revision, about.locked, members, about.call, *made)
    changes, recalled = (tuple(_change(event, members) for event in events) for events in (head.events, head.recalled))
    return Outcome(room, changes, members.get(head.peer), head.is_new, frozenset(head.nodes), head.no_place, recalled)


def _change(event: _Event, members: dict[str, Member]) -> Change:
    match event.kind:
        case "joined":
            return Change(protocol.joined(event.revision, members[event.peer].view), event.peer)
        case "left":
            return Change(
                protocol.left(event.revision, event.peer, event.reason), event.peer, removes=event.reason == "removed"
            )
        case "away":
            return Change(protocol.away(event.revision, event.peer), event.peer)
        case "back":
            return Change(protocol.back(event.revision, event.peer), event.peer)
        case "state":
            return Change(protocol.state(event.revision, event.peer, members[event.peer].state))
        case "lock":
            return Change(protocol.lock(event.revision, event.peer, event.locked))
    raise AssertionError(f"the function tells of {event.kind}")
