#!/usr/bin/python3
"""
Waits until a coturn relays nothing any more: `drain.py PID MIN_PORT SECONDS`, the ExecStop of its service.

Every allocation is a UDP socket from min-port upwards, so the kernel knows how many there are; coturn's own console stays closed. After so
many seconds it gives up waiting, and says how many were cut off.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path

_EVERY_SECONDS = 0.5


def main(pid: int, min_port: int, seconds: float) -> None:
    deadline, said = time.monotonic() + seconds, None
    while (left := relays(pid, min_port)) and time.monotonic() < deadline:
        if left != said:
            print(f"{left} allocations are left", flush=True)
        said = left
        time.sleep(_EVERY_SECONDS)
    print(f"the time is over, and {left} allocations are cut off" if left else "no allocation is left", flush=True)


def relays(pid: int, min_port: int) -> int:
    """How many sockets of this process are bound to UDP ports from `min_port`; none when it has ended."""
    own = _sockets(pid)
    return sum(inode in own and port >= min_port for port, inode in _udp(pid))


def _sockets(pid: int) -> set[str]:
    found = set()
    with suppress(FileNotFoundError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed while we looked
                found.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def _udp(pid: int):
    """Port and inode of each UDP socket in the network of this process (proc(5), /proc/net/udp)."""
    for name in ("udp", "udp6"):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                yield int(fields[1].rpartition(":")[2], 16), fields[9]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
