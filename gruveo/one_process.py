"""Without Redis the rooms live in one process: a second one would be a second world, so it is refused."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from django.core.exceptions import ImproperlyConfigured


def only_process(file: Path) -> TextIO:
    """
    Takes the lock that lets this process serve alone; it is held until the process ends or closes what is returned.

    Raises:
        ImproperlyConfigured: another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise ImproperlyConfigured(
            f"REDIS_URL is not set, so one process holds all rooms, and process {holder} serves this site already. "
            "Stop it first, or set REDIS_URL to run several."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
