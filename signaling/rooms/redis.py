"""
The rooms of many nodes, in one Redis. Each operation is one Lua script, so it is one step that nothing can come between.

A member holds its place by a lease that its node renews; when the node dies the lease runs out, and whoever looks next tells the
others. When Redis comes back empty, `renew` puts back those whose sockets stand, and for a while nobody new is let in.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from signaling import protocol
from signaling.protocol import ProtocolError, ShowState
from signaling.rooms import Change, Entry, Held, Member, Outcome, Room

_SCRIPT = (Path(__file__).parent / "rooms.lua").read_text()
_SLICE = 200  # rooms renewed in one pipeline: one of thousands keeps a node from everything else


class _About(Struct):
    capacity: int = 0
    locked: bool = False
    revision: int = 0


class _Event(Struct):
    kind: str
    revision: int
    peer: str
    reason: str = ""
    locked: bool = False


class _Answer(Struct):
    """What the script answers."""

    room: _About | None = None
    members: list[Member] = []
    events: list[_Event] = []
    peer: str = ""
    is_new: bool = False
    refused: str = ""
    retry_after: int | None = None


_decode = msgspec.msgpack.Decoder(_Answer).decode
_encode = msgspec.msgpack.Encoder().encode


class RedisRooms:
    """
    See signaling.rooms.Rooms. Times in seconds: `lease` is how long a member lasts without a renewal, `quarantine` how long a Redis
    that is new admits nobody, `remember` and `reload` as in MemoryRooms; `skew` is added to Redis's clock, for tests.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        lease: float = 15,
        quarantine: float = 12,
        remember: float = 12 * 3600,
        reload: float = 30,
        skew: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._redis = redis
        self._script = redis.register_script(_SCRIPT)
        self._times = {"lease": lease, "quarantine": quarantine, "remember": remember, "reload": reload}
        self._skew = skew

    async def join(self, entry: Entry, *, capacity: int, replaces: str = "") -> Outcome:
        return await self._admit("join", entry, capacity=capacity, replaces=replaces)

    async def resume(self, entry: Entry, *, capacity: int, stamp: int, connection: int) -> Outcome:
        return await self._admit("resume", entry, capacity=capacity, stamp=stamp, connection=connection)

    async def leave(self, room: str, peer: str, *, connection: int) -> Outcome | None:
        return await self._run("leave", room, peer=peer, connection=connection)

    async def away(self, room: str, peer: str, *, connection: int, keep: float) -> Outcome | None:
        return await self._run("away", room, peer=peer, connection=connection, keep=keep)

    async def show(self, room: str, peer: str, *, connection: int, change: ShowState) -> Outcome | None:
        return await self._run("show", room, peer=peer, connection=connection, change=change.members())

    async def lock(self, room: str, peer: str, *, connection: int, locked: bool) -> Outcome | None:
        return await self._run("lock", room, peer=peer, connection=connection, locked=locked)

    async def view(self, room: str) -> Room:
        return (await self._run("view", room)).room

    async def renew(self, held: Iterable[Held]) -> list[Outcome]:
        """
        Renews the leases of those whose sockets this node holds, and answers for each room in which something has changed that the
        node does not know of yet.
        """
        outcomes = []
        all_held = list(held)  # at once: what the node holds changes while Redis is asked
        for start in range(0, len(all_held), _SLICE):
            part = all_held[start : start + _SLICE]
            pipeline = self._redis.pipeline(transaction=False)
            for one in part:
                await self._call(pipeline, "renew", one.room.id, **_known(one))
            for one, packed in zip(part, await pipeline.execute(), strict=True):
                outcome = _outcome(one.room.id, packed)
                if outcome.changes or outcome.room.revision != one.room.revision:
                    outcomes.append(outcome)
        return outcomes

    async def _admit(self, operation: str, entry: Entry, **given) -> Outcome:
        fields = {"peer": entry.peer, "node": entry.node, "request": entry.request} | given
        if entry.state is not None:
            fields["state"] = entry.state
        if entry.attempt is not None:
            fields["attempt"] = entry.attempt
        return await self._run(operation, entry.room, **fields)

    async def _run(self, operation: str, room: str, **given) -> Outcome | None:
        return _outcome(room, await self._call(self._redis, operation, room, **given))

    async def _call(self, client, operation: str, room: str, **given) -> bytes:
        request = {"op": operation, "skew": self._skew(), **self._times, **given}
        return await self._script(keys=[f"room:{room}", "boot"], args=[_encode(request)], client=client)


def _known(held: Held) -> dict:
    room = held.room
    return {"capacity": room.capacity, "locked": room.locked, "revision": room.revision, "held": held.members}


def _outcome(room_id: str, packed: bytes) -> Outcome | None:
    answer = _decode(packed)
    if answer.refused:
        raise ProtocolError(answer.refused, **({"retry_after": answer.retry_after} if answer.retry_after else {}))
    if answer.room is None:
        return None
    about = answer.room
    members = {member.peer: member for member in answer.members}
    room = Room(room_id, about.capacity, about.revision, about.locked, members)
    changes = tuple(_change(event, members) for event in answer.events)
    return Outcome(room, changes, members.get(answer.peer), answer.is_new)


def _change(event: _Event, members: dict[str, Member]) -> Change:
    match event.kind:
        case "joined":
            return Change(protocol.joined(event.revision, members[event.peer].view), event.peer)
        case "left":
            return Change(protocol.left(event.revision, event.peer, event.reason), event.peer)
        case "away":
            return Change(protocol.away(event.revision, event.peer), event.peer)
        case "back":
            return Change(protocol.back(event.revision, event.peer), event.peer)
        case "state":
            return Change(protocol.state(event.revision, event.peer, members[event.peer].state))
        case "lock":
            return Change(protocol.lock(event.revision, event.peer, event.locked))
    raise AssertionError(f"the script tells of {event.kind}")
