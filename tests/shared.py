"""What all processes of a test run need, made by whichever comes first."""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_VARIABLE = "TESTS_SHARED_DIR"


def folder() -> Path:
    """That of this run; whoever asks first makes it, tells the processes that it starts, and takes it away at its end."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="gruveo-shared-")
        atexit.register(shutil.rmtree, os.environ[_VARIABLE], ignore_errors=True)
    return Path(os.environ[_VARIABLE])


def once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` fills once in a run, and that is the same for all processes. A process that comes meanwhile waits."""
    place, made = folder() / name, folder() / f"{name}-is-made"
    with (folder() / f"{name}-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(place, ignore_errors=True)  # what somebody has begun and not ended
            make(place)
            made.touch()
    return place
