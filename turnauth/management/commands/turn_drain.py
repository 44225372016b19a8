"""Takes a relay out of what is handed out, and back."""

import json

from django.core.management.base import BaseCommand, CommandError

from turnauth import conf, fleet, health


class Command(BaseCommand):
    help = (
        "Hands a relay out to nobody any more: calls that use it go on, and it is empty when the last of them has ended. Without a "
        "name it lists the relays. Servers notice within 10 seconds; who already has its address may still come for TURN_TTL."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("relay", nargs="?", metavar="NAME", help="as it stands in TURN_SERVERS, or in the list")
        parser.add_argument("--back", action="store_true", help="hand it out again")
        parser.add_argument("--json", action="store_true", help="for machines: the list")

    def handle(self, *args, relay: str | None, back: bool, **options) -> None:
        if not conf.cache_is_shared():
            raise CommandError("turn_drain needs the cache of all servers, and without REDIS_URL each has its own.")
        if back and not relay:
            raise CommandError("--back needs the name of a relay.")
        try:
            if relay:
                self._change(relay, back)
            if not relay or options["json"]:
                self._list(options["json"])
        except fleet.CACHE_AWAY as error:
            raise CommandError(f"The cache is away: {error}") from error

    def _change(self, relay: str, back: bool) -> None:
        if back:
            if relay not in fleet.read().drained:
                raise CommandError(f"{relay} is not drained.")
            fleet.take_back(relay)
            said = f"{relay} is handed out again."
        else:
            known = _known()
            if relay not in known:
                raise CommandError(f"{relay} is none of the relays: {', '.join(known) or 'there are none'}.")
            fleet.drain(relay)
            said = f"{relay} is handed out to nobody any more. Who already has its address may still come for {conf.lifetime()} s."
        self.stderr.write(said, style_func=str)

    def _list(self, as_json: bool) -> None:
        drained = fleet.read().drained
        rows = [{"relay": name, "drained": name in drained} for name in _known()]
        if as_json:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(f"{'drained' if row['drained'] else 'serves':8} {row['relay']}")


def _known() -> list[str]:
    """Those that may be named: of the settings, of the list, and those that are drained already."""
    now = fleet.read()
    return list(dict.fromkeys([*health.names(conf.relays()), *health.names(now.relays), *sorted(now.drained)]))
