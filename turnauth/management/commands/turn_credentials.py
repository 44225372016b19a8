"""Makes credentials for a person who wants to try a relay."""

import json
import re
import shlex
import time

from django.core.management.base import BaseCommand, CommandError

from turnauth import conf, credentials
from turnauth.servers import uris
from turnauth.targets import Target, parse


class Command(BaseCommand):
    help = (
        "Makes TURN credentials for a person, and prints the commands of turnutils_uclient (Debian package coturn) that try them. "
        "Keep them to yourself: whoever has them may relay until they expire."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "user", nargs="?", default="a-person", help="1 to 64 characters of A-Z a-z 0-9 _ - (a-person)"
        )
        parser.add_argument("--ttl", type=int, help="for how many seconds they open allocations (TURN_TTL)")
        parser.add_argument("--secret", type=int, default=1, metavar="N", help="which of TURN_SECRETS signs (1)")
        parser.add_argument("--relay", metavar="URI", help="which relay; without it the first of TURN_SERVERS")
        parser.add_argument("--json", action="store_true", help="for machines: as RTCPeerConnection takes it")

    def handle(self, *args, user: str, ttl: int | None, secret: int, relay: str | None, **options) -> None:
        secrets = conf.secrets()
        if not 1 <= secret <= len(secrets):
            raise CommandError(f"--secret {secret}: TURN_SECRETS has {len(secrets)}.")
        lifetime = ttl or conf.lifetime()
        try:
            signed = credentials.sign(user, secret=secrets[secret - 1], expires=int(time.time()) + lifetime)
            urls = uris(relay or _first())
            targets = [parse(url) for url in urls]
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        if options["json"]:
            self.stdout.write(json.dumps({"urls": urls, "username": signed.username, "credential": signed.password}))
            return
        self.stdout.write(f"username  {signed.username}\npassword  {signed.password}\nlifetime  {lifetime} s\n")
        for target in targets:
            self.stdout.write(_command(target, signed))


def _first() -> str:
    relays = [relay for named in conf.relays().values() for relay in named]
    if not relays:
        raise CommandError("TURN_SERVERS is not set: name a relay with --relay.")
    return relays[0]


def _command(target: Target, signed: credentials.Credentials) -> str:
    """-y has the client be its own peer, so that nobody need stand at the other end."""
    how = {"udp": [], "tcp": ["-t"], "tls": ["-t", "-S"]}[target.transport]
    words = ["turnutils_uclient", "-y", *how, "-p", str(target.port), "-u", signed.username, "-w", signed.password]
    return shlex.join([*words, re.sub(r"[\[\]]", "", target.host)])
