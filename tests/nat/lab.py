"""
The whole laboratory: network, relay, our server twice, and a browser in each home.

The second server shares no secret with the relay, so whoever gets credentials from it is refused there, and is left with what the
relay tells everybody: the address one is seen at. That is STUN.
"""

import contextlib
import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import trustme
from playwright.sync_api import Browser, Playwright

from tests.browser.people import FLAGS
from tests.nat import network as addresses
from tests.nat.doorway import Doorway
from tests.nat.network import Network
from tests.nat.relay import Relay
from tests.server import Server

SITE, STUN_SITE = "https://gruveo.test", "https://stun-only.test"
_RELAY = "turn.test"
_NAMES = {
    "gruveo.test": addresses.SITE,
    "stun-only.test": addresses.STUN_SITE,
    _RELAY: addresses.RELAY,
}
_RELAYS = f"{_RELAY},turns:{_RELAY}:443?transport=tcp"
# Chromium runs in the home's network and asks the home's resolver; the pipe by which it is driven passes through.
_WRAPPER = """#!/bin/sh
export HOME={home}
exec nsenter --net={namespace} -- unshare --mount sh -c 'mount --bind {resolv} /etc/resolv.conf && exec /usr/bin/chromium "$@"' sh "$@"
"""


class Site(Server):
    """Our server at an origin of the laboratory; TLS ends before it, as in production."""

    _MODULE = "gruveo.serve"

    def __init__(self, origin: str, secret: str) -> None:
        origins = f"{origin},https://127.0.0.1"  # the second is where it is asked whether it is up
        super().__init__(
            LOCAL=1, SITE_ORIGINS=origins, TURN_SERVERS=_RELAYS, TURN_SECRETS=secret, JOINS_PER_MINUTE=6000
        )


class Laboratory:
    """A context manager. `network` says what the homes are behind; `browsers` are those of a and b."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._codes = (f"laboratory-{number}" for number in count())

    def __enter__(self) -> "Laboratory":
        with ExitStack() as stack:
            self.network = stack.enter_context(Network())
            self._folder = Path(tempfile.mkdtemp(prefix="gruveo-nat-"))
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._authority = trustme.CA()
            self._serve(stack)
            self.browsers = {side: self._browser(stack, side) for side in ("a", "b")}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def code(self) -> str:
        """One that nobody has used."""
        return next(self._codes)

    @contextlib.contextmanager
    def bad_line(self, side: str, *, share: float, seconds: float) -> Iterator[None]:
        """Meanwhile the home of this side loses this share of its packets, and the others take so much longer, in each direction."""
        self.network.spoil(side, share)
        try:
            with self._doorway.delay(self.network.path(f"home-{side}"), seconds):
                yield
        finally:
            self.network.mend(side)

    def _serve(self, stack: ExitStack) -> None:
        secret, unknown_secret = secrets.token_hex(32), secrets.token_hex(32)
        self._authority.issue_cert(_RELAY).private_key_and_cert_chain_pem.write_to_path(str(self._folder / "relay.pem"))
        stack.enter_context(Relay(self.network, self._folder, secret=secret))
        self._doorway = stack.enter_context(Doorway())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("gruveo.test", "stun-only.test").configure_cert(tls)
        public = self.network.path("public")
        for origin, signing, here in ((SITE, secret, addresses.SITE), (STUN_SITE, unknown_secret, addresses.STUN_SITE)):
            site = stack.enter_context(Site(origin, signing))
            self._doorway.lead(public, here, to=site.port, tls=tls)
        for side in ("a", "b"):
            self._doorway.resolve(self.network.path(side), _NAMES)

    def _browser(self, stack: ExitStack, side: str) -> Browser:
        home = self._folder / side
        self._trust(home)
        resolv = self._folder / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\n")
        wrapper = self._folder / f"chromium-{side}"
        wrapper.write_text(_WRAPPER.format(home=home, namespace=self.network.path(side), resolv=resolv))
        wrapper.chmod(0o755)
        browser = self._playwright.chromium.launch(executable_path=wrapper, args=_flags())
        stack.callback(browser.close)
        return browser

    def _trust(self, home: Path) -> None:
        """The laboratory's authority is the only one that this browser knows besides its own."""
        store = home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        certificate = self._folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(certificate))
        for arguments in (["-N", "--empty-password"], ["-A", "-n", "laboratory", "-t", "C,,", "-i", str(certificate)]):
            subprocess.run(
                ["certutil", *arguments, "-d", f"sql:{store}"], check=True, capture_output=True, env=dict(os.environ)
            )


def _flags() -> list[str]:
    return [flag for flag in FLAGS if flag != "--allow-loopback-in-peer-connection"]
