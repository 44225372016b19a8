"""What a server says, as a client takes it: it may be newer than docs/protocol.md is here, and is not trusted. Pure."""

import json
from typing import Any

from signaling.events import Away, Back, Event, Joined, Member, State

STATE = {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False}


def parse(text: str | bytes) -> dict | None:
    """The message, or None for what is none."""
    try:
        message = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


def member(told: dict) -> Member:
    return Member(told["peer"], told["stamp"], told["away"], {**STATE, **told["state"]})


def state(told: dict) -> dict[str, Any]:
    """All five members, as somebody says them of itself: what is of another type counts as not said."""
    return {name: told[name] if type(told.get(name)) is type(usual) else usual for name, usual in STATE.items()}


def differences(was: Member | None, now: Member) -> list[Event]:
    if not was:
        return [Joined(now)]
    events: list[Event] = []
    if was.away != now.away:
        events.append(Away(now.peer) if now.away else Back(now.peer))
    if was.state != now.state:
        events.append(State(now.peer, now.state))
    return events


def seconds(value: Any) -> float | None:
    return value if isinstance(value, int | float) and value >= 0 else None


def text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
