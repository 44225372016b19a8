"""What a client of the signaling protocol is told: the others in the room, and what happens. Pure; signaling.client tells it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Member:
    """Somebody else in the room; `state` has name, muted, camera, sharing and hand (section 6)."""

    peer: str
    stamp: int
    away: bool
    state: dict[str, Any]


class Refused(Exception):
    """
    The server will not have us, or not any more, and trying again would not help (section 11).

    `code` is the error's; `http-403` and the like before the upgrade; `close-4999` for a close code that says no more.
    """

    def __init__(self, code: str, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(code if hint is None else f"{code} ({hint})")
        self.code = code
        self.hint = hint
        self.retry_after = retry_after


@dataclass(frozen=True)
class Joined:
    member: Member


@dataclass(frozen=True)
class Away:
    peer: str


@dataclass(frozen=True)
class Back:
    peer: str


@dataclass(frozen=True)
class Left:
    """`reason`: hung-up, removed or lost."""

    peer: str
    reason: str


@dataclass(frozen=True)
class State:
    """What others see of a member, ourselves included, is different now."""

    peer: str
    state: dict[str, Any]


@dataclass(frozen=True)
class Lock:
    """`peer`: who did it; None when it was found out from a list."""

    locked: bool
    peer: str | None


@dataclass(frozen=True)
class Opened:
    """The later one has begun a new stream, and with it a new RTCPeerConnection."""

    peer: str
    stream: str


@dataclass(frozen=True)
class Body:
    """The next body of a peer: each comes once, in order."""

    peer: str
    body: Any
    stream: str = field(default="", compare=False)


@dataclass(frozen=True)
class Ice:
    """Fresh ICE servers; `lifetime` in seconds, None when they hold no credentials."""

    servers: list[dict]
    lifetime: int | None


@dataclass(frozen=True)
class Down:
    """The socket has ended; the next attempt is in `wait` seconds. `code`: the error's, None when there was none."""

    code: str | None
    wait: float


@dataclass(frozen=True)
class Resumed:
    """The place is ours again, on a new socket."""


@dataclass(frozen=True)
class Renewed:
    """
    The place had run out: the others may have heard that we joined. The streams to earlier members have ended, where there is no
    second path, and what was not acknowledged on them is gone. Those of later members go on until they open others, which carry
    what we say from now on. Peer id and stamp are new too, and all streams have ended, unless the server knew us by our token.
    """


@dataclass(frozen=True)
class Complaint:
    """The server refused one message, and the socket goes on (section 11)."""

    code: str
    about: str | None
    to: str | None
    retry_after: float | None


Event = Joined | Away | Back | Left | State | Lock | Opened | Body | Ice | Down | Resumed | Renewed | Complaint
