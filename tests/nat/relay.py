"""A real coturn on the laboratory's public network."""

import signal
import subprocess
import time
from pathlib import Path

from tests.nat.network import RELAY, Network
from tests.server import dies_with_us

_START_SECONDS = 30

# As hardened as the laboratory lets it be: homes stay out of reach through the relay.
_CONFIGURATION = """
{listening}
{relaying}
listening-port=3478
tls-listening-port=443
min-port=49152
max-port=65535
cert={folder}/relay.pem
pkey={folder}/relay.pem
use-auth-secret
static-auth-secret={secret}
realm=gruveo.test
fingerprint
no-dtls
no-cli
no-multicast-peers
no-tcp-relay
denied-peer-ip=10.0.0.0-10.255.255.255
denied-peer-ip=192.168.0.0-192.168.255.255
log-file=stdout
simple-log
userdb={folder}/turndb
pidfile={folder}/turnserver.pid
"""


class Relay:
    """A context manager; `folder` holds relay.pem, the certificate and its key, and takes what the relay writes."""

    def __init__(self, network: Network, folder: Path, *, secret: str) -> None:
        self._network = network
        self._folder = folder
        self._secret = secret

    def __enter__(self) -> "Relay":
        file = self._folder / "turnserver.conf"
        file.write_text(
            _CONFIGURATION.format(
                listening="\n".join(f"listening-ip={address}" for address in RELAY),
                relaying="\n".join(f"relay-ip={address}" for address in RELAY),
                folder=self._folder,
                secret=self._secret,
            )
        )
        with (self._folder / "turnserver.log").open("wb") as log:
            command = [*self._network.inside("public"), "turnserver", "-c", str(file)]
            self._process = subprocess.Popen([*dies_with_us(), *command], stdout=log, stderr=log)
        self._wait()
        return self

    def __exit__(self, *_) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _wait(self) -> None:
        # It listens for TCP last; a connection from within the namespace is refused until then.
        deadline = time.monotonic() + _START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"coturn does not start:\n{(self._folder / 'turnserver.log').read_text()}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        probe = [*self._network.inside("public"), "ss", "-Hltn", f"src {RELAY[0]}:443 or src [{RELAY[1]}]:443"]
        return len(subprocess.run(probe, capture_output=True, text=True).stdout.splitlines()) >= len(RELAY)
