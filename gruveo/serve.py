"""What production runs: one node of the site, which sends everybody elsewhere before it stops."""

import argparse
import asyncio
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gruveo import local_env, uvicorn_config
from gruveo.env import BadValue

logger = logging.getLogger("gruveo")

_LAST = 3.0  # seconds for what threads still do once all sockets are closed
_TICK = 1.0  # seconds between two looks at what is to be done, when no signal comes
_DRAINING_TICK = 0.1
_SPREAD = 0.8  # of the drain's time: what is left is for those who need a second attempt


class DrainingServer(uvicorn.Server):
    """
    The first SIGTERM or SIGINT begins a drain: not ready any more, each client asked to come back elsewhere at a moment of its own.
    It ends when nobody is left or `seconds` have passed; who is still here is closed with 1012 then. A second signal ends it at once.

    SIGUSR1 begins the same drain and no end: the machine goes, and whoever watches over the process would only start it again.

    uvicorn looks ten times a second whether it is to end, which is two thirds of what a node with nobody to serve costs; here a signal
    wakes it.
    """

    def __init__(self, config: uvicorn.Config, *, seconds: float, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._announce = announce
        self._drains = self._stops = False
        self._ends_at: float | None = None
        self._signalled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets=None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._announce(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def shutdown(self, sockets=None) -> None:
        await super().shutdown(sockets)
        # Python would wait for threads that wait for a database that hangs. A call that is not recorded by now still stands in Redis.
        end = threading.Timer(_LAST, os._exit, [0])
        end.daemon = True
        end.start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._seconds and not self._stops:
            self._drains = self._stops = True  # a signal handler does no more than that; the next tick does the rest
        else:
            super().handle_exit(sig, frame)
        self._wake()

    def handle_leaving(self, sig: int, frame: FrameType | None) -> None:
        self._drains = bool(self._seconds)
        self._wake()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._signalled.wait(), _DRAINING_TICK if self._drains else _TICK)
            self._signalled.clear()

    async def on_tick(self, counter: int) -> bool:
        if self._drains and self._drain_is_over() and self._stops:
            self.should_exit = True
        return await super().on_tick(counter)

    def _wake(self) -> None:
        if self._loop and not self._loop.is_closed():  # a signal may come before and after
            self._loop.call_soon_threadsafe(self._signalled.set)

    def _drain_is_over(self) -> bool:
        switchboard = self.lifespan.state["switchboard"]
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._seconds
            logger.info(
                "drains within %g s: %d clients are asked to come back elsewhere", self._seconds, switchboard.sessions
            )
            switchboard.drain(self._seconds * _SPREAD)
        return not switchboard.sessions or time.monotonic() >= self._ends_at


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})  # would end us, until there is somebody to hear it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it once more after it has closed everything
    arguments = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gruveo.settings")
    local_env.load(os.environ)
    _allow_many_sockets()
    try:
        config = uvicorn_config.config(host=arguments.host, port=arguments.port)
        config.load()
        server = DrainingServer(config, seconds=_drain_seconds(), announce=_announce)
        signal.signal(signal.SIGUSR1, server.handle_leaving)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        server.run()
    except KeyboardInterrupt:
        pass
    except (BadValue, ImproperlyConfigured) as error:
        sys.exit(f"{error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gruveo.serve", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on; behind a proxy on this machine the default"
    )
    parser.add_argument(
        "--port", type=_port, default=os.environ.get("PORT") or 8000, help="default: PORT, or 8000; 0 for any free one"
    )
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"PORT must be from 0 to 65535, not {text!r}.")
    return int(text)


def _drain_seconds() -> float:
    return settings.DRAIN_SECONDS if settings.REDIS_URLS else 0  # with rooms in memory there is no elsewhere


def _allow_many_sockets() -> None:
    """A supervisor such as systemd allows 1024 open files, for the sake of old programs, and more to whoever asks."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _announce(address: str) -> None:
    print(f"Gruveo serves at {address}", flush=True)


if __name__ == "__main__":
    main()
