"""How often the long tests do what they do: a twentieth by default, all of it with TEST_SCALE=1."""

import os
from pathlib import Path

_SIZES = os.environ.get("TEST_SIZES", "")  # where `make test-long` wants to read what was done


def scaled(full: int) -> int:
    size = max(1, round(full * float(os.environ.get("TEST_SCALE", "0.05"))))
    if _SIZES:
        with Path(_SIZES).open("a") as file:
            file.write(f"{size}\n")
    return size
