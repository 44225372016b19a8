"""The systems that are measured: how each is started, and which clients speak to it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.clients import Client, GruveoClient, PeerJsClient, PlainClient, SocketIoClient
from bench.npm import RIVALS, node
from bench.processes import Process, free_port, redis_server
from tests.operations import beanstalk

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "http://localhost:8000"
MESSAGE_BYTES = "65536"
# Not limits of one address: all clients come from one.
_OURS = {
    "LOCAL": "1",
    "SITE_ORIGINS": ORIGIN,
    "SECRET_KEY": "bench-only-0123456789-abcdefghijklmnop-django",
    "ROOM_KEY": "bench-only-0123456789-abcdefghijklmnop-room",
    "SIGNALING_KEYS": "bench-only-0123456789-abcdefghijklmnop-signaling",
    "JOINS_PER_MINUTE": "1000000",
    "SOCKETS_PER_ADDRESS": "100000",
    "QUARANTINE_SECONDS": "0",  # each Redis here is new, and nobody is to come back to it
}
_DEPLOYED = {name: value for _, name, value in beanstalk.options(ROOT / "deploy" / "beanstalk" / "common")}
ON_HUGE_PAGES = {name: _DEPLOYED[name] for name in ("PYTHONMALLOC", "GLIBC_TUNABLES")}  # as production is started


@dataclass(frozen=True)
class System:
    name: str
    title: str
    nodes: int
    client: type[Client]
    command: Callable[[int], list[str]]
    path: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path = RIVALS


class Running:
    """A system that runs: its nodes, and the Redis between them if there are several; a context manager."""

    def __init__(self, system: System, **env: str) -> None:
        self.system = system
        self._env = env

    def __enter__(self) -> "Running":
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gruveo-bench-")))
            env = {**self.system.env, **self._env, "ORIGINS": ORIGIN}
            self.redis = self._redis(stack, folder) if self.system.nodes > 1 else None
            if self.redis:
                env["REDIS_URL"] = f"redis://127.0.0.1:{self.redis.port}/0"
            if issubclass(self.system.client, GruveoClient):
                env["VAR_DIR"] = str(folder)
                _prepare(folder, env)
            self.nodes = [self._node(stack, env) for _ in range(self.system.nodes)]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def url(self, node: int) -> str:
        return f"ws://127.0.0.1:{self.nodes[node].port}{self.system.path}"

    def cpu(self) -> float:
        """Seconds of processor time so far: all nodes, and Redis."""
        return sum(process.cpu() for process in self._processes())

    def waited(self) -> float:
        """Seconds in which they wanted a processor and had none."""
        return sum(process.waited() for process in self._processes())

    def resident(self) -> int:
        """KiB: all nodes, and Redis."""
        return sum(process.resident() for process in self._processes())

    def _processes(self) -> list[Process]:
        return [*self.nodes, *([self.redis] if self.redis else [])]

    def _redis(self, stack: ExitStack, folder: Path) -> Process:
        redis = redis_server(folder)
        stack.callback(redis.close)
        return redis

    def _node(self, stack: ExitStack, env: dict[str, str]) -> Process:
        port = free_port()
        node = Process(self.system.command(port), port=port, env={**env, "PORT": str(port)}, cwd=self.system.cwd)
        stack.callback(node.close)
        return node


def _prepare(folder: Path, env: dict[str, str]) -> None:
    """A database with its tables; no pages are asked for, so there are no static files."""
    (folder / "static").mkdir()
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        stdin=subprocess.DEVNULL,
        check=True,
    )


def _node_program(name: str) -> Callable[[int], list[str]]:
    return lambda port: [node(), name]


def _serve(port: int) -> list[str]:
    return [sys.executable, "-m", "gruveo.serve", "--host", "127.0.0.1", "--port", str(port)]


def _daphne(port: int) -> list[str]:
    limits = [f"--websocket-max-{what}-size={MESSAGE_BYTES}" for what in ("message", "frame")]
    program = [sys.executable, "-m", "daphne", "--verbosity=0", *limits]
    return [*program, "--bind=127.0.0.1", f"--port={port}", "plain_channels:application"]


def _ours(name: str, title: str, nodes: int, **env: str) -> System:
    env = {**_OURS, **ON_HUGE_PAGES, **env}
    return System(name, title, nodes, GruveoClient, _serve, path="/signaling", env=env, cwd=ROOT)


_LARGE_PAGES = {"NODE_OPTIONS": "--use-largepages=on"}  # what Node.js has of that kind; nobody deploys with it unasked

SYSTEMS = {
    system.name: system
    for system in (
        _ours("gruveo", "Gruveo", 1),
        _ours("gruveo-sansio", "Gruveo, uvicorn's own WebSocket", 1, SIGNALING_WEBSOCKET="sansio"),
        System("ws", "Node.js ws", 1, PlainClient, _node_program("ws-memory.mjs")),
        System(
            "ws-large",
            "Node.js ws, its code on large pages",
            1,
            PlainClient,
            _node_program("ws-memory.mjs"),
            env=_LARGE_PAGES,
        ),
        System("peerjs", "PeerJS server", 1, PeerJsClient, _node_program("peerjs.mjs"), path="/peerjs"),
        _ours("gruveo-2", "Gruveo", 2),
        _ours("gruveo-2-sansio", "Gruveo, uvicorn's own WebSocket", 2, SIGNALING_WEBSOCKET="sansio"),
        System("ws-redis", "Node.js ws + redis", 2, PlainClient, _node_program("ws-redis.mjs")),
        System(
            "ws-redis-large",
            "Node.js ws + redis, their code on large pages",
            2,
            PlainClient,
            _node_program("ws-redis.mjs"),
            env=_LARGE_PAGES,
        ),
        System(
            "socketio",
            "socket.io + redis-adapter",
            2,
            SocketIoClient,
            _node_program("socketio.mjs"),
            path="/socket.io/?EIO=4&transport=websocket",
        ),
        System("channels", "plain Channels, daphne", 2, PlainClient, _daphne),
        System(
            "channels-large",
            "plain Channels, daphne, on huge pages as ours",
            2,
            PlainClient,
            _daphne,
            env=ON_HUGE_PAGES,
        ),
    )
}
