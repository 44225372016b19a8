"""From the room store into the database: calls that are over."""

import asyncio
import logging
import random

from channels.db import database_sync_to_async
from django.db import DatabaseError, DataError, InterfaceError, OperationalError

from signaling.links import AWAY
from signaling.models import Call
from signaling.rooms import EndedCall, Rooms

logger = logging.getLogger(__name__)

_AT_ONCE = 100
# What no patience helps against: a value that no column or no calendar takes.
_REFUSALS = (DataError, ValueError, OverflowError, OSError)


async def keep_recording(rooms: Rooms, *, every: float) -> None:
    """Looks about every so many seconds for calls that are over, until it is cancelled; what cannot be written now is written later."""
    is_missed = False
    while True:
        try:
            taken = await record_calls(rooms, count=_AT_ONCE)
            is_missed = False
        except (DatabaseError, *AWAY) as error:
            taken = 0
            if not is_missed:
                logger.warning("calls cannot be recorded now: %s", error)
            is_missed = True
        except Exception:
            taken = 0
            logger.exception("calls could not be recorded")
        if taken < _AT_ONCE:
            await asyncio.sleep(random.uniform(0.5, 1.5) * every)  # nodes that started together need not look together


async def record_calls(rooms: Rooms, *, count: int = _AT_ONCE) -> int:
    """
    Writes down at most so many calls, and only then has the store forget them; answers how many it took. Several nodes may do so at
    once: each call is recorded once. One that the database will never take is set aside and logged, and holds up no other.

    Raises:
        DatabaseError: the database is away; the store keeps the calls.
    """
    calls = await rooms.ended_calls(count)
    if calls:
        # In a thread of its own: a database that hangs must hold up nothing else.
        refused = await database_sync_to_async(_record, thread_sensitive=False)(calls)
        for call, why in refused:
            if await rooms.set_aside(call):
                logger.error("call %r cannot be recorded and is set aside: %s", call.id, why, extra={"room": call.room})
        await rooms.forget_calls(calls)
    return len(calls)


def _record(calls: list[EndedCall]) -> list[tuple[EndedCall, Exception]]:
    """Answers those that are refused, and why; the others are written."""
    try:
        Call.objects.record(calls)
    except InterfaceError as error:  # a connection that has died; Django does not count it among DatabaseError
        raise OperationalError(str(error)) from error
    except _REFUSALS as error:
        if len(calls) == 1:
            return [(calls[0], error)]
        return [refused for call in calls for refused in _record([call])]
    return []
