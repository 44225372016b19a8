"""
The smallest client of a relay: it allocates, refreshes and sends, and tells what the relay answers.

It sees each answer as it came. A whole TURN client passes over answers that it cannot verify, such as coturn's to a user id that it
dislikes, and only tells that nothing came.
"""

import hashlib
import socket
import ssl
from pathlib import Path
from urllib.parse import parse_qs

from aioice import stun

_SECONDS = 15  # a slow machine; nothing waits that long when all is well
_UDP = 17 << 24  # REQUESTED-TRANSPORT, RFC 8656 section 18.7
_HEADER = 20  # bytes, RFC 8489 section 5


class Refused(Exception):
    """What the relay said instead: `code` is one of RFC 8656 section 19."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code


class Allocation:
    """
    A context manager, which leaves with the allocation given back. `uri` is one that browsers are given; `ca_file` is for `turns:`.

    Raises:
        Refused: on entering, by the relay.
    """

    def __init__(self, uri: str, username: str, password: str, *, ca_file: Path | None = None) -> None:
        scheme, rest = uri.split(":", 1)
        address, _, query = rest.partition("?")
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._is_stream = parse_qs(query)["transport"] == ["tcp"]
        self._tls = ssl.create_default_context(cafile=ca_file) if scheme == "turns" else None
        self.login = username, password
        self._credentials: dict = {}
        self._key: bytes | None = None

    def __enter__(self) -> "Allocation":
        self.socket = self._connect()
        try:
            self._allocate()
        except BaseException:
            self.socket.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            self.refresh(lifetime=0)
        finally:
            self.socket.close()

    def refresh(self, *, lifetime: int = 600) -> int:
        """Answers the lifetime that the relay gave."""
        return self._ask(stun.Method.REFRESH, LIFETIME=lifetime).attributes["LIFETIME"]

    def send(self, data: bytes, peer: tuple[str, int]) -> None:
        """Has the relay send it to a peer from the relayed address."""
        self._ask(stun.Method.CREATE_PERMISSION, **{"XOR-PEER-ADDRESS": peer})
        indication = stun.Message(
            stun.Method.SEND, stun.Class.INDICATION, attributes={"XOR-PEER-ADDRESS": peer, "DATA": data}
        )
        self.socket.sendall(bytes(indication))

    def bind_channel(self, number: int, peer: tuple[str, int]) -> None:
        """From now on `number` stands for this peer, in four bytes before what is sent and what comes (RFC 8656 section 12)."""
        self._ask(stun.Method.CHANNEL_BIND, **{"CHANNEL-NUMBER": number, "XOR-PEER-ADDRESS": peer})

    def _connect(self) -> socket.socket:
        if not self._is_stream:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.settimeout(_SECONDS)
            udp.connect(self._address)
            return udp
        tcp = socket.create_connection(self._address, timeout=_SECONDS)
        return self._tls.wrap_socket(tcp, server_hostname=self._address[0]) if self._tls else tcp

    def _allocate(self) -> None:
        """The first request is without credentials: the answer to it brings realm and nonce (RFC 8489 section 9.2)."""
        asked = {"LIFETIME": 600, "REQUESTED-TRANSPORT": _UDP}
        challenge = self._exchange(stun.Method.ALLOCATE, asked)
        assert challenge.error_code == 401, challenge
        realm = challenge.attributes["REALM"]
        self._credentials = {"USERNAME": self.login[0], "REALM": realm, "NONCE": challenge.attributes["NONCE"]}
        self._key = hashlib.md5(":".join((self.login[0], realm, self.login[1])).encode()).digest()
        self.relayed = self._ask(stun.Method.ALLOCATE, **asked).attributes["XOR-RELAYED-ADDRESS"]

    def _ask(self, method: stun.Method, **attributes) -> stun.Message:
        answer = self._exchange(method, {**attributes, **self._credentials})
        if answer.message_class is stun.Class.ERROR:
            raise Refused(*answer.attributes["ERROR-CODE"])
        return answer

    def _exchange(self, method: stun.Method, attributes: dict) -> stun.Message:
        request = stun.Message(method, stun.Class.REQUEST, attributes=attributes)
        if self._key:
            request.add_message_integrity(self._key)
        self.socket.sendall(bytes(request))
        while True:
            data = self._receive()
            if data[0] >> 6:  # what a peer says through a channel, RFC 8656 section 12
                continue
            answer = stun.parse_message(data)
            if answer.transaction_id == request.transaction_id:
                return answer

    def _receive(self) -> bytes:
        if not self._is_stream:
            return self.socket.recv(4096)
        header = self._read(_HEADER)
        return header + self._read(int.from_bytes(header[2:4]))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the relay has closed the connection")
            data += more
        return data


def refusal(uri: str, username: str, password: str, **given) -> int | None:
    """The code with which a relay refuses these credentials; None when it takes them."""
    try:
        with Allocation(uri, username, password, **given):
            return None
    except Refused as refused:
        return refused.code
