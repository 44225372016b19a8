"""The others in the room and the streams to them, as a client knows them: sections 6 and 7 of docs/protocol.md."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from signaling import heard
from signaling.events import Away, Back, Body, Event, Joined, Left, Lock, Member, Opened, State
from signaling.streams import Answerer, Opener

_STREAM_BYTES = 12  # of chance in the name of a stream: 16 characters
_EARLY_MOST = 64  # messages of one peer that is not announced yet
_EARLY_PEERS = 16


class Others:
    """
    Who is there, and a pair of streams to each of them. `tell` takes what happens, `ask` is called when the whole list is wanted, `stir`
    when there may be something to write. `early` is for how many seconds a signal of one who is not announced yet is kept (rule 6).
    """

    def __init__(
        self, *, tell: Callable[[Event], None], ask: Callable[[], None], stir: Callable[[], None], early: float
    ) -> None:
        self.peer = ""  # our own
        self.stamp = 0
        self.revision = 0
        self.locked = False
        self.members: dict[str, Member] = {}
        self.pairs: dict[str, Opener | Answerer] = {}
        self.paths: dict[str, Callable[[str], Any]] = {}
        self._showing: set[str] = set()  # who has said by its path what is seen of it
        self.acknowledged = asyncio.Event()  # there may be room for more bodies
        self._early: dict[str, tuple[float, list[dict]]] = {}
        self._early_seconds = early
        self._tell = tell
        self._ask = ask
        self._stir = stir

    # Who they are

    def welcome(self, message: dict) -> None:
        """What our own `welcome` says of us, and of them; whom it finds there when we first come needs no telling."""
        was, self.peer, self.stamp = self.peer, message["peer"], message["stamp"]
        if was != self.peer:
            self._forget_all()
        elif not message["resumed"]:
            self._renew_all()
        self._take_list(message, tell=self._tell if was else _ignore)
        for peer, pair in self.pairs.items():
            if not self.is_away(peer):
                pair.hurry(now=time.monotonic())
        self.acknowledged.set()

    def take_change(self, message: dict) -> None:
        """Section 6: an old one is ignored; one that skips a number is applied, and the list is asked for."""
        revision = message["revision"]
        if revision <= self.revision:
            return
        if revision > self.revision + 1:
            self._ask()
        self.revision = revision
        getattr(self, f"_on_{message['type']}")(message)

    def take_members(self, message: dict) -> None:
        if message["revision"] >= self.revision:
            self._take_list(message, tell=self._tell)

    def is_away(self, peer: str) -> bool:
        return peer not in self.members or self.members[peer].away

    def _forget_all(self) -> None:
        self.members.clear()
        self.pairs.clear()
        self.paths.clear()
        self._showing.clear()
        self._early.clear()

    def _renew_all(self) -> None:
        """The others may have forgotten our streams, where no connection is up (section 9)."""
        for peer in self.pairs.keys() - self.paths.keys():
            self.pairs[peer].renew()

    def _on_joined(self, message: dict) -> None:
        member = heard.member(message["member"])
        if member.peer in self.pairs and member.peer not in self.paths:
            self.pairs[member.peer].renew()  # it was here before, and may have forgotten its streams
            self.acknowledged.set()
        self._admit(member)
        self._tell(Joined(member))
        self._hear_early(member.peer)

    def _on_away(self, message: dict) -> None:
        self._on_presence(message["peer"], away=True, event=Away(message["peer"]))

    def _on_back(self, message: dict) -> None:
        self._on_presence(message["peer"], away=False, event=Back(message["peer"]))

    def _on_presence(self, peer: str, *, away: bool, event: Event) -> None:
        if peer in self.members:
            self._admit(replace(self.members[peer], away=away))
            self._tell(event)

    def _on_left(self, message: dict) -> None:
        self._dismiss(message["peer"], message["reason"], tell=self._tell)

    def _on_state(self, message: dict) -> None:
        peer, state = message["peer"], {**heard.STATE, **message["state"]}
        if peer in self.members:
            self.members[peer] = replace(self.members[peer], state=state)
        elif peer != self.peer:  # our own may have changed again since we said this
            return
        self._tell(State(peer, state))

    def _on_lock(self, message: dict) -> None:
        self.locked = message["locked"]
        self._tell(Lock(self.locked, message.get("peer")))

    def _take_list(self, message: dict, *, tell: Callable[[Event], None]) -> None:
        """A whole list overrules every event before it (section 6): tells how it differs from what we knew."""
        self.revision = message["revision"]
        now_here = {one["peer"]: heard.member(one) for one in message["members"] if one["peer"] != self.peer}
        for peer in self.members.keys() - now_here.keys():
            self._dismiss(peer, "lost", tell=tell)
        for peer, member in now_here.items():
            was = self.members.get(peer)
            if was and member.away and peer in self._showing:  # it may have said more since it lost the server
                member = replace(member, state=was.state)
            self._admit(member)
            for event in heard.differences(was, member):
                tell(event)
            self._hear_early(peer)
        if message["locked"] != self.locked:
            self.locked = message["locked"]
            tell(Lock(self.locked, None))

    def _admit(self, member: Member) -> None:
        was, self.members[member.peer] = self.members.get(member.peer), member
        if member.peer not in self.pairs:
            later = (self.stamp, self.peer) > (member.stamp, member.peer)
            self.pairs[member.peer] = Opener(draw=_draw) if later else Answerer()
        if member.away and member.peer not in self.paths:
            self.pairs[member.peer].pause()
        elif not member.away and (not was or was.away):
            self.hurry(member.peer)

    def _dismiss(self, peer: str, reason: str, *, tell: Callable[[Event], None]) -> None:
        if not self.members.pop(peer, None):
            return
        if reason != "lost" or peer not in self.paths:  # the connection stays while it lives, and its stream with it
            self.pairs.pop(peer)
            self.paths.pop(peer, None)
        self._showing.discard(peer)
        self.acknowledged.set()
        tell(Left(peer, reason))

    # The streams to them

    def pair(self, peer: str) -> Opener | Answerer:
        """
        Raises:
            LookupError: no such member.
        """
        if peer not in self.members:
            raise LookupError(f"no member {peer!r}")
        return self.pairs[peer]

    def hurry(self, peer: str) -> None:
        """There is a path again: what is not acknowledged is due at once."""
        self.pairs[peer].hurry(now=time.monotonic())
        self._stir()

    def remove_path(self, peer: str) -> None:
        self.paths.pop(peer, None)
        self._showing.discard(peer)
        if peer not in self.members:
            self.pairs.pop(peer, None)  # it was lost, and now the connection is over that kept its stream
        elif self.is_away(peer):
            self.pairs[peer].pause()

    def hear_state(self, peer: str, state: dict[str, Any]) -> None:
        """What somebody says by the second path is seen of it: of this and the server's word, what comes last counts."""
        member = self.members.get(peer)
        if not member:
            return
        self._showing.add(peer)
        if state != member.state:
            self.members[peer] = replace(member, state=state)
            self._tell(State(peer, state))

    def reachable(self, *, has_socket: bool) -> Iterator[tuple[str, Opener | Answerer]]:
        """Those to whom there is a path, or may be."""
        return ((peer, pair) for peer, pair in self.pairs.items() if has_socket or peer in self.paths)

    def hear(self, message: dict) -> None:
        """Takes a `signal` or an `ack` of somebody."""
        peer = message.get("from")
        if not isinstance(peer, str):
            return
        if peer not in self.pairs:
            return self._keep_early(peer, message)
        received = self.pairs[peer].receive(message, now=time.monotonic())
        if received.opened:
            self._tell(Opened(peer, received.opened))
        for body in received.bodies:
            self._tell(Body(peer, body, message["stream"]))
        self.acknowledged.set()

    def _keep_early(self, peer: str, message: dict) -> None:
        """Section 7, rule 6."""
        now = time.monotonic()
        self._early = {one: kept for one, kept in self._early.items() if kept[0] > now}
        if peer not in self._early and len(self._early) >= _EARLY_PEERS:
            return
        _, messages = self._early.setdefault(peer, (now + self._early_seconds, []))
        if len(messages) < _EARLY_MOST:
            messages.append(message)

    def _hear_early(self, peer: str) -> None:
        until, messages = self._early.pop(peer, (0.0, []))
        for message in messages if until > time.monotonic() else ():
            self.hear(message)


def _draw() -> str:
    """The name of a new stream."""
    return secrets.token_urlsafe(_STREAM_BYTES)


def _ignore(event: Event) -> None:
    """Nobody has to be told of what was there when we came."""
