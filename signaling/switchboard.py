"""
Who is reached how: the live sessions of this process, and the rooms in which they sit.

What one room store decides is handed on here, to everybody in the room, in the order in which it was decided.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from typing import Protocol

from signaling import protocol
from signaling.protocol import ERRORS, Ack, ProtocolError, Signal
from signaling.rooms import Held, Outcome, Room, Rooms

logger = logging.getLogger(__name__)

_RENEWAL = 1.0  # seconds between two looks at who has run out


class Outlet(Protocol):
    """The way out to one socket; neither method waits."""

    def put(self, text: str) -> None: ...

    def close(self, code: int, reason: str = "") -> None: ...


class Switchboard:
    """One node: its sessions by room and peer, over one store of rooms."""

    def __init__(self, rooms: Rooms, *, renewal: float = _RENEWAL) -> None:
        self.rooms = rooms
        self.node = secrets.token_urlsafe(9)
        self._renewal = renewal
        self._outlets: dict[str, dict[str, Outlet]] = {}
        self._known: dict[str, Room] = {}
        self._keeper: asyncio.Task | None = None

    def attach(self, room: str, peer: str, outlet: Outlet) -> None:
        """From now on this outlet is the peer; an older socket of it hears that it is superseded."""
        outlets = self._outlets.setdefault(room, {})
        older = outlets.get(peer)
        if older is not None and older is not outlet:
            _refuse(older, "superseded")
        outlets[peer] = outlet
        self._keep_rooms()

    def detach(self, room: str, peer: str, outlet: Outlet) -> None:
        """Forgets this outlet, unless a newer one stands for the peer. May be said twice."""
        outlets = self._outlets.get(room, {})
        if outlets.get(peer) is not outlet:
            return
        del outlets[peer]
        if not outlets:
            del self._outlets[room]
            self._known.pop(room, None)

    def publish(self, outcome: Outcome | None) -> None:
        """Tells everybody in the room what has changed."""
        if outcome is None:
            return
        room = outcome.room
        outlets = self._outlets.get(room.id, {})
        if outlets:
            self._known[room.id] = room
        for change in outcome.changes:
            for peer, outlet in outlets.items():
                if peer != change.unheard_by and peer in room.members:
                    outlet.put(change.text)
        for peer in [peer for peer in outlets if peer not in room.members]:
            _refuse(outlets[peer], "removed")

    def relay(self, room: str, sender: str, message: Signal | Ack) -> None:
        """
        Hands a signal or an acknowledgement to its receiver; to one that is away it is dropped, for the ends repeat it.

        Raises:
            ProtocolError: `unknown-peer`.
        """
        outlet = self._outlets.get(room, {}).get(message.to)
        if outlet is not None:
            outlet.put(
                protocol.signal(sender, message) if isinstance(message, Signal) else protocol.ack(sender, message)
            )
            return
        known = self._known.get(room)
        if known is None or message.to not in known.members:
            raise ProtocolError("unknown-peer", to=message.to, about="signal" if isinstance(message, Signal) else "ack")

    def _keep_rooms(self) -> None:
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        while self._outlets:
            await asyncio.sleep(self._renewal)
            try:
                for outcome in await self.rooms.renew(self._held()):
                    self.publish(outcome)
            except Exception:
                logger.exception("places could not be looked through")  # the next look may succeed

    def _held(self) -> Iterator[Held]:
        """Made only as it is taken: a store in this process asks for none of it."""
        for room in self._known.values():
            yield Held(room, tuple(room.members[peer] for peer in self._outlets[room.id] if peer in room.members))


def _refuse(outlet: Outlet, code: str) -> None:
    outlet.put(protocol.error(ProtocolError(code)))
    outlet.close(ERRORS[code].close, code)
