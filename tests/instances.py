"""Machines of Elastic Beanstalk, played on loopback: an unpacked bundle, its nodes, and nginx with the bundle's own configuration."""

import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tests.operations import beanstalk
from tests.server import START_SECONDS, STOP_SECONDS, child_env, dies_with_us

APP = "/var/app/current"
_CORES = 2
_NODE_PORTS, _NUMBER_PORTS = (8000, 8001), (9101, 9102)  # of the bundle


def unpack(bundle: Path, folder: Path) -> Path:
    """As Beanstalk does; what is a program in the bundle is one there."""
    with zipfile.ZipFile(bundle) as archive:
        for entry in archive.infolist():
            Path(archive.extract(entry, folder)).chmod(entry.external_attr >> 16 & 0o777)
    return folder


def free_ports(count: int) -> list[int]:
    """That nobody listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def procfile(folder: Path) -> dict[str, str]:
    """The processes that Beanstalk starts, by name."""
    lines = (folder / "Procfile").read_text().splitlines()
    return dict(re.match(r"([A-Za-z0-9_-]+):\s*(\S.*)$", line).groups() for line in lines)


class Nginx:
    """nginx, as a context manager, with a configuration that stands in `folder`/nginx.conf."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Nginx":
        command = [*dies_with_us(), "nginx", *self._arguments, "-g", "daemon off;"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _until(lambda: _listens(self.port), self._process, "nginx", lambda: self.test()[1])
        return self

    def __exit__(self, *_) -> None:
        if self._process:
            _end(self._process, signal.SIGTERM)

    def test(self) -> tuple[int, str]:
        """What `nginx -t` says, with which Beanstalk ends a deployment that would not start."""
        done = subprocess.run(["nginx", *self._arguments, "-t"], capture_output=True, text=True)
        return done.returncode, done.stderr

    @property
    def logs(self) -> str:
        """All that it has written to any log."""
        return "".join(path.read_text() for path in sorted((self.folder / "log").rglob("*")) if path.is_file())

    @staticmethod
    def temps(folder: Path) -> str:
        """Lines that keep it out of the system's own folders."""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return " ".join(f"{kind}_temp_path {folder}/temp-{kind};" for kind in kinds)

    @property
    def _arguments(self) -> list[str]:
        # Before it has read its configuration it would write to the system's own log.
        return ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "log/error.log")]


class Process:
    """One line of a Procfile, as systemd runs it: by a shell, in the folder of the application."""

    def __init__(self, command: str, folder: Path, env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                # systemd's own limit of open files
                [*dies_with_us(), "/bin/sh", "-c", f"ulimit -Sn 1024; {command}"],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    def until_it_says(self, words: str) -> None:
        _until(lambda: words in self.log, self._process, "a process", lambda: self.log)

    def terminate(self) -> None:
        """Asks it to end, as systemd does, and waits for no end."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self._process.wait(STOP_SECONDS * 4)

    def end(self) -> None:
        _end(self._process, signal.SIGKILL)


class Instance:
    """
    One machine with this bundle unpacked, as a context manager. `env` is what the environment adds to the variables of .ebextensions:
    addresses and secrets. Of the processes of the Procfile those in `runs` are started; all without it.

    What a machine of its own would have alone is changed for one that is shared: ports, folders and the user of nginx; all else is as
    it stands in the bundle.
    """

    def __init__(self, bundle: Path, *, runs: tuple[str, ...] | None = None, **env: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gruveo-instance-"))
        self.folder.chmod(0o755)  # the user of nginx reads static files
        self.app = unpack(bundle, self.folder / "app")
        self.port, *ports = free_ports(1 + 2 * _CORES)
        self.node_ports, self.number_ports = ports[:_CORES], ports[_CORES:]
        self._env = {name: str(value) for name, value in env.items()}
        self._runs = runs
        self.processes: dict[str, Process] = {}
        self.nginx = Nginx(self.folder / "nginx", self.port)
        self._write_nginx()

    def __enter__(self) -> "Instance":
        try:
            self.begin()
            self.nginx.__enter__()
            for name in self.nodes:
                self.processes[name].until_it_says("Gruveo serves at")
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self) -> None:
        """Starts its processes and waits for none, so that several machines may start at once."""
        if not self.processes:
            for name in self._runs or procfile(self.app):
                self.start(name)

    def __exit__(self, *_) -> None:
        self.nginx.__exit__()
        for process in self.processes.values():
            process.end()
        self.remove()

    def remove(self) -> None:
        """Leaves nothing of it on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def nodes(self) -> list[str]:
        """The names of the processes that serve."""
        return [name for name in self.processes if name in {"web", "node2"}]

    @property
    def env(self) -> dict[str, str]:
        """All variables of a process: those of the platform, of .ebextensions, and of the environment."""
        given = {
            name: self._here(value)
            for namespace, name, value in beanstalk.options(self.app)
            if namespace == "aws:elasticbeanstalk:application:environment"
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**child_env(self.folder), **given, "PATH": path, **self._env}

    def start(self, name: str) -> Process:
        """Starts a process of the Procfile, again if need be."""
        log = self.folder / f"{name}-{time.monotonic_ns()}.log"
        process = Process(self._here(procfile(self.app)[name]), self.app, self.env, log)
        self.processes[name] = process
        return process

    @property
    def container_commands(self) -> dict[str, str]:
        """What Beanstalk runs before it starts a new version, by name."""
        return {name: command["command"] for name, command in beanstalk.container_commands(self.app).items()}

    def run(self, command: str) -> subprocess.CompletedProcess:
        """Runs a container command, as Beanstalk does."""
        command = command.replace("/var/app/venv/*/bin/python", shlex.quote(sys.executable))
        return subprocess.run(
            ["/bin/sh", "-c", command], cwd=self.app, env=self.env, capture_output=True, text=True, timeout=120
        )

    def get(self, path: str, *, node: str | None = None, **headers: str) -> tuple[int, str, Message]:
        """Status, text and headers of an answer, from nginx, or straight from a node; redirects are not followed."""
        port = self.node_ports[["web", "node2"].index(node)] if node else self.port
        return get(f"http://127.0.0.1:{port}{path}", **headers)

    @property
    def log(self) -> str:
        """All that its processes have printed since they were started."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _here(self, text: str) -> str:
        for stock, port in zip(_NODE_PORTS + _NUMBER_PORTS, self.node_ports + self.number_ports, strict=True):
            text = re.sub(rf"\b{stock}\b", str(port), text)
        return text.replace(APP, str(self.app))

    def _write_nginx(self) -> None:
        shutil.copytree(self.app / ".platform" / "nginx", self.nginx.folder)
        (self.nginx.folder / "log" / "healthd").mkdir(parents=True)
        user = pwd.getpwuid(os.geteuid()).pw_name
        changes = {
            "user nginx;": f"user {user};",
            "pid /var/run/nginx.pid;": f"pid {self.nginx.folder}/pid;",
            "listen 80 default_server": f"listen 127.0.0.1:{self.port} default_server",
            **{f"listen {port};": f"listen 127.0.0.1:{port};" for port in _NUMBER_PORTS},
            "/var/log/nginx/": f"{self.nginx.folder}/log/",
            "http {\n": f"http {{\n    {Nginx.temps(self.nginx.folder)}\n",
        }
        for file in self.nginx.folder.rglob("*.conf"):
            text = file.read_text()
            if file.name == "nginx.conf":
                for stock, ours in changes.items():
                    assert stock in text, f"nginx.conf has no {stock!r}"
                    text = text.replace(stock, ours)
            file.write_text(self._here(text))


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_) -> None:
        return None


_open = build_opener(_Stay).open


def get(url: str, **headers: str) -> tuple[int, str, Message]:
    """Status, text and headers of an answer; redirects are not followed."""
    request = Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with _open(request, timeout=30) as answer:
            return answer.status, answer.read().decode(errors="replace"), answer.headers
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace"), error.headers


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def _until(is_so, process: subprocess.Popen, what: str, said) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_so():
        if time.monotonic() > deadline or process.poll() is not None:
            raise RuntimeError(f"{what} does not start:\n{said()}")
        time.sleep(0.05)


def _end(process: subprocess.Popen, number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)
    process.wait(STOP_SECONDS)
