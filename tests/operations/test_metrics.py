"""The numbers at /metrics: who may see them, that they count what happens, and that they name nobody."""

import urllib.error
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gruveo import metrics
from gruveo.env import Env
from signaling.protocol import ERRORS
from tests.cast import until
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.server import Server
from tests.signaling.socket_client import Client
from turnauth import fleet
from turnauth.health import Health

TOKEN = "a-metrics-token-0123456789-abcdefghij"


class Metrics:
    """What a server tells Prometheus."""

    def __init__(self, server: Server, **headers: str) -> None:
        with server.get("/metrics", **(headers or {"Authorization": f"Bearer {TOKEN}"})) as answer:
            self.kind = answer.headers["Content-Type"]
            self.text = answer.read().decode()
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}
        self._values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self._values.get((name, tuple(sorted(labels.items()))), 0)


def status(server: Server, **headers: str) -> int:
    try:
        with server.get("/metrics", **headers) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.fixture(scope="module")
def server():
    with Server(METRICS_TOKEN=TOKEN, ROOM_CAPACITY=2, JOINS_PER_MINUTE=6000) as running:
        yield running


class WhoMaySeeThemTests:
    """The answer's status; 404 is what the application behind says to everything."""

    async def status(
        self, *, address: str = "192.0.2.1", token: str = "", networks: str = "", proxies: int = 0, **request
    ):
        sent = []

        async def behind(scope, receive, send):
            await send({"type": "http.response.start", "status": 404, "headers": []})

        async def send(event):
            sent.append(event)

        app = metrics.Metrics(
            behind,
            token=token,
            networks=Env({"METRICS_NETWORKS": networks}).networks("METRICS_NETWORKS"),
            trusted_proxies=proxies,
        )
        headers = [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in request.pop("headers", {}).items()
        ]
        scope = {
            "type": "http",
            "path": "/metrics",
            "method": "GET",
            "headers": headers,
            "client": (address, 5),
        } | request
        await app(scope, None, send)
        return sent[0]["status"]

    async def test_without_a_setting_there_is_nothing(self):
        assert await self.status() == 404
        assert await self.status(headers={"authorization": "Bearer "}) == 404

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (f"Bearer {TOKEN}", 200),
            (f"bearer {TOKEN}", 200),
            (f"Bearer {TOKEN[:-1]}", 404),
            (f"Bearer {TOKEN}é", 404),
            (f"Basic {TOKEN}", 404),
            (TOKEN, 404),
            ("", 404),
        ],
    )
    async def test_who_has_the_token_may_see_them(self, header, expected):
        assert await self.status(token=TOKEN, headers={"authorization": header}) == expected

    @pytest.mark.parametrize(
        ("address", "expected"),
        [("10.9.8.7", 200), ("::ffff:10.9.8.7", 200), ("192.0.2.1", 404), ("fd00::1", 200), ("unknown", 404)],
    )
    async def test_who_comes_from_a_network_of_ours_may_see_them(self, address, expected):
        assert await self.status(address=address, networks="10.0.0.0/8,fd00::/8") == expected

    async def test_a_proxy_that_is_not_counted_opens_nothing(self):
        near = {"address": "10.0.0.1", "networks": "10.0.0.0/8", "proxies": 1}

        assert await self.status(**near, headers={"x-forwarded-for": "10.0.0.1"}) == 200
        assert await self.status(**near, headers={"x-forwarded-for": "192.0.2.1, 10.0.0.1"}) == 404

    @pytest.mark.parametrize("request_", [{"method": "POST"}, {"path": "/metrics/"}, {"path": "/"}])
    async def test_only_that_address_is_answered(self, request_):
        assert await self.status(token=TOKEN, headers={"authorization": f"Bearer {TOKEN}"}, **request_) == 404


@pytest.mark.server
class RealServerTests:
    def test_a_forged_header_opens_nothing(self, make_server):
        near = {"X-Forwarded-For": "10.0.0.1"}
        plain = make_server(METRICS_NETWORKS="10.0.0.0/8")
        assert [status(plain), status(plain, **near)] == [404, 404]

        behind = make_server(METRICS_NETWORKS="10.0.0.0/8", TRUSTED_PROXIES=1)
        assert status(behind, **{"X-Forwarded-For": "10.0.0.1, 192.0.2.1"}) == 404
        assert status(behind, **{"X-Forwarded-For": "192.0.2.1"}) == 404
        assert status(behind, **{"X-Forwarded-For": "192.0.2.1, 10.0.0.1"}) == 404, "more entries than proxies"
        assert status(behind, **near) == 200

    def test_the_network_of_the_peer_opens_them_and_no_header_is_needed(self, make_server):
        near = make_server(METRICS_NETWORKS="127.0.0.0/8")

        assert [status(near), status(near, **{"X-Forwarded-For": "127.0.0.1"})] == [200, 404]

    def test_without_the_token_the_address_answers_as_one_that_is_not_there(self, server):
        assert [status(server), status(server, Authorization="Bearer wrong")] == [404, 404]

    def test_a_process_may_be_asked_by_its_address(self, server):
        assert status(server, Authorization=f"Bearer {TOKEN}", Host="10.0.3.7:8001") == 200

    async def test_joins_refusals_and_resumes_are_counted(self, server):
        before = Metrics(server)

        async with await Client.join(server.ws_url, "counted") as alice:
            async with await Client.join(server.ws_url, "counted") as bob:
                async with await Client.open(server.ws_url) as charlie:
                    await charlie.send("hello", code="counted")
                    assert await charlie.refusal() == "room-full"
                await bob.signal(alice.peer)
                await alice.hear("signal")
                during = Metrics(server)
                bob.vanish()
            await alice.hear("away")
            async with await Client.open(server.ws_url) as again:
                await again.send("hello", resume=bob.welcome["token"])
                assert (await again.hear("welcome"))["resumed"]
            async with await Client.open(server.ws_url) as forger:
                await forger.send("hello", resume="forged")
                assert await forger.refusal() == "bad-token"
        await until(lambda: Metrics(server).value("gruveo_sockets") == 0)
        after = Metrics(server)

        def grown(name, **labels):
            return after.value(name, **labels) - before.value(name, **labels)

        assert [during.value(name) for name in ("gruveo_sessions", "gruveo_rooms")] == [2, 1]
        assert during.value("gruveo_sockets") >= 2
        assert [grown("gruveo_joins_total"), grown("gruveo_resumes_total")] == [2, 1]
        assert grown("gruveo_sockets_opened_total") == 5
        assert grown("gruveo_joins_refused_total", reason="room-full") == 1
        assert grown("gruveo_resumes_refused_total", reason="bad-token") == 1
        assert grown("gruveo_refusals_total", reason="room-full") == 1
        assert grown("gruveo_messages_total", way="here") == 1
        assert grown("gruveo_sockets_closed_total", reason="lost") == 1
        assert grown("gruveo_sockets_closed_total", reason="left") == 2
        assert [after.value(name) for name in ("gruveo_sessions", "gruveo_rooms", "gruveo_outbox_characters")] == [
            0
        ] * 3

    async def test_a_foreign_page_is_counted(self, server):
        before = Metrics(server)

        with pytest.raises(Exception, match="403"):
            await Client.open(server.ws_url, additional_headers={"Origin": "https://evil.example"})

        after = Metrics(server)
        name = "gruveo_refusals_total"
        assert after.value(name, reason="foreign-origin") == before.value(name, reason="foreign-origin") + 1

    def test_requests_are_counted_by_route_method_and_status(self, server):
        before = Metrics(server)
        for path in ("/faq/", "/faq/", "/nowhere/at/all", "/static/css/base.css"):
            try:
                server.get(path).close()
            except urllib.error.HTTPError as error:
                error.close()
        after = Metrics(server)

        def grown(route, status):
            labels = {"route": route, "method": "GET", "status": str(status)}
            return after.value("gruveo_http_requests_total", **labels) - before.value(
                "gruveo_http_requests_total", **labels
            )

        assert [grown("pages:faq", 200), grown("none", 404)] == [2, 1]
        assert grown("static", 200) + grown("static", 404) == 1
        assert after.value("gruveo_http_request_seconds_count", route="pages:faq") >= 2

    def test_there_are_numbers_of_the_process_and_all_reasons_stand_there_from_the_start(self, server):
        told = Metrics(server)

        assert told.kind.startswith("text/plain; version=")
        assert told.value("process_resident_memory_bytes") > 0
        assert told.value("gruveo_ready") == 1
        reasons = {sample.labels["reason"] for sample in told.families["gruveo_refusals"].samples}
        assert set(ERRORS) <= reasons

    async def test_no_label_names_a_room_a_person_an_address_or_a_code(self, server):
        async with await Client.join(server.ws_url, "marked-code-7f3a") as alice:
            with pytest.raises(urllib.error.HTTPError) as refusal:
                server.get("/marked-path-7f3a/x")
            refusal.value.close()
            server.get("/marked-code-7f3a").close()
            told = Metrics(server).text

        await until(lambda: f"peer={alice.peer}" in server.log)
        room = server.log.partition(f" peer={alice.peer}")[0].rpartition("room=")[2]
        assert len(room) > 10
        for secret in ("marked-", room, alice.peer, "127.0.0.", TOKEN):
            assert secret not in told


@pytest.mark.server
class ManyNodesTests:
    async def test_what_goes_from_node_to_node_is_counted_with_its_delay(self):
        with ExitStack() as stack:
            redis = stack.enter_context(RedisServer())
            keys = {
                name: f"{name}-of-these-tests-0123456789-abcdefghij"
                for name in ("SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS")
            }
            here, there = (
                stack.enter_context(Node(redis, METRICS_TOKEN=TOKEN, LEASE_SECONDS=1, **keys)) for _ in range(2)
            )
            async with (
                await Client.join(here.ws_url, "nodes") as alice,
                await Client.join(there.ws_url, "nodes") as bob,
            ):
                await bob.signal(alice.peer)
                await alice.hear("signal")
                await until(lambda: Metrics(here).value("gruveo_relay_delay_seconds_count") > 0)

                assert Metrics(there).value("gruveo_messages_total", way="to_nodes") == 1
                assert Metrics(here).value("gruveo_messages_total", way="from_nodes") == 1
                assert Metrics(here).value("gruveo_redis_up", host="0") == 1
                assert Metrics(here).value("gruveo_relay_delay_seconds_sum") > 0


class FleetTests:
    def test_relays_are_counted_by_region_and_not_named(self, settings):
        found = {"eu-west-1": ("turn1.example.org", "turn2.example.org"), "us-east-1": ("turn3.example.org",)}
        fleet.store(found, Health(frozenset({"a", "b", "c", "d"}), frozenset({"d"})), seconds=60)
        fleet.drain("turn2.example.org")
        fleet.forget()

        told = {
            (sample.name, sample.labels.get("region")): sample.value
            for family in metrics.FleetCollector().collect()
            for sample in family.samples
        }

        assert told == {
            ("gruveo_turn_fleet_watched", None): 1,
            ("gruveo_turn_relays_failing", None): 1,
            ("gruveo_turn_relays_drained", None): 1,
            ("gruveo_turn_relays", "eu-west-1"): 1,
            ("gruveo_turn_relays", "us-east-1"): 1,
        }
        fleet.forget()
