"""
One socket after the other: opening, coming back, and moving to another server (sections 9 and 10 of docs/protocol.md).

One task lives through the sockets, and when a server asks us to move, another one opens the next socket while this one still serves.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from signaling import heard
from signaling.endings import ANEW, Ending, ending_of
from signaling.events import Down, Event, Refused
from signaling.streams import to_json

SUBPROTOCOL = "gruveo.v1"
RECEIVED_BYTES = 66_000


@dataclass(frozen=True)
class Times:
    """All in seconds; section numbers are those of docs/protocol.md."""

    connect: float = 10  # from the beginning of an attempt to its `welcome` (section 9)
    ping: float = 5  # section 10
    dead: float = 3  # section 10
    early: float = 10  # section 7, rule 6
    leave: float = 5  # until the server has closed after `leave`
    backoff: tuple[float, ...] = (0.5, 1, 2, 4, 20)  # section 9; the last one stays


USUAL = Times()


class Sockets:
    """
    Keeps one socket that serves, whatever becomes of those before it. Whoever derives from it says the `hello`, takes what comes, and
    keeps in `token` what the next socket comes back with. A refusal that ends it all is left in `_refused`.
    """

    def __init__(
        self,
        url: str,
        *,
        options: dict[str, Any],
        times: Times,
        jitter: Callable[[], float],
    ) -> None:
        self.url = url
        self.token: str | None = None
        self.socket: ClientConnection | None = None  # the one that is open and welcome
        self._options = options
        self._times = times
        self._jitter = jitter
        self._heard = asyncio.Event()
        self._up = asyncio.Event()
        self._failures = 0  # since the last pong
        self._is_arriving = self._is_greeting = False  # a new socket is being opened; its hello is on its way
        self._may_be_in = False  # a hello got neither welcome nor refusal for good: its socket may have the place
        self._error: dict | None = None  # the newest one on the socket that serves
        self._move_at: float | None = None  # a server asked us to come then, and not earlier
        self._moving: asyncio.Task | None = None
        self._leaving = False
        self._refused: Refused | None = None

    @property
    def is_greeting(self) -> bool:
        return self._is_greeting

    # For whoever derives from it

    def _hello(self) -> dict:
        raise NotImplementedError

    def _take(self, text: str | bytes) -> None:
        """Takes what the socket that serves has said."""
        raise NotImplementedError

    def _welcome(self, message: dict) -> None:
        """Takes the `welcome` of the socket that serves from now on."""
        raise NotImplementedError

    def _tell(self, event: Event) -> None:
        raise NotImplementedError

    def _goes_on(self) -> None:
        """An attempt has failed, and the socket that served goes on."""
        raise NotImplementedError

    def _finish(self) -> None:
        """It is over."""
        raise NotImplementedError

    # One socket after the other

    async def _live(self) -> None:
        """Raises nothing that the network can cause; a refusal is left in `_refused`."""
        try:
            await self._come_back_until_refused()
        finally:
            await self._stop_moving()
            self.socket = None
            self._finish()

    async def _come_back_until_refused(self) -> None:
        while True:
            ending = await self._arrive()
            while ending is None:
                ending = await self._stay(self.socket)
            if self._leaving:
                return
            if ending.final:
                self._refused = Refused(ending.code or "", ending.hint, ending.retry_after)
                return
            if ending.code in ANEW:
                self.token = None
            wait = self._until_next(ending)
            self._tell(Down(ending.code, wait))
            await asyncio.sleep(wait)

    def _until_next(self, ending: Ending) -> float:
        """Seconds until the next attempt, when no socket serves."""
        move_at, self._move_at = self._move_at, None
        if move_at is not None:
            return max(0.0, move_at - time.monotonic())
        wait = self._wait(ending, self._failures)
        self._failures += 1
        return wait

    def _wait(self, ending: Ending, failures: int) -> float:
        """Seconds between an attempt and the next (section 9)."""
        if ending.retry_after is not None:
            return ending.retry_after
        steps = self._times.backoff
        return self._jitter() * steps[min(failures, len(steps) - 1)]

    async def _arrive(self) -> Ending | None:
        """Opens a socket and says hello: None when it is welcome and serves from now on, else why not."""
        self._is_arriving = True
        until = asyncio.get_running_loop().time() + self._times.connect
        try:
            socket = await self._open()
            return await self._greet(socket, until) if isinstance(socket, ClientConnection) else socket
        finally:
            self._is_arriving = False

    async def _open(self) -> ClientConnection | Ending:
        try:
            return await connect(
                self.url,
                subprotocols=[SUBPROTOCOL],
                compression=None,
                ping_interval=None,
                max_size=RECEIVED_BYTES,
                open_timeout=self._times.connect,
                close_timeout=1,
                **self._options,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            return Ending(f"http-{status}", final=status in (400, 401, 403, 404, 405))
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException, EOFError):
            return Ending()

    async def _greet(self, socket: ClientConnection, until: float) -> Ending | None:
        """`until` is by the loop's clock."""
        error = None
        self._is_greeting = True
        try:
            async with asyncio.timeout_at(until):
                await socket.send(to_json(self._hello()))
                self._may_be_in = True
                while self.socket is not socket:
                    error = self._take_first(await socket.recv(), socket) or error
            return None
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            self._is_greeting = False
            if self.socket is not socket:
                if self.socket:
                    self._goes_on()
                if (self.token is None or self._leaving) and not error:
                    # Else a member might stay of whom nobody knows the token (section 9), or who means to leave.
                    await socket.close(1000)
                _drop(socket)
        return ending_of(socket.close_code, error)

    def _take_first(self, text: str | bytes, socket: ClientConnection) -> dict | None:
        """What comes before the socket is welcome; the message, if it is an error."""
        message = heard.parse(text)
        if message and message["type"] == "welcome":
            self._welcome(message)
            self._serve(socket)
        if not message or message["type"] != "error":
            return None
        # Who was told `unavailable` may be let in all the same, when the server's store comes to it.
        self._may_be_in = message.get("code") == "unavailable"
        return message

    def _serve(self, socket: ClientConnection) -> None:
        """This one is welcome, and the one before is not heard any more."""
        self._error = self._move_at = None
        self._may_be_in = False
        was, self.socket = self.socket, socket
        if was:
            _drop(was)
        self._up.set()

    async def _stay(self, socket: ClientConnection) -> Ending | None:
        """Reads the socket that serves, to its end: None when another one has come to serve, else why there is none."""
        watching = asyncio.create_task(self._watch(socket))
        with suppress(ConnectionClosed):
            try:
                await self._read(socket)
            finally:
                watching.cancel()
                _drop(socket)
        if self.socket is not socket:
            await self._has_moved()
            return None
        self.socket = None
        self._up.clear()
        return await self._after(ending_of(socket.close_code, self._error))

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            text = await socket.recv()
            if self.socket is not socket:
                return  # what the older one still says counts no more (section 9)
            self._take(text)

    async def _has_moved(self) -> Ending | None:
        """The answer of `_move`, which raises mistakes of our own."""
        moving, self._moving = self._moving, None
        return await moving if moving else None

    async def _after(self, ending: Ending) -> Ending | None:
        """
        What follows the end of the socket that served: an attempt to move that is under way may make it good.

        The server may tell the older socket that it is superseded before the newer one hears its welcome, or when that was lost.
        """
        is_ours = ending.code == "superseded" and self._may_be_in
        if is_ours:
            ending = replace(ending, final=False)
        if not self._moving or not self._is_arriving or ending.final:
            await self._stop_moving()
            return ending
        if not is_ours:
            self._tell(Down(ending.code, 0.0))
        return await self._has_moved()

    # From one server to another, without a moment in between

    def _plan_move(self, message: dict) -> None:
        """The server is about to stop (section 9): at the moment that it names we go. What it named last counts."""
        if self._is_arriving:
            return
        if self._moving:
            self._moving.cancel()
        after_ms = heard.seconds(message.get("after_ms"))
        wait = self._jitter() * self._times.backoff[0] if after_ms is None else after_ms / 1000
        self._move_at = time.monotonic() + wait
        self._moving = asyncio.create_task(self._move(wait))

    async def _move(self, wait: float) -> Ending | None:
        """
        Opens the next socket while this one serves: None when it is welcome, else why none is.

        A refusal that another attempt would not change ends the moving, not the socket that we have.
        """
        old, failures = self.socket, 0
        try:
            await asyncio.sleep(wait)
            self._move_at = None
            while ending := await self._arrive():
                if self.socket is not old or self._leaving or ending.final or ending.code in ANEW:
                    return ending
                wait, failures = self._wait(ending, failures), failures + 1
                self._move_at = None if ending.retry_after is None else time.monotonic() + wait
                await asyncio.sleep(wait)
            return None
        except Exception:
            _drop(old)  # a mistake of our own: whoever reads that socket finds it here
            raise

    async def _stop_moving(self) -> None:
        moving, self._moving = self._moving, None
        if moving and not moving.cancel() and not moving.cancelled():
            moving.result()  # raises a mistake of our own
        elif moving:
            await asyncio.wait([moving])

    async def _watch(self, socket: ClientConnection) -> None:
        """Pings, and drops a socket that has gone dead (section 10)."""
        for number in count(1):
            await asyncio.sleep(self._times.ping)
            self._heard.clear()
            try:
                async with asyncio.timeout(self._times.dead):
                    await socket.send(to_json({"type": "ping", "id": number}))
                    await self._heard.wait()
            except (TimeoutError, ConnectionClosed):
                return _drop(socket)


def _drop(socket: ClientConnection) -> None:
    """Ends a socket without a close frame: 1000 would hang up (section 6), and a dead one answers nothing."""
    socket.transport.abort()
