"""
The messages of docs/protocol.md, version 1: how they are read, refused and written. Pure.

msgspec validates while it decodes: the `type` is the tag of one struct, and the struct decides the rest. The `body` of a signal stays
the bytes that it was.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

SUBPROTOCOL = "gruveo.v1"
FEATURES = ("lock", "report", "resume", "state")
RESERVED = frozenset({"knock", "knocking", "admit", "refuse"})

_MOST = 2**53 - 1  # what JavaScript counts exactly
_Count = Annotated[int, Meta(ge=0, le=_MOST)]
_Seq = Annotated[int, Meta(ge=1, le=_MOST)]
_PeerId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{16}\Z")]
_Stream = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,32}\Z")]
_Nonce = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{16,64}\Z")]
_Name = Annotated[str, Meta(max_length=64)]


class _Error(NamedTuple):
    close: int | None
    text: str


# The one table from error to close code (docs/protocol.md section 11).
ERRORS = {
    "unsupported-version": _Error(4001, "None of the offered subprotocols is spoken here."),
    "hello-timeout": _Error(4002, "No hello came in time."),
    "hello-expected": _Error(4003, "The first message must be a well-formed hello."),
    "bad-code": _Error(4004, "This is no code."),
    "room-full": _Error(4005, "The room has no free place."),
    "locked": _Error(4006, "The room is locked."),
    "unavailable": _Error(4007, "This server admits nobody at the moment."),
    "too-many-joins": _Error(4008, "Too many joins from this address."),
    "replaced": _Error(4009, "The place is taken."),
    "superseded": _Error(4010, "A newer socket has this place."),
    "gone": _Error(4011, "This member has left."),
    "bad-token": _Error(4012, "The token is not valid."),
    "silent": _Error(4014, "Nothing was heard for too long."),
    "flood": _Error(4015, "Messages went on after rate-limited."),
    "too-many-sockets": _Error(4016, "Too many sockets from this address."),
    "removed": _Error(4017, "This member was taken out of the room."),
    "bad-message": _Error(None, "This is no message of the protocol."),
    "unknown-type": _Error(None, "This type of message is not known."),
    "not-supported": _Error(None, "This is kept for later versions."),
    "unknown-peer": _Error(None, "This peer is not in the room."),
    "rate-limited": _Error(None, "Too many messages."),
    "internal": _Error(1011, "The server has a fault."),
}


class ProtocolError(Exception):
    """
    The peer's mistake, or a refusal that it must hear of.

    `code` is stable and stands in ERRORS; `members` are further members of the `error` message (`hint`, `retry_after`, …).
    """

    def __init__(self, code: str, detail: str = "", **members) -> None:
        super().__init__(detail or ERRORS[code].text)
        self.code = code
        self.members = members

    @property
    def close(self) -> int | None:
        """The close code that follows the `error`, or None when the socket stays open."""
        return ERRORS[self.code].close


class State(Struct, frozen=True):
    """What the others see of a member (section 6)."""

    name: _Name = ""
    muted: bool = False
    camera: bool = False
    sharing: bool = False
    hand: bool = False


class MemberView(Struct, frozen=True):
    """A member as the others are told of it."""

    peer: str
    stamp: int
    away: bool
    state: State


# What clients send


class Hello(Struct, frozen=True, tag="hello"):
    code: Annotated[str, Meta(max_length=1024)] | None = None
    resume: Annotated[str, Meta(min_length=1)] | None = None
    replaces: str | None = None
    nonce: _Nonce | None = None
    attempt: _Count | None = None
    state: State | UnsetType = UNSET
    client: _Name = ""
    region: _Name = ""

    def __post_init__(self) -> None:
        if (self.code is None) == (self.resume is None):
            raise ValueError("exactly one of `code` and `resume` is needed")
        if self.replaces is not None and self.code is None:
            raise ValueError("`replaces` goes with `code`")
        if self.nonce is not None and (self.code is None or self.attempt is None):
            raise ValueError("`nonce` goes with `code` and `attempt`")

    @property
    def shown(self) -> State | None:
        """The state that was sent, if any was."""
        return None if self.state is UNSET else self.state


class Signal(Struct, frozen=True, tag="signal", gc=False):
    """
    Its `to` and `stream` are held to their lengths only while it is read: `check_names` does the rest. No garbage collector looks at it,
    nor at what is made of it (`gc=False`): it holds nothing that could hold it.
    """

    to: Annotated[str, Meta(min_length=16, max_length=16)]
    stream: Annotated[str, Meta(min_length=1, max_length=32)]
    seq: _Seq
    body: Raw
    ack: _Count | UnsetType = UNSET


class Ack(Struct, frozen=True, tag="ack", gc=False):
    to: _PeerId
    stream: _Stream
    ack: _Count


class ShowState(Struct, frozen=True, tag="state"):
    name: _Name | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    camera: bool | UnsetType = UNSET
    sharing: bool | UnsetType = UNSET
    hand: bool | UnsetType = UNSET

    def members(self) -> dict[str, str | bool]:
        """What this message changes."""
        return {field: value for field in self.__struct_fields__ if (value := getattr(self, field)) is not UNSET}

    def onto(self, state: State) -> State:
        """The state with what this message changes."""
        return msgspec.structs.replace(state, **self.members())


class Lock(Struct, frozen=True, tag="lock"):
    locked: bool


class AskMembers(Struct, frozen=True, tag="members"):
    pass


class Report(Struct, frozen=True, tag="report"):
    path: Literal["direct", "relayed"]


class Ping(Struct, frozen=True, tag="ping"):
    id: _Count = 0


class Leave(Struct, frozen=True, tag="leave"):
    pass


Message = Hello | Signal | Ack | ShowState | Lock | AskMembers | Report | Ping | Leave


class _Typed(Struct):
    type: str


_NAMES = {struct: struct.__struct_config__.tag for struct in get_args(Message)}
_TYPES = frozenset(_NAMES.values())
_is_name = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_read = msgspec.json.Decoder(Message).decode
_read_type = msgspec.json.Decoder(_Typed).decode


def parse(text: str | bytes) -> Message:
    """
    Reads one message of a client, as a text or its UTF-8.

    Raises:
        ProtocolError: `bad-message`, `unknown-type` or `not-supported`, with `about` where the type could be read.
    """
    try:
        return _read(text)
    except _UNREADABLE as error:
        raise _problem(text, error) from error


def check_names(message: Signal) -> None:
    """
    Whether `to` and `stream` have only the characters of such names. Two searches of a pattern are a tenth of what a signal costs, so
    whoever has seen both names before need not ask.

    Raises:
        ProtocolError: `bad-message`.
    """
    if not (_is_name(message.to) and _is_name(message.stream)):
        raise ProtocolError("bad-message", "characters of a name", about="signal")


def _problem(text: str | bytes, error: Exception) -> ProtocolError:
    """What is wrong with a text that could not be read."""
    try:
        name = _read_type(text).type
    except _UNREADABLE:
        return ProtocolError("bad-message", str(error))
    if name in RESERVED:
        return ProtocolError("not-supported", about=name)
    if name not in _TYPES:
        return ProtocolError("unknown-type", about=name[:64])
    return ProtocolError("bad-message", str(error), about=name)


def name_of(message: Message) -> str:
    """The `type` of a message."""
    return _NAMES[type(message)]


_encode = msgspec.json.Encoder().encode


# What a room is told: each answers the text of one message, which is part of the room's news


def _text(**members) -> str:
    return _encode(members).decode()


def joined(revision: int, member: MemberView) -> str:
    return _text(type="joined", revision=revision, member=member)


def away(revision: int, peer: str) -> str:
    return _text(type="away", revision=revision, peer=peer)


def back(revision: int, peer: str) -> str:
    return _text(type="back", revision=revision, peer=peer)


def left(revision: int, peer: str, reason: Literal["hung-up", "removed", "lost"]) -> str:
    return _text(type="left", revision=revision, peer=peer, reason=reason)


def state(revision: int, peer: str, shown: State) -> str:
    return _text(type="state", revision=revision, peer=peer, state=shown)


def lock(revision: int, peer: str, locked: bool) -> str:
    return _text(type="lock", revision=revision, locked=locked, peer=peer)


# What one client is told: each answers the UTF-8 of one message


def welcome(**members) -> bytes:
    return _encode({"type": "welcome", "version": 1, **members})


def members(revision: int, locked: bool, others: Iterable[MemberView]) -> bytes:
    return _encode({"type": "members", "revision": revision, "locked": locked, "members": list(others)})


class _Forwarded(Struct, tag="signal", tag_field="type", omit_defaults=True, gc=False):
    from_: str = msgspec.field(name="from")
    stream: str
    seq: int
    ack: int | UnsetType = UNSET
    body: Raw = Raw(b"null")


class _ForwardedAck(Struct, tag="ack", tag_field="type", gc=False):
    from_: str = msgspec.field(name="from")
    stream: str
    ack: int


def forwarded(sender: str, message: Signal | Ack) -> bytes:
    """A signal or an acknowledgement as its receiver gets it; the body byte for byte."""
    if type(message) is Signal:
        forwarded = _Forwarded(sender, message.stream, message.seq, message.ack, message.body)
    else:
        forwarded = _ForwardedAck(sender, message.stream, message.ack)
    return _encode(forwarded)


def pong(message: Ping, token: str | None = None) -> bytes:
    return _encode({"type": "pong", "id": message.id, **({"token": token} if token else {})})


def ice(servers: list[dict], lifetime: int | None) -> bytes:
    return _encode({"type": "ice", "ice_servers": servers, "ice_lifetime": lifetime})


def reconnect(after_ms: int) -> bytes:
    return _encode({"type": "reconnect", "after_ms": after_ms})


def error(problem: ProtocolError) -> bytes:
    return _encode({"type": "error", "code": problem.code, "text": ERRORS[problem.code].text, **problem.members})
