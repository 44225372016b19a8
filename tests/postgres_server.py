"""A real PostgreSQL for tests: on a socket of its own in a folder of its own, and gone with the test."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

_START_SECONDS = 60
_USER = "gruveo"


class PostgresServer:
    """
    A running PostgreSQL, as a context manager; `make_database` answers the DATABASE_URL of an empty database in it.

    Unless it is durable it does not wait for the disk: a process that is killed loses nothing by that, only a machine does. `kill` ends it
    as a power cut does, `start` starts it again with what was written, `freeze` and `thaw` stop it and let it go on.
    PostgreSQL refuses to run as root: root starts it as the user `postgres`, or `nobody`.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        self._fsync = "on" if is_durable else "off"

    def __enter__(self) -> "PostgresServer":
        self._process: subprocess.Popen | None = None
        self._names = count(1)
        self._folder = Path(tempfile.mkdtemp(prefix="gruveo-postgres-"))
        self._as_user: list[str] = []
        try:
            if os.geteuid() == 0:
                self._give_up_root()
            self._initialize()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._process:
            self.thaw()
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_database(self) -> str:
        name = f"gruveo_{next(self._names)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._address(name)

    def start(self) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "fsync": self._fsync,
            "max_connections": "50",
            "shared_buffers": "16MB",
        }
        # However pytest ends, even killed, no server stays behind; to PostgreSQL an INT means at once.
        command = ["setpriv", "--pdeathsig", "INT", *self._as_user, "--", _program("postgres"), "-D", str(self._data)]
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen([*command, *words], cwd=self._folder, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _address(self, database: str) -> str:
        return f"postgres://{_USER}@{quote(str(self._folder), safe='')}/{database}"

    def _give_up_root(self) -> None:
        user = next(user for user in ("postgres", "nobody") if _exists(user))
        known = pwd.getpwnam(user)
        os.chown(self._folder, known.pw_uid, known.pw_gid)
        self._as_user = ["--reuid", str(known.pw_uid), "--regid", str(known.pw_gid), "--clear-groups"]

    def _initialize(self) -> None:
        options = ["--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            ["setpriv", *self._as_user, "--", _program("initdb"), "-D", str(self._data), *options],
            cwd=self._folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        """To all its processes; each is a process group of its own."""
        task = Path(f"/proc/{self._process.pid}/task/{self._process.pid}")
        children = (task / "children").read_text().split() if task.exists() else []
        if self._process.poll() is None:
            self._process.send_signal(number)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), number)


def _program(name: str) -> str:
    """Debian keeps the servers of each version out of PATH; the newest is taken."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(installed[-1]) if installed else name


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False
