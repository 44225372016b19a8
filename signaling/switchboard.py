"""
Who is reached how: the live sessions of this process, and the rooms in which they sit.

What a room store decides is handed on here, to everybody in the room: to those of this process at once, to the others through the
link of the store's host. News can come late, twice, in another order or not at all; a room's revision and its members' connection
numbers tell which is newer, and who has missed something gets the whole list.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator
from itertools import cycle
from typing import Protocol

import msgspec
from msgspec import Struct

from signaling import protocol
from signaling.links import AWAY
from signaling.protocol import ERRORS, Ack, ProtocolError, Signal
from signaling.rooms import Change, Entry, Held, Member, Outcome, Room, Rooms
from signaling.rounds import TURNS
from signaling.shards import Errand, Shard, host_of, unavailable
from signaling.tally import Tally

logger = logging.getLogger(__name__)

_SLICE = 200  # rooms renewed at once: thousands in one go would keep the node from everything else
_HASTE = 0.25  # of the time between two heartbeats, over which the slices are spread
_BREATH = 0.5  # seconds in which what a store tells has time to come from the node that has done it: that says why
_RETRY = 0.5  # seconds


class Outlet(Protocol):
    """The way out to one socket; neither method waits."""

    @property
    def waiting(self) -> int: ...

    def put(self, message: bytes) -> None: ...

    def close(self, code: int, reason: str = "") -> None: ...


class _News(Struct, array_like=True):
    """What one node tells the others of a room."""

    room: Room
    changes: tuple[Change, ...]


class _Seat(Struct):
    """A socket of this process, and its member as it was last known: enough to put it back where the store has lost it."""

    outlet: Outlet
    member: Member


class _Local(Struct):
    """A room as this process knows it, with those who sit here."""

    seats: dict[str, _Seat] = {}
    known: Room | None = None


class _Coming(Struct):
    """Those of this process who wait to be let into a room in which nobody sits here, and the newest of what was heard of it meanwhile."""

    waiting: int = 0
    news: _News | None = None


_write_news = msgspec.json.Encoder().encode
_read_news = msgspec.json.Decoder(_News).decode


class Switchboard:
    """
    One node: its sessions by room and peer, over the stores of rooms. `renewal` is the number of seconds between two of its heartbeats.
    """

    def __init__(self, *shards: Shard, renewal: float) -> None:
        self.shards: list[Shard] = []
        self.tally = Tally()
        self._here: dict[str, _Local] = {}  # rooms of all shards
        self._coming: dict[str, _Coming] = {}
        self._renewal = renewal
        self._chores: list[Callable[[], Coroutine]] = []
        self._tasks: list[asyncio.Task] = []
        self._silent: set[Shard] = set()  # those that do not answer
        self._drained_at: float | None = None  # on time.monotonic, once this node is to stop
        for shard in shards:
            self.add(shard)

    def add(self, shard: Shard, *chores: Callable[[], Coroutine]) -> None:
        """Takes one more store of rooms, and what is to be done for it from `start` to `stop`; before `start` only."""
        self.shards.append(shard)
        self._chores += chores

    def start(self) -> None:
        """Keeps places from now on; may be said again. Needs the loop that serves."""
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._keep(shard)) for shard in self.shards]
            links = [shard.link for shard in self.shards if shard.link]
            self._tasks += [loop.create_task(link.serve()) for link in links]
            self._tasks += [loop.create_task(chore()) for chore in self._chores]

    async def stop(self) -> None:
        """Ends what `start` began; leases are not given up, for those who sat here come back elsewhere."""
        tasks, self._tasks = set(self._tasks), []
        while tasks:
            for task in tasks:
                task.cancel()
            # Again if need be: where a time limit runs out at the same moment, a library may take one for the other.
            _, tasks = await asyncio.wait(tasks, timeout=_RETRY)

    @property
    def is_draining(self) -> bool:
        return self._drained_at is not None

    @property
    def is_ready(self) -> bool:
        """Whether newcomers should be sent to this node. A host that is away stops its own rooms only, and those on all nodes alike."""
        return not self.is_draining and not self._is_told_otherwise and any(shard.is_up for shard in self.shards)

    @property
    def is_whole(self) -> bool:
        """Whether all stores can be reached."""
        return all(shard.is_up for shard in self.shards)

    @property
    def is_shared(self) -> bool:
        """Whether there may be other nodes."""
        return self.shards[0].link is not None

    @property
    def sessions(self) -> int:
        return sum(len(local.seats) for local in self._here.values())

    @property
    def rooms(self) -> int:
        """Of how many rooms somebody sits here."""
        return len(self._here)

    def outboxes(self) -> list[int]:
        """How much waits for each session, in characters; looks at all of them."""
        return [seat.outlet.waiting for local in self._here.values() for seat in local.seats.values()]

    def shard(self, room: str) -> Shard:
        """Where this room is."""
        return self.shards[host_of(room, len(self.shards))] if len(self.shards) > 1 else self.shards[0]

    async def join(self, entry: Entry, *, replaces: str = "", **given) -> Outcome:
        """
        Asks the room's store for a place, which may be that of `replaces`.

        Raises:
            ProtocolError: what the store refuses with, or `unavailable`.
        """
        undo = self._errand(
            entry.room, lambda rooms: rooms.leave(entry.room, entry.peer, connection=1, restores=replaces)
        )
        return await self._admit(entry.room, lambda rooms: rooms.join(entry, replaces=replaces, **given), undo=undo)

    async def resume(self, entry: Entry, **given) -> Outcome:
        """As `join`, for who comes back."""
        return await self._admit(entry.room, lambda rooms: rooms.resume(entry, **given))

    async def tell(self, held: Held, ask: Callable[[Rooms], Awaitable[Outcome | None]]) -> None:
        """
        Has the room's store do this for somebody, now or once it can be reached again, and publishes what comes of it. A store that
        does not know this member is told first: it may have lost its memory.
        """
        await self.shard(held.room.id).tell(self._errand(held.room.id, ask, held))

    def attach(self, room: str, member: Member, outlet: Outlet) -> None:
        """From now on this outlet is the member; an older socket of it hears that it is superseded."""
        local = self._here.get(room)
        if local is None:
            local = self._here[room] = _Local()
        self.shard(room).rounds.add(room)
        older = local.seats.get(member.peer)
        if older is not None and older.member.connection > member.connection:
            self._refuse(outlet, "superseded")
            return
        local.seats[member.peer] = _Seat(outlet, member)
        if older is not None and older.outlet is not outlet:
            self._refuse(older.outlet, "superseded")

    def detach(self, room: str, peer: str, outlet: Outlet) -> Held | None:
        """Forgets this outlet; answers whom it stood for, or None when it does not any more. May be said twice."""
        local = self._here.get(room)
        seat = local and local.seats.get(peer)
        if not seat or seat.outlet is not outlet:
            return None
        self._clear_seat(room, local, peer)
        return Held(local.known, (seat.member,)) if local.known else None

    def publish(self, outcome: Outcome | None, *, is_welcome: bool = True, is_renewal: bool = False) -> None:
        """
        Tells everybody in the room what has changed, on this node and on the others. The member that it is about hears no list of what
        was missed before, if its `welcome` was one; what a renewal has answered the store after it was told what is known here.
        """
        if outcome is None:
            return
        about = outcome.member.peer if is_welcome and outcome.member else ""
        self._hear(outcome.room, outcome.changes or outcome.recalled, about, is_renewal=is_renewal)
        shard = self.shard(outcome.room.id)
        elsewhere = outcome.nodes - {shard.node}
        if elsewhere and shard.link and (outcome.changes or outcome.member or outcome.is_new):
            news = _write_news(_News(outcome.room, outcome.changes))
            for address in elsewhere:
                shard.link.post(address, outcome.room.id, "", news)

    def deliver(self, room: str, peer: str, text: bytes) -> None:
        """Takes what another node has sent."""
        if peer:
            local = self._here.get(room)
            seat = local and local.seats.get(peer)
            if seat:
                self.tally.delivered += 1
                seat.outlet.put(text)
            return
        news = _read_news(text)
        self._hear(news.room, news.changes)

    def relay(self, room: str, sender: str, message: Signal | Ack) -> None:
        """
        Hands a signal or an acknowledgement to its receiver; to one that is away it is dropped, for the ends repeat it.

        Raises:
            ProtocolError: `unknown-peer`.
        """
        local = self._here.get(room)
        if local is None:
            return
        seat = local.seats.get(message.to)
        if seat is not None:
            self.tally.handed_on += 1
            seat.outlet.put(protocol.forwarded(sender, message))
            return
        member = local.known and local.known.members.get(message.to)
        if member is None:
            raise ProtocolError("unknown-peer", to=message.to, about="signal" if isinstance(message, Signal) else "ack")
        link = self.shard(room).link
        if link and not member.away:
            self.tally.sent_on += 1
            link.post(member.node, room, message.to, protocol.forwarded(sender, message))

    def held(self, room: str, peer: str) -> Held | None:
        """This member of ours and its room, as we know them."""
        local = self._here.get(room)
        seat = local and local.seats.get(peer)
        return Held(local.known, (seat.member,)) if seat and local.known else None

    def known(self, room: str) -> Room | None:
        """The room as this node knows it, if anybody of it sits here."""
        local = self._here.get(room)
        return local and local.known

    def drain(self, seconds: float) -> None:
        """Asks everybody to move to another node, each at a moment of its own; from now on this node is not ready."""
        self._drained_at = time.monotonic() + seconds
        for local in list(self._here.values()):
            for seat in local.seats.values():
                self.ask_to_move(seat.outlet)

    def ask_to_move(self, outlet: Outlet) -> None:
        """To another node, at a moment of the time that is left, if this one is to stop: for who was on the way in when it heard so."""
        if self._drained_at is not None:
            left = max(0, self._drained_at - time.monotonic())
            outlet.put(protocol.reconnect(math.floor(random.uniform(0, left) * 1000)))

    async def _admit(self, room: str, ask: Callable[[Rooms], Awaitable[Outcome]], **given) -> Outcome:
        if self.is_draining:
            raise ProtocolError("unavailable", retry_after=1)
        if self._is_told_otherwise:
            raise unavailable()  # of its rooms on hosts that only it knows, too
        shard = self.shard(room)
        coming = self._coming.setdefault(room, _Coming())
        coming.waiting += 1
        try:
            return await shard.admit(lambda: ask(shard.rooms), **given)
        finally:
            coming.waiting -= 1
            if not coming.waiting:
                del self._coming[room]
            if coming.news:  # it has overtaken the answer, which comes first all the same
                asyncio.get_running_loop().call_soon(self._hear, coming.news.room, coming.news.changes)

    @property
    def _is_told_otherwise(self) -> bool:
        return any(shard.is_told_otherwise for shard in self.shards)

    def _errand(self, room: str, ask: Callable[[Rooms], Awaitable[Outcome | None]], held: Held | None = None) -> Errand:
        async def errand() -> None:
            rooms = self.shard(room).rooms
            outcome = await ask(rooms)
            if outcome is None and held:
                sits_here = any(self.held(room, member.peer) for member in held.members)
                for news in await (rooms.renew([held]) if sits_here else rooms.restore(held)):
                    self._take_renewal(news)
                outcome = await ask(rooms)
            self.publish(outcome, is_welcome=False)

        return errand

    def _clear_seat(self, room: str, local: _Local, peer: str) -> None:
        del local.seats[peer]
        if not local.seats:
            self._here.pop(room, None)
            self.shard(room).rounds.discard(room)

    def _hear(self, room: Room, changes: tuple[Change, ...], about: str = "", *, is_renewal: bool = False) -> None:
        """Takes this for the room as it is, unless something newer is known, and tells those who sit here what is new to them."""
        local = self._here.get(room.id)
        if local is None:
            coming = self._coming.get(room.id)
            if coming and not (coming.news and _is_overtaken(room, coming.news.room)):
                coming.news = _News(room, changes)
            return
        known = local.known
        if known is not None and not is_renewal and room.boot > known.boot and room.told < known.revision:
            # The store has begun anew, and nobody has told it yet of what is known here.
            self.shard(room.id).rounds.mark([room.id])
            return
        if known is not None and _is_overtaken(room, known):
            if about in local.seats:  # its answer was overtaken by news of others
                self._show_members(local, about)
            return
        if known is not None and _is_of_others(room, changes, local):
            self.shard(room.id).rounds.mark([room.id])
            return
        local.known = room
        heard = known.revision if known else room.revision - len(changes)
        news = changes[max(0, heard - room.revision + len(changes)) :]
        for change in news:
            told = change.text.encode()
            for peer, seat in local.seats.items():
                if peer != change.unheard_by and peer in room.members:
                    seat.outlet.put(told)
        anew = _let_in_anew(known, room, news) if known else set()
        is_missed = room.revision - len(changes) > heard
        if is_missed or anew or (known is not None and _has_another_past(known, room, changes)):
            for peer in local.seats:
                if peer != about:
                    if anew:
                        self._show_members(local, peer, without=anew)
                    self._show_members(local, peer)
        self._check_seats(local, changes)

    def _check_seats(self, local: _Local, changes: tuple[Change, ...]) -> None:
        """Refuses those whose place has another socket now, or who were taken out. Who is merely missing is put back by a renewal."""
        removed = {change.unheard_by for change in changes if change.removes}
        for peer, seat in list(local.seats.items()):
            member = local.known.members.get(peer)
            if member is None:
                if peer in removed:
                    self._turn_out(local, peer, "removed")
                else:
                    self.shard(local.known.id).rounds.mark([local.known.id])
            elif member.connection > seat.member.connection:
                self._turn_out(local, peer, "superseded")
            elif (member.connection, member.shown_at) >= (seat.member.connection, seat.member.shown_at):
                seat.member = member
            else:  # the store has lost what this node knows, or this is late news of one that was lost
                self.shard(local.known.id).rounds.mark([local.known.id])

    def _turn_out(self, local: _Local, peer: str, code: str) -> None:
        self._refuse(local.seats[peer].outlet, code)
        self._clear_seat(local.known.id, local, peer)

    def _refuse(self, outlet: Outlet, code: str) -> None:
        self.tally.refused[code] += 1
        outlet.put(protocol.error(ProtocolError(code)))
        outlet.close(ERRORS[code].close, code)

    def _show_members(self, local: _Local, peer: str, *, without: Collection[str] = ()) -> None:
        room = local.known
        if peer in room.members:
            others = [other for other in room.others(peer) if other.peer not in without]
            local.seats[peer].outlet.put(protocol.members(room.revision, room.locked, others))

    async def _keep(self, shard: Shard) -> None:
        """
        Shows the store that this node lives, renews what the store may know otherwise than we do, and tells what was kept for later: that
        may be much, and must not keep those who sit here from their places.
        """
        turns = cycle(range(TURNS))
        while True:
            until = time.monotonic() + self._renewal
            is_kept = await self._is_done(shard, self._beat(shard))
            is_kept = is_kept and await self._is_renewed(shard, next(turns), until)
            if is_kept and shard.waiting and shard.link:
                await asyncio.sleep(min(shard.link.settles_in, self._renewal))
            if is_kept and await self._is_done(shard, shard.catch_up(until)):
                await asyncio.sleep(until - time.monotonic())
            else:
                await asyncio.sleep(min(_RETRY, self._renewal))

    async def _is_renewed(self, shard: Shard, turn: int, until: float) -> bool:
        """
        Slice by slice, until it is time for the next heartbeat; what is left then is due still. False when the store has stopped answering.
        """
        due = shard.rounds.begin(turn) if shard.link else []  # a store of this process only needs no leases
        for start in range(0, len(due), _SLICE) or [0]:
            if not await self._is_done(shard, self._renew(shard, due[start : start + _SLICE])):
                return False
            await asyncio.sleep(_HASTE * self._renewal * _SLICE / max(_SLICE, len(due)))
            if time.monotonic() >= until:
                break
        return True

    async def _is_done(self, shard: Shard, asking: Awaitable[None]) -> bool:
        try:
            await asking
        except AWAY as error:
            if shard not in self._silent:
                logger.warning("places cannot be renewed: %s", error)
            self._silent.add(shard)
            return False
        except Exception:
            logger.exception("places could not be renewed")
        self._silent.discard(shard)
        return True

    async def _beat(self, shard: Shard) -> None:
        """
        Shows that this node lives, and finds out what is due: what has changed, rooms of nodes that have died, all when the store did not
        know us.
        """
        heard = await shard.rooms.beat(shard.node, holds=bool(shard.rounds))
        shard.rounds.mark(heard.changed)
        if not heard.is_known:
            shard.rounds.mark_all()
        if heard.dead:
            shard.rounds.mark(room for room, local in self._here.items() if _sits_at(heard.dead, local.known))
        await shard.agree()

    async def _renew(self, shard: Shard, part: list[str]) -> None:
        held = list(_held(self._here, part))
        # Before it is asked for: what happens meanwhile is for the next time.
        shard.rounds.done(one.room.id for one in held)
        try:
            outcomes = await shard.rooms.renew(held)
        except Exception:
            shard.rounds.mark(part)
            raise
        if outcomes:  # seldom: nearly all rooms are as we know them
            asked = {one.room.id: one.members for one in held}
            for outcome in outcomes:
                if outcome.changes or outcome.recalled or outcome.no_place or outcome.is_new:
                    self._take_renewal(outcome)
                    self._refuse_places(outcome, asked.get(outcome.room.id, ()))
                else:
                    local = self._here.get(outcome.room.id)
                    asyncio.get_running_loop().call_later(_BREATH, self._take_late, local, outcome)

    def _take_late(self, local: _Local | None, outcome: Outcome) -> None:
        """Unless everybody has gone meanwhile; a room of the same name would be another one."""
        if local and self._here.get(outcome.room.id) is local:
            self._take_renewal(outcome)

    def _take_renewal(self, outcome: Outcome) -> None:
        """
        As `publish`. Who was taken for lost while this node was cut off, and is put back, has been forgotten by those on other nodes with
        all that was said; it must forget them too, or both wait for what the other has had. So it hears that they are gone, and are there.
        """
        self.publish(outcome, is_renewal=True)
        local = self._here.get(outcome.room.id)
        for peer in {change.unheard_by for change in outcome.changes} & set(local.seats if local else ()):
            room = local.known
            if peer in room.members:
                on_this_node = [other for other in room.others(peer) if other.peer in local.seats]
                local.seats[peer].outlet.put(protocol.members(room.revision, room.locked, on_this_node))
                self._show_members(local, peer)

    def _refuse_places(self, outcome: Outcome, asked: Iterable[Member]) -> None:
        """To those for whom the store has none any more: it came back empty, and others were faster."""
        local = self._here.get(outcome.room.id)
        for member in asked:
            seat = local and local.seats.get(member.peer)
            code = outcome.no_place.get(member.peer)
            if code and seat and seat.member.connection == member.connection:
                self._turn_out(local, member.peer, code)


def _held(rooms: dict[str, _Local], part: list[str]) -> Iterator[Held]:
    for room_id in part:
        local = rooms.get(room_id)
        if local and local.known:
            yield Held(local.known, tuple(seat.member for seat in local.seats.values()))


def _sits_at(nodes: frozenset[str], room: Room | None) -> bool:
    return room is not None and any(member.node in nodes for member in room.members.values() if not member.away)


def _is_of_others(room: Room, changes: tuple[Change, ...], local: _Local) -> bool:
    """
    Whether nobody who sits here is in the room, or was taken out of it: then it may be one that is over, of which news has come late, and
    the store has to be asked.
    """
    removed = {change.unheard_by for change in changes if change.removes}
    return not local.seats.keys() & (room.members.keys() | removed)


def _let_in_anew(known: Room, room: Room, news: tuple[Change, ...]) -> set[str]:
    """
    Who has been gone and is there again, and no news say so. They have nothing left of what was said to them: who knew them has to see
    that they were gone.
    """
    told = {change.unheard_by for change in news}
    since = {peer: member.since for peer, member in known.members.items()}
    return {peer for peer, member in room.members.items() if since.get(peer, member.since) != member.since} - told


def _has_another_past(known: Room, room: Room, changes: tuple[Change, ...]) -> bool:
    """Whether the changes do not lead from what was known to this: the store was set back, or has begun anew, and counts up again."""
    about = {change.unheard_by for change in changes}
    return known.version != room.version and (
        bool((known.members.keys() ^ room.members.keys()) - about)
        or (known.locked != room.locked and not changes)
        or (known.revision == room.revision and known.others("") != room.others(""))
    )


def _is_overtaken(room: Room, known: Room) -> bool:
    """
    Whether this is from before what is known. A resume that nobody need hear of raises no revision, but a connection number; what is said
    of a call only the version. The numbers fall where a store was set back, and versions where its clock was: the higher of either is news.
    """
    if room.revision != known.revision:
        return room.revision < known.revision
    is_higher = _connections(room) > _connections(known) or _made_at(room) > _made_at(known)
    return room.version != known.version and not is_higher


def _connections(room: Room) -> int:
    return sum(member.connection for member in room.members.values())


def _made_at(room: Room) -> int:
    """In microseconds."""
    return int(room.version.partition(".")[0] or 0)
