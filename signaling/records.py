"""From the room store into the database: calls that are over."""

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from signaling.models import Call
from signaling.rooms import EndedCall, Rooms


async def record_calls(rooms: Rooms, *, count: int = 100) -> int:
    """
    Writes down at most so many calls, and only then has the store forget them; answers how many it took. Several nodes may do so at
    once: each call is recorded once.

    Raises:
        DatabaseError: the database is away; the store keeps the calls.
    """
    calls = await rooms.ended_calls(count)
    if calls:
        # In a thread of its own: a database that hangs must hold up nothing else.
        await database_sync_to_async(_record, thread_sensitive=False)(calls)
        await rooms.forget_calls(calls)
    return len(calls)


def _record(calls: list[EndedCall]) -> None:
    try:
        Call.objects.record(calls)
    except InterfaceError as error:  # a connection that has died; Django does not count it among DatabaseError
        raise OperationalError(str(error)) from error
