"""`manage.py turn_check` against real relays: a healthy one is found healthy, and each fault that is planted is found."""

import asyncio
import datetime
import json
import socket
import socketserver
import threading
from contextlib import AsyncExitStack
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.turnauth.relay import HOST, OTHER_SECRET, SECRET, Coturn, free_port
from turnauth import probe
from turnauth.targets import parse

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.TURN_SECRETS = (SECRET, OTHER_SECRET)


@pytest.fixture(scope="module")
def healthy():
    with Coturn() as relay:
        yield relay


def check(*uris: str, **options) -> dict[str, dict[str, str]]:
    """For each URI, the codes by what was looked at."""
    output = StringIO()
    try:
        call_command("turn_check", *uris, json=True, stdout=output, stderr=StringIO(), **{"timeout": 3, **options})
    except CommandError as error:
        assert error.returncode == 1
    said = json.loads(output.getvalue())
    assert said["ok"] == all(relay["ok"] for relay in said["relays"])
    return {relay["uri"]: {each["check"]: each["code"] for each in relay["checks"]} for relay in said["relays"]}


ALL_WELL = {"login": "ok", "secret": "ok", "clock": "ok", "address": "ok", "peers": "ok"}


async def codes_while_taken(relay: Coturn) -> list[str]:
    """What is found while somebody has the one allocation that the relay gives."""
    target, access = parse(relay.udp), probe.Access(SECRET)
    async with probe.visit(target, access.login(), patience=3) as taken:
        await taken.make()
        return [finding.code for finding in await probe.check(target, access)]


class Deaf:
    """A server that knows one answer, and it is HTTP's."""

    def __enter__(self) -> int:
        self._server = socketserver.TCPServer((HOST, 0), self._Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self._server.server_address[1]

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    class _Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1024)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


class Router:
    """A NAT for one relay, as an async context manager. It gives those who come the ports of those whom it has forgotten."""

    def __init__(self, relay: Coturn) -> None:
        self._relay = (HOST, relay.port)
        self._clients: dict[socket.socket, tuple[str, int] | None] = {}  # by our port at the relay
        self._forgotten: set[tuple[str, int]] = set()
        self.taken_over = 0

    async def __aenter__(self) -> "Router":
        self._loop = asyncio.get_running_loop()
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.bind((HOST, 0))
        self._loop.add_reader(self._inside, self._out)
        self.uri = f"turn:{HOST}:{self._inside.getsockname()[1]}?transport=udp"
        return self

    async def __aexit__(self, *_) -> None:
        for each in (self._inside, *self._clients):
            self._loop.remove_reader(each)
            each.close()

    def forget(self) -> None:
        """All who are there; what they still say goes nowhere."""
        self._forgotten |= set(self._clients.values())
        self._clients = dict.fromkeys(self._clients)

    def _out(self) -> None:
        data, client = self._inside.recvfrom(2048)
        if client not in self._forgotten:
            self._port(client).send(data)

    def _port(self, client: tuple[str, int]) -> socket.socket:
        for port, owner in self._clients.items():
            if owner == client:
                return port
        port = next((port for port, owner in self._clients.items() if owner is None), None)
        if port:
            self.taken_over += 1
        else:
            port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            port.connect(self._relay)
            self._loop.add_reader(port, self._back, port)
        self._clients[port] = client
        return port

    def _back(self, port: socket.socket) -> None:
        data = port.recv(2048)
        if self._clients[port]:
            self._inside.sendto(data, self._clients[port])


class HealthyTests:
    def test_over_udp_tcp_and_tls_it_is_found_healthy(self, healthy):
        assert check(healthy.udp, healthy.tcp, healthy.tls, ca=healthy.authorities) == {
            healthy.udp: ALL_WELL,
            healthy.tcp: ALL_WELL,
            healthy.tls: {"certificate": "ok", **ALL_WELL},
        }

    def test_it_gives_one_person_what_a_full_room_needs(self, healthy):
        uris = [healthy.udp, healthy.tcp, healthy.tls]

        assert [found["quota"] for found in check(*uris, quota=True, ca=healthy.authorities).values()] == ["ok"] * 3

    @pytest.mark.parametrize("gone", [1, 2])
    async def test_a_port_at_which_the_relay_remembers_somebody_is_left_for_another(self, healthy, gone):
        async with Router(healthy) as router:
            await self._leave_behind(router, gone)

            assert await probe.admits(parse(router.uri), probe.Access(SECRET)) is True
            assert router.taken_over == gone

    async def test_three_ports_are_tried(self, healthy):
        async with Router(healthy) as router:
            await self._leave_behind(router, 4)

            with pytest.raises(probe.Refused) as refusal:
                await probe.admits(parse(router.uri), probe.Access(SECRET))
            assert refusal.value.code == 437
            assert router.taken_over == 3

    async def _leave_behind(self, router: Router, allocations: int) -> None:
        """So many that nobody ends, because their people are not heard any more."""
        async with AsyncExitStack() as stack:
            for _ in range(allocations):
                visited = probe.allocated(parse(router.uri), probe.Access(SECRET).login(), patience=1)
                await stack.enter_async_context(visited)
            router.forget()

    def test_people_get_a_table_and_no_error(self, healthy):
        output = StringIO()

        call_command("turn_check", healthy.tls, ca=healthy.authorities, stdout=output)

        lines = output.getvalue().splitlines()
        assert lines[0] == healthy.tls
        assert [line.split()[:2] for line in lines[1:]] == [
            ["ok", name] for name in ("certificate", "login", "secret", "clock", "address", "peers")
        ]

    def test_without_uris_those_of_the_settings_are_checked(self, settings, healthy):
        settings.TURN_SERVERS = {"eu": (healthy.udp,), "us": (healthy.tcp,)}

        assert list(check()) == [healthy.udp, healthy.tcp]


class FaultTests:
    """One fault each; where a fault hides the rest, only it is said."""

    def test_a_wrong_secret(self):
        with Coturn(secrets=(OTHER_SECRET,)) as relay:
            assert check(relay.udp) == {relay.udp: {"login": "ok", "secret": "wrong-secret"}}
            assert check(relay.udp, secret=2) == {relay.udp: ALL_WELL}

    def test_a_clock_that_is_an_hour_ahead(self):
        with Coturn(clock="+1h") as relay:
            assert check(relay.udp) == {relay.udp: {"login": "ok", "clock": "clock-ahead"}}

    def test_a_clock_that_is_an_hour_behind(self):
        with Coturn(clock="-1h") as relay:
            assert check(relay.udp)[relay.udp] == {**ALL_WELL, "clock": "clock-behind"}

    def test_an_open_relay(self):
        with Coturn(without=("use-auth-secret", "static-auth-secret"), lines=("no-auth",)) as relay:
            assert check(relay.udp)[relay.udp]["login"] == "open-relay"

    def test_private_peers_that_are_allowed(self):
        with Coturn(without=("denied-peer-ip=10.", "denied-peer-ip=169.254.")) as relay:
            assert check(relay.udp) == {relay.udp: {**ALL_WELL, "peers": "private-peers"}}

    def test_dead_ports(self):
        port = free_port()
        uris = [
            f"turn:{HOST}:{port}?transport=udp",
            f"turn:{HOST}:{port}?transport=tcp",
            f"turns:{HOST}:{port}?transport=tcp",
        ]

        assert check(*uris) == {uri: {"port": "dead-port"} for uri in uris}

    def test_a_name_that_nobody_knows(self):
        uri = "turn:turn1.invalid:3478?transport=tcp"

        assert check(uri) == {uri: {"port": "bad-name"}}

    def test_a_relay_without_its_certificate(self):
        """Then coturn does not listen for TLS, and says so in its log only."""
        with Coturn(without=("cert=", "pkey=")) as relay:
            assert check(relay.tls, relay.tcp) == {relay.tls: {"port": "dead-port"}, relay.tcp: ALL_WELL}

    def test_another_server_at_the_port(self):
        with Deaf() as port:
            uri = f"turns:{HOST}:{port}?transport=tcp"

            assert check(uri) == {uri: {"port": "no-turn"}}

    def test_a_certificate_for_another_name(self):
        relay = Coturn()
        relay.issue("turn1.example.org")
        with relay:
            found = check(relay.tls, ca=relay.authorities)[relay.tls]

        assert found == {"certificate": "bad-certificate", **ALL_WELL}

    def test_a_certificate_of_an_authority_that_nobody_knows(self, healthy):
        assert check(healthy.tls)[healthy.tls] == {"certificate": "bad-certificate", **ALL_WELL}

    @pytest.mark.parametrize(("days", "code"), [(-1, "bad-certificate"), (7, "certificate-ends"), (30, "ok")])
    def test_a_certificate_that_ends(self, days, code):
        relay = Coturn()
        now = datetime.datetime.now(datetime.UTC)
        relay.issue(HOST, not_before=now - datetime.timedelta(days=60), not_after=now + datetime.timedelta(days=days))
        with relay:
            assert check(relay.tls, ca=relay.authorities)[relay.tls]["certificate"] == code

    def test_a_wrong_external_address(self):
        with Coturn(public="127.0.0.77") as relay:
            assert check(relay.udp) == {relay.udp: {**ALL_WELL, "address": "no-echo"}}

    def test_a_relay_of_the_internet_that_hands_out_a_private_address(self):
        """As one behind NAT does without external-ip; a name is taken for one of the internet."""
        with Coturn() as relay:
            uri = relay.tcp.replace(HOST, "localhost")

            assert check(uri) == {uri: {**ALL_WELL, "address": "private-relay"}}

    def test_a_quota_that_is_too_small_for_a_full_room(self):
        with Coturn(without=("user-quota",), lines=("user-quota=12",)) as relay:
            assert check(relay.udp) == {relay.udp: ALL_WELL}
            # So many at once take a busy machine some time.
            assert check(relay.udp, quota=True, timeout=20) == {relay.udp: {**ALL_WELL, "quota": "quota"}}

    def test_a_quota_that_is_used_up(self):
        with Coturn(without=("total-quota",), lines=("total-quota=1",)) as relay:
            assert asyncio.run(codes_while_taken(relay)) == ["ok", "quota"]

    def test_rules_that_keep_this_machine_out(self):
        with Coturn(on_loopback=()) as relay:
            assert check(relay.udp) == {relay.udp: {**ALL_WELL, "address": "not-from-here"}}


class RefusalTests:
    @pytest.mark.parametrize(
        ("relays", "options", "words"),
        [
            ([], {}, "nothing to check"),
            (["turn:a?transport=sctp"], {}, "is no relay"),
            (["turns:a:443?transport=udp"], {}, "turns: over tcp"),
            (["turn:a"], {"secret": 3}, "TURN_SECRETS has 2"),
            (["turn:a"], {"ca": "no-such-file"}, "no such file"),
        ],
    )
    def test_what_cannot_be_checked_has_an_exit_code_of_its_own(self, settings, relays, options, words):
        settings.TURN_SERVERS = {}

        with pytest.raises(CommandError, match=words) as refusal:
            call_command("turn_check", *relays, **options)

        assert refusal.value.returncode == 2

    def test_people_are_told_how_to_mend_it(self):
        output = StringIO()

        with pytest.raises(CommandError, match="1 of 1 do not work"):
            call_command("turn_check", f"turn:{HOST}:{free_port()}", stdout=output, stderr=StringIO())

        assert "FAULT    port" in output.getvalue()
        assert "Start coturn" in output.getvalue()
