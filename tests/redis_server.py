"""A real redis-server for tests: on a socket of its own in a folder of its own, and gone with the test."""

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from tests.server import dies_with_us

_START_SECONDS = 30


class RedisServer:
    """
    A running redis-server, as a context manager; `path` is its socket.

    `kill` ends it as a power cut does, `start` starts it again (empty, unless it `keeps` what it was told), `freeze` and `thaw` stop it
    and let it go on.
    """

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps

    def __enter__(self) -> "RedisServer":
        self._folder = tempfile.mkdtemp(prefix="gruveo-redis-")
        self.path = str(Path(self._folder, "redis.sock"))
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.thaw()
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    @property
    def on_disk(self) -> str:
        """What it has written there; nothing unless it keeps what it is told."""
        return "".join(file.read_text("latin-1") for file in Path(self._folder).rglob("*") if file.is_file())

    def start(self) -> None:
        append = "yes" if self._keeps else "no"
        arguments = {"port": "0", "unixsocket": self.path, "save": "", "appendonly": append, "dir": self._folder}
        options = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([*dies_with_us(), "redis-server", *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis(unix_socket_path=self.path) as client:
            while not _answers(client):
                assert time.monotonic() < deadline and self._process.poll() is None, "redis-server does not start"
                time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def command(self, *words: str) -> object:
        """What it answers to this command."""
        with redis.Redis(unix_socket_path=self.path) as client:
            return client.execute_command(*words)

    def calls(self, command: str) -> int:
        """How often it has been asked to do this since it was started."""
        with redis.Redis(unix_socket_path=self.path) as client:
            return client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]

    def listeners(self) -> set[str]:
        """The ids of the clients that are subscribed to something."""
        with redis.Redis(unix_socket_path=self.path) as client:
            return {one["id"] for one in client.client_list(_type="pubsub")}


def _answers(client: redis.Redis) -> bool:
    try:
        return client.ping()
    except redis.ConnectionError:
        return False
