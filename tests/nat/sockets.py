"""Sockets in another network namespace, held by this process: a socket stays where it was made."""

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_NETLINK_NETFILTER = 12
_libc = ctypes.CDLL(None, use_errno=True)


def listen(namespace: Path, address: str, port: int) -> socket.socket:
    """A TCP socket that listens there."""
    family = _family(address)
    return _within(namespace, lambda: socket.create_server((address, port), family=family, backlog=64))


def datagrams(namespace: Path, address: str, port: int = 0) -> socket.socket:
    """A UDP socket that is bound there; to any free port unless one is named."""

    def make() -> socket.socket:
        made = socket.socket(_family(address), socket.SOCK_DGRAM)
        made.bind((address, port))
        return made

    return _within(namespace, make)


def connecting(namespace: Path, address: tuple[str, int]) -> socket.socket:
    """A TCP socket there that has begun to connect, and may never be done."""

    def make() -> socket.socket:
        made = socket.socket(_family(address[0]))
        made.setblocking(False)
        made.connect_ex(address)
        return made

    return _within(namespace, make)


def netfilter(namespace: Path) -> socket.socket:
    """A socket by which the kernel's packet filter there is spoken to (NETLINK_NETFILTER), without waiting."""
    made = _within(namespace, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER))
    made.bind((0, 0))
    made.setblocking(False)
    return made


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _within(namespace: Path, make: Callable[[], socket.socket]) -> socket.socket:
    """
    Calls `make` in a thread of its own, which alone moves to the namespace.

    Raises:
        OSError: what moving there, or making the socket, failed with.
    """
    results: list[socket.socket | OSError] = []

    def run() -> None:
        try:
            with _entered(namespace):
                results.append(make())
        except OSError as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(results[0], OSError):
        raise results[0]
    return results[0]


@contextlib.contextmanager
def _entered(namespace: Path) -> Iterator[None]:
    with namespace.open("rb") as file:
        if _libc.setns(file.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))
    yield  # the thread ends there
