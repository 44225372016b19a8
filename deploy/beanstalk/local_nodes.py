"""The nodes of this machine, for the programs that run beside them."""

import sys
import urllib.request

PATIENCE = 5  # seconds


def ports(words: list[str], usage: str) -> list[int]:
    """Those that a program was given as its arguments; ends it with its usage when they are none."""
    if not words or not all(word.isdecimal() and 0 < int(word) < 65536 for word in words):
        sys.exit(usage)
    return [int(word) for word in words]


def sessions(port: int) -> int:
    """
    How many people the node at this port serves.

    Raises:
        OSError, ValueError: there is none, or it does not say.
    """
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/sessions", timeout=PATIENCE) as answer:
        return int(answer.read())
