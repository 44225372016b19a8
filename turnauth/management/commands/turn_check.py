"""Says of each relay what works, and how to mend what does not."""

import argparse
import asyncio
import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from turnauth import conf, probe, reports
from turnauth.findings import has_fault
from turnauth.progress import Progress
from turnauth.relay_config import allocations
from turnauth.servers import uris
from turnauth.targets import Target, parse

_AT_ONCE = 8


class Command(BaseCommand):
    help = (
        "Checks relays with real allocations over UDP, TCP and TLS: secret, clock, certificate, external address, ports, quota, "
        "whether strangers or private networks can be reached through them. Without an argument those of TURN_SERVERS. Exit code: 0 "
        "if all is well, 1 if something is wrong, 2 if nothing could be checked. Run it outside of the relays' own network."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "relays", nargs="*", metavar="URI", help="turn:host:port?transport=udp, or host[:port] for all of its"
        )
        parser.add_argument("--secret", type=int, default=1, metavar="N", help="which of TURN_SECRETS (1)")
        parser.add_argument(
            "--quota",
            action="store_true",
            help="also make all allocations that one person needs in a full room, at each URI",
        )
        parser.add_argument("--timeout", type=_seconds, default=5, help="seconds to wait for an answer (5)")
        parser.add_argument("--ca", metavar="FILE", help="take certificates from these authorities only")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args, relays: list[str], **options) -> None:
        access = _access(options["secret"], options["timeout"], options["ca"])
        targets = _targets(relays or [relay for named in conf.relays().values() for relay in named])
        progress = Progress(self.stderr)
        wanted = 2 * allocations(conf.room_capacity()) if options["quota"] else 0  # before an ICE restart, and after it
        results = asyncio.run(_check_all(targets, access, progress, wanted))
        progress.clear()
        self.stdout.write(json.dumps(reports.plain(results), indent=2) if options["json"] else reports.table(results))
        bad = [uri for uri, found in results.items() if has_fault(found)]
        if bad:
            raise CommandError(
                f"{len(bad)} of {len(results)} do not work as they should: {', '.join(bad)}", returncode=1
            )


def _access(number: int, patience: float, authorities: str | None) -> probe.Access:
    secrets = conf.secrets()
    if not 1 <= number <= len(secrets):
        raise CommandError(f"--secret {number}: TURN_SECRETS has {len(secrets)}.", returncode=2)
    if authorities and not Path(authorities).is_file():
        raise CommandError(f"--ca {authorities}: there is no such file.", returncode=2)
    return probe.Access(secrets[number - 1], patience, authorities)


def _targets(relays: list[str]) -> list[Target]:
    if not relays:
        raise CommandError("TURN_SERVERS is not set, and no URI was given: there is nothing to check.", returncode=2)
    try:
        return [parse(uri) for relay in relays for uri in uris(relay) if not uri.startswith("stun")]
    except ValueError as error:
        raise CommandError(f"{error}.", returncode=2) from error


async def _check_all(targets: list[Target], access: probe.Access, progress: Progress, wanted: int) -> reports.Results:
    gate = asyncio.Semaphore(_AT_ONCE)
    results: dict[str, list] = dict.fromkeys(target.uri for target in targets)  # in the order in which they were named

    async def check(target: Target) -> None:
        async with gate:
            results[target.uri] = await probe.check(target, access, wanted=wanted)
        progress.show(f"{sum(map(bool, results.values()))} of {len(targets)} checked")

    await asyncio.gather(*map(check, targets))
    return results


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError("must be above 0, and 60 at most")
    return value
