"""
The numbers of this process for Prometheus: read from what the node keeps anyway, at the moment when somebody asks.

It is answered before Django, which would ask for a host of the site's own and for HTTPS; Prometheus asks each process by its address.
"""

import hmac
import ipaddress
from collections.abc import Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gruveo.access import registry
from gruveo.client_address import is_longer
from signaling.node import switchboard
from signaling.protocol import ERRORS
from signaling.switchboard import Switchboard
from signaling.tally import Spread
from turnauth import fleet

_PATH = "/metrics"
_OWN_REASONS = ("foreign-origin", "too-slow")  # refusals that no client hears of by a code


class Metrics:
    """
    ASGI middleware for HTTP, inside of ClientAddress: answers who has the token, or comes from one of the networks. For everybody else
    there is nothing at that address, as the application behind will say.

    Source: Prometheus, "Exposition formats", text format.
    """

    def __init__(self, app, *, token: str, networks: tuple, trusted_proxies: int) -> None:
        self._app = app
        self._token = token.encode()
        self._networks = networks
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"] != _PATH or scope["method"] != "GET" or not (self._has_token(scope) or self._is_near(scope)):
            await self._app(scope, receive, send)
            return
        # On the event loop, where what is read does not change meanwhile.
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": generate_latest(registry)})

    def _has_token(self, scope) -> bool:
        kind, _, token = next((value for name, value in scope["headers"] if name == b"authorization"), b"").partition(
            b" "
        )
        return bool(self._token) and kind.lower() == b"bearer" and hmac.compare_digest(token, self._token)

    def _is_near(self, scope) -> bool:
        """
        Attack stopped: with more proxies in front than TRUSTED_PROXIES counts, every visitor seems to come from one of them, out of our own
        network. Such a request has more entries in X-Forwarded-For than it may.
        """
        if not self._networks or is_longer(scope["headers"], self._trusted_proxies):
            return False
        try:
            address = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)


class NodeCollector(Collector):
    """What the switchboard of this node, its links and its sockets say."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        node, tally = self._switchboard, self._switchboard.tally
        outboxes = node.outboxes()
        yield _gauge("gruveo_ready", "1 while newcomers should be sent to this node.", node.is_ready)
        yield _gauge("gruveo_draining", "1 once this node was asked to stop.", node.is_draining)
        yield _gauge("gruveo_sockets", "Sockets that are open.", tally.sockets)
        yield _counter("gruveo_sockets_opened", "Sockets that were opened.", tally.sockets_opened)
        yield _by("gruveo_sockets_closed", "Sockets that have ended.", "reason", tally.sockets_closed)
        yield _gauge("gruveo_sessions", "Sockets that sit in a room.", node.sessions)
        yield _gauge("gruveo_rooms", "Rooms in which somebody sits on this node.", node.rooms)
        yield _counter("gruveo_joins", "Joins that were let in.", tally.joins)
        yield _by("gruveo_joins_refused", "Joins that were refused.", "reason", tally.refused_joins)
        yield _counter("gruveo_resumes", "Sockets that came back to their place.", tally.resumes)
        yield _by("gruveo_resumes_refused", "Sockets that found their place no more.", "reason", tally.refused_resumes)
        refused = {**dict.fromkeys((*ERRORS, *_OWN_REASONS), 0), **tally.refused}
        yield _by("gruveo_refusals", "Refusals of all kinds, by error code.", "reason", refused)
        yield _by(
            "gruveo_messages",
            "Signals and acknowledgements, by the way that they took.",
            "way",
            {"here": tally.handed_on, "to_nodes": tally.sent_on, "from_nodes": tally.delivered},
        )
        yield _counter(
            "gruveo_messages_dropped", "Messages for other nodes that grew too old, or too many.", tally.dropped
        )
        yield _spread("gruveo_relay_delay_seconds", "From node to node through Redis.", tally.delays)
        yield _gauge("gruveo_outbox_characters", "What waits for sockets of this node, in all.", sum(outboxes))
        yield _gauge(
            "gruveo_outbox_largest_characters", "What waits for the slowest of them.", max(outboxes, default=0)
        )
        yield _gauge(
            "gruveo_links_waiting_bytes",
            "What waits for other nodes.",
            sum(shard.link.waiting for shard in node.shards if shard.link),
        )
        yield from self._shards()

    def _shards(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "gruveo_redis_up", "1 while a Redis host can be reached, by its place in REDIS_URL.", labels=["host"]
        )
        waiting = GaugeMetricFamily("gruveo_redis_errands", "What a Redis host must still be told.", labels=["host"])
        for number, shard in enumerate(self._switchboard.shards):
            up.add_metric([str(number)], shard.is_up)
            waiting.add_metric([str(number)], shard.waiting)
        yield up
        yield waiting


class FleetCollector(Collector):
    """How the relays are, as `manage.py turn_fleet` last found them; as known to this process, which asks the cache at the same time."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        found = fleet.known()
        yield _gauge(
            "gruveo_turn_fleet_watched", "1 while `manage.py turn_fleet` tells how relays are.", bool(found.health)
        )
        yield _gauge("gruveo_turn_relays_failing", "Relays that have failed, and are handed out no more.", _out(found))
        yield _gauge("gruveo_turn_relays_drained", "Relays that were taken out by hand.", len(found.drained))
        relays = GaugeMetricFamily("gruveo_turn_relays", "Relays that are handed out, by region.", labels=["region"])
        for region, names in fleet.relays().items():
            relays.add_metric([region], len(names))
        yield relays


def _out(found: fleet.Fleet) -> int:
    return len(found.health.out) if found.health else 0


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _by(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _spread(name: str, text: str, spread: Spread) -> Metric:
    family = HistogramMetricFamily(name, text)
    buckets, below = [], 0
    for bound, count in zip((*map(str, spread.bounds), "+Inf"), spread.counts, strict=True):
        below += count
        buckets.append((bound, below))
    family.add_metric([], buckets, spread.total)
    return family


for _collector in (NodeCollector(switchboard), FleetCollector()):
    registry.register(_collector)
for _kind in (ProcessCollector, PlatformCollector, GCCollector):
    _kind(registry=registry)
