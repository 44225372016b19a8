"""
Load for the signaling of a site, and what became of it: pairs of clients, each pair in a room of its own, each client sending the other
so many messages a second.

It needs nothing of the site but its address. All is counted end to end, as people would notice it: a message that was lost on the way
and repeated by its stream is late, not lost. Both clients of a pair are in this process, so one clock measures every delay; how late
this process itself was is measured too.
"""

import asyncio
import math
import random
import resource
import secrets
import ssl
import time
from array import array
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from signaling.client import SUBPROTOCOL, Client
from signaling.events import Body, Complaint, Down, Event, Opened, Refused, Renewed, Resumed

_TICK = 0.1  # seconds between two looks at the clock
_KNOCK = 10  # seconds until an address that does not answer is given up
_OTHER_FILES = 64  # open files of this process that are no sockets of clients
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class Unusable(Exception):
    """There can be no load; the text says why, to people."""


@dataclass(frozen=True)
class Plan:
    """`rate`: messages a second of each client; the rest in seconds. `settle`: how long the last messages are waited for."""

    url: str
    pairs: int = 50
    rate: float = 1
    duration: float = 30
    ramp: float = 5
    settle: float = 10
    insecure: bool = False

    @property
    def clients(self) -> int:
        return 2 * self.pairs


@dataclass
class Tally:
    """What has happened so far; times in seconds."""

    sent: int = 0
    received: int = 0
    doubled: int = 0
    skipped: int = 0  # not sent, because the other was not in the room at that moment
    started: int = 0
    joined: int = 0
    resumed: int = 0
    renewed: int = 0  # came back, but to a new place: what was on its way is gone
    sending: float = 0
    interrupted: bool = False
    delays: array = field(default_factory=lambda: array("d"))
    joins: array = field(default_factory=lambda: array("d"))
    lags: array = field(default_factory=lambda: array("d"))
    downs: Counter = field(default_factory=Counter)  # how sockets ended, and attempts failed
    refusals: Counter = field(default_factory=Counter)
    complaints: Counter = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        """Before the end: on its way."""
        return self.sent - self.received

    @property
    def failures(self) -> list[str]:
        """What went wrong, in words."""
        absent = 0 if self.interrupted else self.started - self.joined
        return [
            *([f"{self.lost} of {self.sent} messages were lost"] if self.lost else []),
            *([f"{self.doubled} messages came twice"] if self.doubled else []),
            *([f"{absent} of {self.started} clients could not join"] if absent else []),
        ]


class Load:
    """One load; `tally` can be read at any time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self.ssl = _ssl(plan)
        self._ends_at = math.inf  # no message is sent after that

    @property
    def is_sending(self) -> bool:
        return time.monotonic() < self._ends_at

    def stop(self) -> None:
        """Sends no more; what is on its way is waited for, and everybody leaves."""
        self.tally.interrupted = True
        self._ends_at = min(self._ends_at, time.monotonic())

    async def run(self, on_tick: Callable[[], None] = lambda: None) -> None:
        """
        From the first join to the last leave; `on_tick` is called ten times a second.

        Raises:
            Unusable: nobody there speaks our protocol, or this machine allows too few open files.
        """
        _allow_files(self.plan.clients + _OTHER_FILES)
        await self._knock()
        began = time.monotonic()
        self._ends_at = min(self._ends_at, began + self.plan.ramp + self.plan.duration)
        callers = [asyncio.create_task(caller.live()) for caller in self._callers()]
        try:
            await self._tick_while(lambda: self.is_sending, callers, on_tick)
            self.tally.sending = time.monotonic() - began
            settled_at = time.monotonic() + self.plan.settle
            await self._tick_while(lambda: self.tally.lost and time.monotonic() < settled_at, callers, on_tick)
        finally:
            for caller in callers:
                caller.cancel()  # which leaves
            await asyncio.wait(callers)
        for caller in callers:
            if not caller.cancelled():
                caller.result()

    async def _tick_while(self, goes_on: Callable[[], bool], callers: list, on_tick: Callable[[], None]) -> None:
        while goes_on() and not all(caller.done() for caller in callers):
            before = time.monotonic()
            await asyncio.sleep(_TICK)
            self.tally.lags.append(max(0.0, time.monotonic() - before - _TICK))
            on_tick()

    def _callers(self) -> list["_Caller"]:
        codes = [f"load-{secrets.token_hex(16)}" for _ in range(self.plan.pairs)]
        step = self.plan.ramp / self.plan.pairs
        return [_Caller(self, code, number * step) for number, code in enumerate(codes) for _ in "ab"]

    async def _knock(self) -> None:
        """One socket that says nothing: whether there is anybody at all, for clients try for ever."""
        try:
            async with connect(
                self.plan.url, subprotocols=[SUBPROTOCOL], compression=None, open_timeout=_KNOCK, ssl=self.ssl
            ) as socket:
                spoken = socket.subprotocol
        except InvalidStatus as error:
            raise Unusable(f"the server answers HTTP {error.response.status_code} instead of a WebSocket") from error
        except ssl.SSLCertVerificationError as error:
            raise Unusable(f"the certificate is not trusted: {error.verify_message}") from error
        except TimeoutError as error:
            raise Unusable(f"nobody answered for {_KNOCK} seconds") from error
        except (OSError, EOFError, InvalidHandshake, WebSocketException) as error:
            raise Unusable(str(error) or type(error).__name__) from error
        if spoken != SUBPROTOCOL:
            raise Unusable(f"there is a WebSocket, but it does not speak {SUBPROTOCOL}")


class _Caller:
    """One client of a pair."""

    def __init__(self, load: Load, code: str, wait: float) -> None:
        self._load, self._plan, self._tally = load, load.plan, load.tally
        self._code = code
        self._wait = wait
        self._opened = asyncio.Event()
        self._had: set[int] = set()  # the numbers of the other's messages

    async def live(self) -> None:
        """Until it is cancelled, or refused for good."""
        await asyncio.sleep(self._wait)
        if not self._load.is_sending:
            return
        self._tally.started += 1
        began = time.monotonic()
        client = Client(self._plan.url, code=self._code, name="Load", ssl=self._load.ssl)
        try:
            async with client:
                self._tally.joined += 1
                self._tally.joins.append(time.monotonic() - began)
                await self._talk(client)
        except Refused as refusal:
            self._tally.refusals[refusal.code] += 1
        finally:
            with suppress(Refused):
                await self._listen(client)  # what has not been counted yet, and all of it if we never came in

    async def _listen(self, client: Client) -> None:
        async for event in client:
            self._take(event)

    async def _talk(self, client: Client) -> None:
        sending = asyncio.create_task(self._send(client))
        try:
            await self._listen(client)
        finally:
            sending.cancel()
            await asyncio.wait([sending])
        if not sending.cancelled():
            sending.result()

    async def _send(self, client: Client) -> None:
        """At the times that were planned, however long the one before took: a slow server gets no less."""
        await self._open_stream(client)
        number, at = 0, time.monotonic() + random.random() / self._plan.rate
        while True:
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            if not self._load.is_sending:
                return
            at += 1 / self._plan.rate
            try:
                await client.send(next(iter(client.members), ""), [number, time.monotonic()])
            except LookupError:
                self._tally.skipped += 1
            else:
                self._tally.sent += 1
                number += 1

    async def _open_stream(self, client: Client) -> None:
        """The later one opens it with a message that does not count; else the first ones of the earlier would have to wait for that."""
        while not client.members:  # noqa: ASYNC110 - there is an event for it, but not for this task
            await asyncio.sleep(_TICK)
        peer = next(iter(client.members))
        if not client.opens(peer):
            await self._opened.wait()
        else:
            with suppress(LookupError):
                await client.send(peer, None)

    def _take(self, event: Event) -> None:
        match event:
            case Opened():
                self._opened.set()
            case Body(_, [int(number), float(sent_at)]):
                self._count(number, sent_at)
            case Resumed():
                self._tally.resumed += 1
            case Renewed():
                self._tally.renewed += 1
            case Down(code):
                self._tally.downs[code or "cut off"] += 1
            case Complaint(code):
                self._tally.complaints[code] += 1

    def _count(self, number: int, sent_at: float) -> None:
        if number in self._had:
            self._tally.doubled += 1
            return
        self._had.add(number)
        self._tally.received += 1
        self._tally.delays.append(time.monotonic() - sent_at)


def socket_url(text: str) -> str:
    """
    The address of the socket, from itself or from the address of the site.

    Raises:
        Unusable: it is no address.
    """
    with suppress(ValueError):  # brackets that do not match, a port that is no number
        parts = urlsplit(text)
        if parts.scheme in _SCHEMES and parts.hostname and (parts.port is None or parts.port):
            path = "/signaling" if parts.path in ("", "/") else parts.path
            return parts._replace(scheme=_SCHEMES[parts.scheme], path=path, query="", fragment="").geturl()
    raise Unusable(f"{text!r} is no address like wss://example.org/signaling or https://example.org")


def percentiles(seconds: array) -> dict[str, float | None]:
    """p50, p90, p99 and max in milliseconds, by nearest rank; None when there is nothing to rank."""
    ranked = sorted(seconds)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1}
    return {
        name: round(1000 * ranked[math.ceil(part * len(ranked)) - 1], 1) if ranked else None
        for name, part in ranks.items()
    }


def _ssl(plan: Plan) -> ssl.SSLContext | None:
    """One for all clients: to make one reads every certificate that this machine trusts."""
    if not plan.url.startswith("wss:"):
        return None
    context = ssl.create_default_context()
    if plan.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _allow_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and number > hard:
        raise Unusable(f"{number} open files are needed, and this machine allows {hard} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and number > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
