"""A real coturn for tests: on a port of its own of this machine's loopback, and gone with the test."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import weakref
from pathlib import Path

import trustme

from tests.server import dies_with_us
from turnauth.relay_config import Relay, write

SECRET = "a-secret-of-the-tests-0123456789abcdef"
OTHER_SECRET = "another-secret-of-the-tests-fedcba9876543210"
HOST = "127.0.0.1"
REALM = "relay.example"
# The generated configuration refuses loopback, and the tests use nothing else.
ON_LOOPBACK = ("allow-loopback-peers", f"allowed-peer-ip={HOST}")
_START_SECONDS = 30
# It prints this last, when all its listeners are there.
_LISTENS = "IO method (admin thread)"


class Coturn:
    """
    A running turnserver, as a context manager, with the configuration of `manage.py turn_config`.

    `without` takes lines away by their beginning, `lines` are added; `clock` is faketime's, such as `+1h`; `config` replaces all.
    """

    def __init__(self, *, lines=(), without=(), clock="", on_loopback=ON_LOOPBACK, **relay) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gruveo-relay-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.port, self.tls_port = free_port(), free_port()
        self.userdb, self.conf = self._folder / "turndb", self._folder / "turnserver.conf"
        self._authority = trustme.CA()
        self.authorities = str(self._folder / "authority.pem")
        self._authority.cert_pem.write_to_path(self.authorities)
        self.issue(HOST)
        self.relay = Relay(
            **{
                "capacity": 6, "secrets": (SECRET,), "realm": REALM, "public": HOST, "private": HOST,
                "port": self.port, "tls_port": self.tls_port, "userdb": str(self.userdb),
                "certificate": str(self._folder / "chain.pem"), "key": str(self._folder / "key.pem"), **relay,
            }
        )  # fmt: skip
        kept = [line for line in write(self.relay).splitlines() if not line.startswith(tuple(without) or "\0")]
        self.conf.write_text("\n".join([*kept, *on_loopback, *lines, ""]))
        shutil.copy("/var/lib/turn/turndb", self.userdb)
        self._clock = ["faketime", "-f", clock] if clock else []
        self._lines: list[str] = []
        self._listens = threading.Event()

    def __enter__(self) -> "Coturn":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self) -> None:
        """Once more after `kill`, on the same ports."""
        self._listens.clear()
        options = ["-c", str(self.conf), "--pidfile", str(self._folder / "pid")]
        self._process = subprocess.Popen(
            [*dies_with_us(), *self._clock, "stdbuf", "-oL", "turnserver", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._folder,
            start_new_session=True,  # faketime starts it as a child: both are ended by their group
        )
        self._reader = threading.Thread(target=self._read, args=[self._process.stdout], daemon=True)
        self._reader.start()
        if not self._listens.wait(_START_SECONDS) or self._process.poll() is not None:
            raise RuntimeError(f"coturn does not start:\n{self.log}")

    def __exit__(self, *_) -> None:
        self.kill()

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def issue(self, name: str, **options) -> None:
        """Puts another certificate in place; coturn reads it when it starts."""
        issued = self._authority.issue_cert(name, **options)
        issued.private_key_pem.write_to_path(str(self._folder / "key.pem"))
        (self._folder / "chain.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))

    @property
    def log(self) -> str:
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def udp(self) -> str:
        return f"turn:{HOST}:{self.port}?transport=udp"

    @property
    def tcp(self) -> str:
        return f"turn:{HOST}:{self.port}?transport=tcp"

    @property
    def tls(self) -> str:
        return f"turns:{HOST}:{self.tls_port}?transport=tcp"

    def admin(self, *arguments: str) -> str:
        """Runs turnadmin on its database of secrets."""
        command = ["turnadmin", *arguments, "-r", REALM, "-b", str(self.userdb)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            output = process.stdout.read()
        for log in Path("/var/log").glob(f"turn_{process.pid}_*.log"):
            log.unlink()  # it leaves one each time
        assert process.returncode == 0, output
        return output

    def _read(self, output) -> None:
        for line in output:
            self._lines.append(line)
            if _LISTENS in line:
                self._listens.set()
        self._listens.set()


def free_port() -> int:
    """One on which nothing listens, over UDP or TCP; coturn cannot choose one by itself."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((HOST, 0))
            try:
                udp.bind((HOST, tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]
