"""How a socket ends, and what a client makes of that: section 11 of docs/protocol.md. Pure."""

from dataclasses import dataclass

from signaling import heard

# What is in none of these is tried again.
CODES = {
    4001: "unsupported-version",
    4002: "hello-timeout",
    4003: "hello-expected",
    4004: "bad-code",
    4005: "room-full",
    4006: "locked",
    4007: "unavailable",
    4008: "too-many-joins",
    4009: "replaced",
    4010: "superseded",
    4011: "gone",
    4012: "bad-token",
    4014: "silent",
    4015: "flood",
    4016: "too-many-sockets",
    4017: "removed",
}
ANEW = {"gone", "bad-token"}
_FINAL = set("unsupported-version hello-expected bad-code room-full locked replaced superseded removed".split())


@dataclass(frozen=True)
class Ending:
    """Why a socket, or the attempt at one, is over."""

    code: str | None = None
    hint: str | None = None
    retry_after: float | None = None
    final: bool = False


def ending_of(close: int | None, error: dict | None) -> Ending:
    """What section 11 makes of the last error and the close code."""
    error = error or {}
    named = CODES.get(close or 0)
    said = error.get("code") if isinstance(error.get("code"), str) else None
    unknown = named is None and close is not None and 4000 <= close <= 4999
    if named is None and (unknown or close == 1011 or said in CODES.values()):
        named = said or f"close-{close}"
    code = named  # an error that did not close the socket says nothing about its end
    belongs = said == code
    return Ending(
        code,
        hint=heard.text(error.get("hint")) if belongs else None,
        retry_after=heard.seconds(error.get("retry_after")) if belongs else None,
        final=code in _FINAL or unknown,
    )
