"""What `make run` runs: the whole site in this process, on this machine, and with --https for the phones of this network too."""

import argparse
import datetime
import errno
import io
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable

import segno
import uvicorn
from django.core.exceptions import ImproperlyConfigured

from gruveo import local_ca, local_env, local_site, uvicorn_config
from gruveo.env import BadValue
from gruveo.one_process import only_process

_LOOPBACK = ("127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")


_log = logging.getLogger("uvicorn.error")


class Refusal(Exception):
    """Serving is not possible; the text is a whole sentence for whoever typed the command."""


class Server(uvicorn.Server):
    """Says that it listens once it does."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A phone that fell asleep with an open connection makes it say so after three seconds; that is no error of anybody's.
        _log.addFilter(lambda record: not str(record.msg).startswith("Cancel %s running task"))
        await super().shutdown(sockets)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it once more after it has closed everything
    arguments = _arguments()
    try:
        if arguments.prepare:
            local_site.configure(os.environ, ["http://localhost:8000"])
            local_site.prepare()
        else:
            _serve(arguments)
    except KeyboardInterrupt:
        print("\nGruveo has stopped.", flush=True)
    except (Refusal, BadValue, ImproperlyConfigured) as error:
        sys.exit(f"{error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gruveo.local", description=__doc__)
    parser.add_argument("--port", default="8000", help="0 for any free one")
    parser.add_argument("--host", help="listen on this address only")
    parser.add_argument("--https", action="store_true", help="certificates of this machine's own authority")
    parser.add_argument("--prepare", action="store_true", help="bring database and files up to date, and stop")
    return parser.parse_args()


def _serve(arguments: argparse.Namespace) -> None:
    port = _port(arguments.port)
    hosts = (arguments.host,) if arguments.host else _EVERYWHERE if arguments.https else _LOOPBACK
    var_dir = local_env.var_dir(os.environ)
    with only_process(var_dir / "server.lock"):
        sockets = _listen(hosts, port)
        port = sockets[0].getsockname()[1]
        names = ["localhost", "127.0.0.1"]
        tls = {}
        if arguments.https:
            names += [f"{local_ca.host_name()}.local", *local_ca.lan_addresses()]
            now = datetime.datetime.now(datetime.UTC)
            tls["ssl_certfile"] = local_ca.certificate(var_dir / "ca", [*names, "::1"], now=now)
        origins = [f"{'https' if tls else 'http'}://{name}:{port}" for name in names]
        local_site.configure(os.environ, origins)
        local_site.prepare()
        lines = _announcement(origins, is_public=hosts == _EVERYWHERE, has_administrator=local_site.has_administrator())
    # The application takes the lock again; it is imported only now because it reads the list of static files once.
    config = uvicorn_config.config(**tls)
    config.load()
    Server(config, lambda: print("\n".join(lines), flush=True)).run(sockets)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise Refusal(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _listen(hosts: tuple[str, ...], port: int) -> list[socket.socket]:
    """Sockets on all these addresses at one port. They listen at once: whoever comes early waits, and is not refused."""
    sockets = []
    for host in hosts:
        try:
            made = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Refusal(
                    f"Port {port} is in use. Choose another, such as `make run PORT={port % 65000 + 1}`."
                ) from None
            if error.errno in {errno.EACCES, errno.EPERM}:
                raise Refusal(f"Port {port} is for administrators; choose one from 1024 on.") from None
            if sockets:
                continue  # a machine without IPv6
            raise Refusal(f"{host} is no address of this machine.") from None
        port = made.getsockname()[1]
        sockets.append(made)
    return sockets


def _announcement(origins: list[str], *, is_public: bool, has_administrator: bool) -> list[str]:
    if is_public:
        lines = ["Gruveo runs (Ctrl-C stops it) at", *(f"  {origin}" for origin in origins), *_for_phones(origins)]
    else:
        lines = [f"Gruveo runs at {origins[0]} (Ctrl-C stops it)."]
    if not has_administrator:
        lines.append(f"Nobody can sign in at {origins[0]}/admin/ yet: `make admin` makes an administrator.")
    return lines


def _for_phones(origins: list[str]) -> list[str]:
    """From the fourth on, origins are addresses in the network."""
    lan = origins[3:]
    if not lan:
        return ["This machine has no address in a network, so no phone can reach it now."]
    out = io.StringIO()
    segno.make(lan[0], error="l").terminal(out, compact=True)
    return [
        out.getvalue(),
        "Everyone in the same network can open these addresses.",
        f"Browsers warn until they know this machine's authority; {lan[0]}/local-ca/ tells how.",
    ]


if __name__ == "__main__":
    main()
