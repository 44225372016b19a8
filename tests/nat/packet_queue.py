"""
What is said over netlink to hold packets back and let them go later (NFQUEUE; linux/netfilter/nfnetlink_queue.h). Pure.

A stand-in for `tc netem`, which not every kernel has.
"""

import struct
from collections.abc import Iterator

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_QUEUE = struct.Struct("!BBH")  # address family, version, number of the queue
_ATTRIBUTE = struct.Struct("=HH")  # length with this head, type
_SUBSYSTEM = 3 << 8
_PACKET, _VERDICT, _CONFIG = _SUBSYSTEM, _SUBSYSTEM | 1, _SUBSYSTEM | 2
_IS_REQUEST = 1
_NUMBER = 0
_PACKET_HEAD, _VERDICT_HEAD = 1, 2
_COMMAND, _PARAMETERS, _LENGTH = 1, 2, 3
_BIND, _COPY_NOTHING_BUT_FACTS, _ACCEPT = 1, 1, 1
_MOST_PACKETS = 10_000


def opening() -> list[bytes]:
    """Requests, one by one, after which the kernel tells this socket of each packet in queue 0."""
    return [
        _request(_CONFIG, _COMMAND, struct.pack("!BxH", _BIND, 0)),
        _request(_CONFIG, _PARAMETERS, struct.pack("!IB", 0, _COPY_NOTHING_BUT_FACTS)),
        _request(_CONFIG, _LENGTH, struct.pack("!I", _MOST_PACKETS)),
    ]


def packets(received: bytes) -> Iterator[int]:
    """The numbers of the packets that the kernel tells of."""
    at = 0
    while at + _HEADER.size <= len(received):
        length, kind, *_ = _HEADER.unpack_from(received, at)
        if kind == _PACKET:
            yield _number(received[at + _HEADER.size + _QUEUE.size : at + length])
        at += max(_HEADER.size, _padded(length))


def acceptance(packet: int) -> bytes:
    """The request that lets a packet go on its way."""
    return _request(_VERDICT, _VERDICT_HEAD, struct.pack("!II", _ACCEPT, packet))


def _number(attributes: bytes) -> int:
    at = 0
    while True:
        length, kind = _ATTRIBUTE.unpack_from(attributes, at)
        if kind == _PACKET_HEAD:
            return struct.unpack_from("!I", attributes, at + _ATTRIBUTE.size)[0]
        at += _padded(length)


def _request(kind: int, attribute: int, value: bytes) -> bytes:
    body = _QUEUE.pack(0, 0, _NUMBER) + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), attribute) + value
    body += bytes(_padded(len(body)) - len(body))
    return _HEADER.pack(_HEADER.size + len(body), kind, _IS_REQUEST, 0, 0) + body


def _padded(length: int) -> int:
    return (length + 3) & ~3
