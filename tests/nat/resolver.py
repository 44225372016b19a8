"""
The names of the laboratory, and the answers of a DNS server that knows only them (RFC 1035 section 4). The answering is pure.

It stands in for the resolver of a home network, which also answers where UDP to the outside is blocked.
"""

import asyncio
import ipaddress
import struct

_HEADER = struct.Struct("!HHHHHH")
_ANSWER = 0x8580  # response, authoritative, recursion desired and available
_NO_SUCH_NAME = 3
_TYPES = {4: 1, 6: 28}  # A and AAAA by the version of the address
_POINTER_TO_QUESTION = 0xC00C


def answer(query: bytes, names: dict[str, tuple[str, ...]]) -> bytes:
    """The answer to a query of one question; nothing is to be kept, for addresses come and go between two calls."""
    number, *_ = _HEADER.unpack_from(query)
    name, end = _name(query, _HEADER.size)
    question = query[_HEADER.size : end + 4]
    wanted, _ = struct.unpack_from("!HH", query, end)
    addresses = [ipaddress.ip_address(text) for text in names.get(name, ())]
    records = [_record(address) for address in addresses if _TYPES[address.version] == wanted]
    flags = _ANSWER | (0 if name in names else _NO_SUCH_NAME)
    return _HEADER.pack(number, flags, 1, len(records), 0, 0) + question + b"".join(records)


def _name(query: bytes, at: int) -> tuple[str, int]:
    """The name that begins there, and where it ends."""
    labels = []
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return ".".join(labels), at + 1


def _record(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    head = struct.pack("!HHHIH", _POINTER_TO_QUESTION, _TYPES[address.version], 1, 0, len(address.packed))
    return head + address.packed


class Resolver(asyncio.DatagramProtocol):
    """Answers on a socket."""

    def __init__(self, names: dict[str, tuple[str, ...]]) -> None:
        self._names = names

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr) -> None:
        self._transport.sendto(answer(data, self._names), addr)
