"""How often the long tests do what they do: a twentieth by default, all of it with TEST_SCALE=1."""

import os


def scaled(full: int) -> int:
    return max(1, round(full * float(os.environ.get("TEST_SCALE", "0.05"))))
