"""The real server, as `make run` starts it, in a process of its own with data of its own."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

from tests.shared import once

BASE_DIR = Path(__file__).resolve().parent.parent
START_SECONDS = 60  # a machine that is busy with other things
STOP_SECONDS = 15
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_ADDRESS = re.compile(r"\b(https?)://(?:localhost|127\.0\.0\.1):(\d+)")


class Server:
    """
    A running server, as a context manager.

        with Server(ROOM_CAPACITY=2) as server:
            get(server.url + "/")

    Keyword arguments are environment variables. It listens on loopback only. `var_dir` is kept when one is given, else it is a
    copy of a prepared one (sample content included) and goes with the server.

    Raises:
        RuntimeError: on entering, when it does not come to listen; the text holds what it printed.
    """

    _MODULE = "gruveo.local"

    def __init__(self, *, https: bool = False, port: int = 0, var_dir: Path | None = None, **env) -> None:
        self._arguments = ["--host", "127.0.0.1", "--port", str(port), *(["--https"] if https else [])]
        self._env = {name: str(value) for name, value in env.items()}
        self._own_var_dir = var_dir is None
        self.var_dir = Path(tempfile.mkdtemp(prefix="gruveo-server-")) if var_dir is None else var_dir
        self._process: subprocess.Popen | None = None
        self._lines: list[str] = []
        self._listens = threading.Event()
        self.port = 0
        self.url = self.ws_url = ""

    def __enter__(self) -> "Server":
        try:
            if self._own_var_dir:
                _copy_prepared(self.var_dir)
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_) -> None:
        self._end(signal.SIGKILL)
        if self._own_var_dir:
            shutil.rmtree(self.var_dir, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has printed so far, errors included."""
        return "".join(self._lines)

    @property
    def ca_file(self) -> Path:
        """With https: the authority that its certificate is from."""
        return self.var_dir / "ca" / "ca.crt"

    @property
    def ssl(self) -> ssl.SSLContext | None:
        """For clients: trusts this server's authority and no other; None without https."""
        return ssl.create_default_context(cafile=self.ca_file) if self.url.startswith("https:") else None

    def get(self, path: str, **headers: str):
        """The answer of a simple GET that follows redirects; errors raise urllib.error.HTTPError."""
        request = urllib.request.Request(self.url + path, headers=headers)
        return urllib.request.urlopen(request, timeout=20, context=self.ssl)

    def manage(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        """Runs a `manage.py` command on this server's data, in another process."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=child_env(self.var_dir, **self._env, **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start_managing(self, *arguments: str) -> subprocess.Popen:
        """The same for a command that stays: its output, errors included, comes by `stdout`; whoever starts it stops it."""
        return self._spawn(sys.executable, "manage.py", *arguments)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once the process has ended; all that it printed is in `log` then."""
        code = self._process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return code

    def stop(self) -> None:
        """Asks it to end as a supervisor does, and checks that it ended well."""
        self.send_signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code}\n{self.log}"

    def _start(self) -> None:
        self._process = self._spawn(sys.executable, "-m", self._MODULE, *self._arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listens.wait(START_SECONDS) or not self.port:
            self._end(signal.SIGKILL)
            raise RuntimeError(f"the server did not start:\n{self.log}")
        self.get("/healthz").close()

    def _spawn(self, *command: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*dies_with_us(), *command],
            cwd=BASE_DIR,
            env=child_env(self.var_dir, **self._env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.append(line)
            found = _ADDRESS.search(line)
            if found and not self.port:
                scheme, port = found.groups()
                self.port = int(port)
                self.url = f"{scheme}://127.0.0.1:{port}"
                self.ws_url = self.url.replace("http", "ws", 1) + "/signaling"
                self._listens.set()
        self._listens.set()  # it has ended

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if not self._process:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        self._process.stdout.close()


def child_env(var_dir: Path, **env: str) -> dict[str, str]:
    """The environment of a process that must know nothing of the tests' own settings."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", "VAR_DIR": str(var_dir), **env}


def prepared_var_dir() -> Path:
    """Migrated, filled with sample content, static files collected: done once, because it takes seconds."""
    return once("prepared", _prepare)


def _prepare(folder: Path) -> None:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "gruveo.local", "--prepare"],
        cwd=BASE_DIR,
        env=child_env(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the site could not be prepared:\n{done.stdout}{done.stderr}")


def _copy_prepared(var_dir: Path) -> None:
    prepared = prepared_var_dir()
    shutil.copytree(prepared, var_dir, dirs_exist_ok=True, ignore=shutil.ignore_patterns("static"))
    (var_dir / "static").symlink_to(prepared / "static")


def dies_with_us() -> list[str]:
    """However pytest ends, even killed, no server stays behind."""
    return ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
