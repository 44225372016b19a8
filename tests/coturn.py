"""A real coturn for tests: on loopback, on free ports, with files of its own in a folder of its own, and gone with the test."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import trustme

from tests.server import dies_with_us

SECRET = "a-secret-of-the-relay-0123456789-abcdef"
REALM = "gruveo.test"
_START_SECONDS = 30
_BINDING = bytes.fromhex("000100002112a442") + b"gruveo-tests"  # a STUN Binding request, RFC 8489 section 5


class Coturn:
    """
    A running turnserver, as a context manager. `port` serves UDP and TCP, `tls_port` TLS with a certificate of `ca_file`.

        with Coturn() as relay:
            allocate(relay.uri("udp"), ...)

    `lines` are added to its configuration as they stand. Peers on loopback are allowed, and no others. `add_secret` and
    `drop_secret` change what it accepts while it runs; those in `secrets` stand in its configuration, and stay.
    """

    def __init__(self, *lines: str, secrets: tuple[str, ...] = (SECRET,)) -> None:
        self._lines = lines
        self._secrets = secrets

    def __enter__(self) -> "Coturn":
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gruveo-coturn-")))
            self._write_certificate()
            self.port, self.tls_port = _free_ports(2)
            self._file("turnserver.conf").write_text("\n".join(self._configuration()) + "\n")
            with self._file("log").open("w") as log:
                self._process = subprocess.Popen(
                    [*dies_with_us(), "turnserver", "-c", str(self._file("turnserver.conf"))],
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            stack.callback(self._end)
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has printed so far."""
        return self._file("log").read_text(errors="replace")

    @property
    def ca_file(self) -> Path:
        return self._file("ca.pem")

    def uri(self, transport: str) -> str:
        """How browsers are told of it: `udp`, `tcp` or `tls`."""
        if transport == "tls":
            return f"turns:127.0.0.1:{self.tls_port}?transport=tcp"
        return f"turn:127.0.0.1:{self.port}?transport={transport}"

    def add_secret(self, secret: str) -> None:
        """As an operator does it, without a restart."""
        self._turnadmin("-s", secret)

    def drop_secret(self, secret: str) -> None:
        self._turnadmin("-X", secret)

    def _turnadmin(self, option: str, secret: str) -> None:
        done = subprocess.run(
            ["turnadmin", option, secret, "-r", REALM, "-b", str(self._file("turndb"))],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"turnadmin failed:\n{done.stdout}{done.stderr}")

    def _configuration(self) -> list[str]:
        return [
            "listening-ip=127.0.0.1",
            "relay-ip=127.0.0.1",
            f"listening-port={self.port}",
            f"tls-listening-port={self.tls_port}",
            f"cert={self._file('cert.pem')}",
            f"pkey={self._file('key.pem')}",
            f"realm={REALM}",
            "use-auth-secret",
            *(f"static-auth-secret={secret}" for secret in self._secrets),
            f"userdb={self._file('turndb')}",
            f"pidfile={self._file('pid')}",
            "allow-loopback-peers",
            "allowed-peer-ip=127.0.0.1",
            "denied-peer-ip=0.0.0.0-255.255.255.255",
            "fingerprint",
            "stale-nonce=600",
            "no-dtls",
            "no-cli",
            "log-file=stdout",
            "verbose",
            *self._lines,
        ]

    def _write_certificate(self) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(self.ca_file))
        certificate.private_key_pem.write_to_path(str(self._file("key.pem")))
        self._file("cert.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))

    def _wait(self) -> None:
        """Until it answers over UDP, and takes TCP on both ports."""
        deadline = time.monotonic() + _START_SECONDS
        while not (_answers(self.port) and _listens(self.port) and _listens(self.tls_port)):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"turnserver does not start:\n{self.log}")
            time.sleep(0.05)

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait()

    def _file(self, name: str) -> Path:
        return self._folder / name


def _free_ports(number: int) -> list[int]:
    """Free for UDP and TCP alike at this moment."""
    with ExitStack() as stack:
        return [_free_port(stack) for _ in range(number)]


def _free_port(stack: ExitStack) -> int:
    while True:
        tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        tcp.bind(("127.0.0.1", 0))
        with suppress(OSError):
            udp.bind(tcp.getsockname())
            return tcp.getsockname()[1]


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.2)
        udp.connect(("127.0.0.1", port))
        try:
            udp.send(_BINDING)
            return bool(udp.recv(2048))
        except OSError:
            return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
