"""Both environments of Elastic Beanstalk, started from their bundles: nginx, nodes, migrations, with what production demands."""

import asyncio
import http.client
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.cast import until
from tests.environments import SIGNALING, WEB, Environments
from tests.instances import Instance, procfile
from tests.server import BASE_DIR
from tests.turnauth.machine import Surroundings

pytestmark = pytest.mark.server
CODE = "blue-heron-of-the-tests"
ENVIRONMENT = "gruveo-signaling-tests"
TOKEN = "a-metrics-token-0123456789-abcdefghij"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
FORGED = ({}, {"X-Forwarded-For": "10.0.0.1"}, {"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}, {"X-Real-Ip": "10.0.0.1"})


@pytest.fixture(scope="module")
def surroundings() -> Iterator[Surroundings]:
    """What the machine of signaling is told of itself, and of its group."""
    with Surroundings(**{"instance-id": "i-0123456789abcdef0"}) as running:
        yield running


@pytest.fixture(scope="module")
def site(bundles, aws_api, surroundings):
    more = {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": surroundings.url,
        "AWS_ENDPOINT_URL_AUTO_SCALING": surroundings.url,
        "GROUP_SECONDS": "0.2",
        "DRAIN_SECONDS": "3",
        "AWS_ENDPOINT_URL": aws_api,
        "ENVIRONMENT_NAME": ENVIRONMENT,
        "PUBLISH_SECONDS": "0.2",
        "METRICS_TOKEN": TOKEN,
        "METRICS_NETWORKS": "10.0.0.0/8",  # which must open nothing to who only says that he comes from there
    }
    with Environments(bundles, aws=aws_api, **more) as running:
        yield running


def socket(site: Environments):
    """A WebSocket to the signaling host, as a browser opens it."""
    return connect(
        site.socket_url,
        host="127.0.0.1",
        port=site.port,
        ssl=site.ssl,
        origin=site.url,
        subprotocols=["gruveo.v1"],
        proxy=None,
    )


def heap(pid: int) -> tuple[int, list[str]]:
    """
    How large the heap of a process is, in KiB of addresses, and the kernel's flags of it.

    Source: proc_pid_smaps(5).
    """
    mapping = Path(f"/proc/{pid}/smaps").read_text().partition("[heap]")[2]
    size, flags = re.search(r"\nSize: +(\d+) kB.*?\nVmFlags: ([^\n]+)", mapping, re.DOTALL).groups()
    return int(size), flags.split()


class StartTests:
    def test_every_process_of_each_procfile_runs(self, site):
        for instance in (site.web, site.signaling):
            assert set(instance.processes) == set(procfile(instance.app))
            assert len(instance.nodes) == 2

    def test_nodes_may_have_as_many_sockets_as_the_system_allows(self, site):
        for node in site.signaling.nodes:
            soft, hard = resource.prlimit(site.signaling.processes[node].pid, resource.RLIMIT_NOFILE)
            assert soft == hard

    def test_nodes_have_their_objects_on_huge_pages(self, site):
        mode = re.search(r"\[(\w+)\]", Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text())[1]
        for node in site.signaling.nodes:
            pid = site.signaling.processes[node].pid
            kib, flags = heap(pid)

            assert kib > 64 * 1024  # so much more than it needs is asked for, or no huge page finds room in it
            assert mode != "madvise" or "hg" in flags

    def test_the_database_is_migrated_and_nothing_is_left_to_make(self, site):
        done = site.web.run(site.web.container_commands["10_migrate"])

        assert done.returncode == 0, done.stdout + done.stderr
        assert "No migrations to apply" in done.stdout

    def test_production_has_nothing_to_complain_of_but_what_this_site_lacks(self, site):
        done = site.web.run(f"{sys.executable} manage.py check --deploy")

        assert set(re.findall(r"\((\w+\.\w\d+)\)", done.stderr)) == {"gruveo.W003", "turnauth.W001"}


class PageTests:
    def test_pages_come_over_https_compressed_and_with_hashed_files(self, site):
        status, text, headers = site.get(WEB, "/")

        assert status == 200 and headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert site.get(WEB, "/", **{"Accept-Encoding": "gzip"})[2]["Content-Encoding"] == "gzip"
        files = re.findall(r'(?:src|href)="(/static/[^"]+\.[0-9a-f]{12}\.(?:js|css))"', text)
        assert files
        for file in files:
            status, _, headers = site.get(WEB, file, **{"Accept-Encoding": "gzip"})
            assert (status, headers["Content-Encoding"]) == (200, "gzip")
            assert headers["Cache-Control"] == "max-age=315360000, public, immutable"
            assert re.match(r"(text|application)/(javascript|css)", headers["Content-Type"])

    def test_a_file_without_a_hash_is_asked_for_again_and_a_missing_one_is_missing(self, site):
        status, _, headers = site.get(WEB, "/static/css/tokens.css")

        assert (status, headers["Cache-Control"]) == (200, "max-age=60, public")
        assert site.get(WEB, "/static/css/tokens.000000000000.css")[0] == 404
        assert site.get(WEB, "/static/../manage.py")[0] in {400, 404}

    def test_static_files_of_another_version_come_from_the_shelf(self, site):
        other = "js/of-another-version.0123456789ab.js"
        site.bucket.Object(f"static/{other}").put(Body=b"export {};\n")
        site.bucket.Object("static/plain.js").put(Body=b"export {};\n")

        status, text, headers = site.get(WEB, f"/static/{other}")

        assert (status, text) == (200, "export {};\n")
        assert headers["Cache-Control"] == "max-age=315360000, public, immutable"
        assert headers["Content-Type"].startswith("text/javascript")
        assert site.get(WEB, "/static/plain.js")[0] == 404
        assert site.get(WEB, "/static/js/of-no-version.0123456789ab.js")[0] == 404

    def test_the_shelf_holds_all_files_of_this_version_by_their_hashed_names(self, site):
        static = site.web.app / "built" / "static"
        manifest = json.loads((static / "staticfiles.json").read_text())

        held = {one.key for one in site.bucket.objects.filter(Prefix="static/")}

        assert {f"static/{name}" for name in manifest["paths"].values()} <= held
        (entry,) = (name for name in held if name.startswith("static/js/room."))
        assert site.bucket.Object(entry).get()["Body"].read() == (static.parent / entry).read_bytes()

    def test_plain_http_is_sent_to_https(self, site):
        status, _, headers = site.web.get("/faq/", Host=f"{WEB}:{site.port}", X_Forwarded_Proto="http")

        assert (status, headers["Location"]) == (301, f"{site.url}/faq/")

    def test_a_foreign_host_is_refused(self, site):
        assert site.web.get("/faq/", X_Forwarded_Proto="https")[0] == 400

    def test_pages_send_sockets_to_the_signaling_host(self, site):
        status, text, headers = site.get(WEB, f"/{CODE}")

        assert status == 200
        assert site.socket_url in text and site.socket_url in headers["Content-Security-Policy"]


class SocketTests:
    async def test_a_socket_opens_through_both_proxies(self, site):
        async with socket(site) as opened:
            await opened.send(json.dumps({"type": "hello", "code": CODE}))
            assert json.loads(await opened.recv())["type"] == "welcome"

    async def test_the_signaling_host_serves_nothing_else(self, site):
        for path in ("/", "/admin/login/", f"/{CODE}", "/healthz/sessions", "/static/css/tokens.css"):
            assert site.get(SIGNALING, path)[0] == 404

    async def test_nodes_that_stop_in_turn_are_passed_over_and_serve_again_at_once(self, site):
        for _ in site.signaling.nodes:
            async with socket(site) as opened:
                await opened.send(json.dumps({"type": "hello", "code": f"{CODE}-stays"}))
                await opened.recv()
                (leaving,) = (node for node in site.signaling.nodes if served(site, node))
                site.signaling.processes[leaving].terminate()
                async with asyncio.timeout(60):
                    while json.loads(await opened.recv())["type"] != "reconnect":
                        pass
                await welcomes(site, 6)
            await asyncio.to_thread(site.signaling.processes[leaving].wait)
            await welcomes(site, 6)
            # Not in a thread: what that starts ends with it.
            site.signaling.start(leaving).until_it_says("Gruveo serves at")


async def welcomes(site: Environments, count: int) -> None:
    """So many sockets open at once, and each is welcome."""
    async with AsyncExitStack() as stack:
        for number in range(count):
            opened = await stack.enter_async_context(socket(site))
            await opened.send(json.dumps({"type": "hello", "code": f"{CODE}-{number}"}))
            assert json.loads(await opened.recv())["type"] == "welcome"


def served(site: Environments, node: str) -> int:
    """How many people this node of signaling serves."""
    return int(site.signaling.get("/healthz/sessions", node=node)[1])


class HealthTests:
    @pytest.mark.parametrize("role", ["web", "signaling"])
    def test_health_is_answered_by_address_and_over_plain_http(self, site, role):
        instance = getattr(site, role)

        assert instance.get("/healthz", User_Agent="ELB-HealthChecker/2.0")[:2] == (200, "alive\n")
        assert instance.get("/readyz")[:2] == (200, "ready\n")

    async def test_how_many_a_node_serves_is_told_on_its_machine_only(self, site):
        async with socket(site) as opened:
            await opened.send(json.dumps({"type": "hello", "code": f"{CODE}-count"}))
            await opened.recv()
            assert sorted(served(site, node) for node in site.signaling.nodes) == [0, 1]
            assert await published(site, 1)

        assert site.web.get("/healthz/sessions")[0] == site.signaling.get("/healthz/sessions")[0] == 404


async def published(site: Environments, count: int) -> bool:
    """Waits until CloudWatch has been told of so many."""
    cloudwatch = site.amazon("cloudwatch").meta.client
    async with asyncio.timeout(60):
        while True:
            told = cloudwatch.get_metric_statistics(
                Namespace="Gruveo",
                MetricName="Connections",
                Dimensions=[{"Name": "Environment", "Value": ENVIRONMENT}],
                StartTime=0,
                EndTime=2**32,
                Period=1,  # in a whole minute an earlier test may have had more
                Statistics=["Maximum"],
            )["Datapoints"]
            if any(point["Maximum"] == count for point in told):
                return True
            await asyncio.sleep(0.2)


def ask(port: int, path: str = "/metrics", *, source: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """Status and text of the answer to who comes from this address; all of 127.0.0.0/8 is this machine."""
    there = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    try:
        there.request("GET", path, headers=headers)
        answer = there.getresponse()
        return answer.status, answer.read().decode()
    finally:
        there.close()


@pytest.mark.parametrize("role", ["web", "signaling"])
class NumberTests:
    """Who reaches /metrics of a node, through the nginx of its machine."""

    @pytest.fixture
    def machine(self, site, role) -> Instance:
        return getattr(site, role)

    def test_each_node_tells_its_own_at_a_port_of_its_own(self, machine):
        answers = [ask(port, **AUTHORIZED) for port in machine.number_ports]

        assert [status for status, _ in answers] == [200, 200]
        began = {re.search(r"^process_start_time_seconds .+", text, re.MULTILINE)[0] for _, text in answers}
        assert len(began) == 2

    @pytest.mark.parametrize("forged", FORGED)
    def test_nobody_without_the_token_and_no_header_stands_for_it(self, machine, forged):
        for port in machine.number_ports:
            assert ask(port, **forged)[0] == 404
            assert ask(port, Authorization="Bearer wrong", **forged)[0] == 404

    @pytest.mark.parametrize("forged", FORGED)
    def test_nobody_from_elsewhere_with_the_token_either(self, machine, forged):
        for port in machine.number_ports:
            assert ask(port, source="127.0.0.2", **AUTHORIZED, **forged)[0] == 403

    @pytest.mark.parametrize("forged", FORGED)
    def test_not_at_the_port_that_the_balancer_knows(self, site, machine, forged):
        for host in (WEB, SIGNALING):
            assert ask(machine.port, Host=host, **AUTHORIZED, **forged)[0] == 404
            assert site.get(host, "/metrics", **AUTHORIZED, **forged)[0] == 404

    def test_nothing_else_is_there(self, machine):
        for path in ("/", "/healthz", "/healthz/sessions", "/metrics/", "/signaling", "/admin/"):
            assert [ask(port, path, **AUTHORIZED)[0] for port in machine.number_ports] == [404, 404]


class LogTests:
    def test_no_log_names_a_code(self, site):
        """Also not when nothing answers, for then nginx would quote the request as an error."""
        for host in (WEB, SIGNALING):
            site.get(host, f"/{CODE}")
            site.get(host, f"/blog/?from={CODE}", Referer=f"{site.url}/{CODE}")
        for node in site.web.nodes:
            site.web.processes[node].terminate()
            site.web.processes[node].wait()
        assert site.get(WEB, f"/{CODE}")[0] == 502
        for node in site.web.nodes:
            site.web.start(node).until_it_says("Gruveo serves at")

        for instance in (site.web, site.signaling):
            assert CODE not in instance.nginx.logs
            assert CODE not in instance.log
        assert re.search(r"^\S+ GET page 200 \d+ ", site.web.nginx.logs, re.MULTILINE)
        assert re.search(r'^[\d.]+"page"200"', site.web.nginx.logs, re.MULTILINE)
        assert re.search(r'"signaling"101"', site.signaling.nginx.logs) is None


class PublisherTests:
    @pytest.mark.parametrize("arguments", [[], ["web"], ["0"], ["8000", "70000"]])
    def test_ports_that_are_none_are_told(self, arguments):
        done = self.run(*arguments, ENVIRONMENT_NAME="x")

        assert done.returncode == 1 and "the ports of the nodes" in done.stderr

    def test_an_environment_without_a_name_is_told(self):
        assert "ENVIRONMENT_NAME is not set" in self.run("8000").stderr

    def test_it_ends_when_it_is_asked_to(self, site):
        process = site.signaling.processes["connections"]
        process.terminate()

        assert process.wait() == 0
        site.signaling.start("connections")

    @pytest.mark.parametrize("arguments", [[], ["web"], ["0"], ["8000", "70000"]])
    def test_so_does_who_watches_the_group(self, arguments):
        done = self.run(*arguments, script="leave_group.py")

        assert done.returncode == 1 and "the ports of the nodes" in done.stderr

    def run(self, *arguments: str, script: str = "publish_connections.py", **env: str) -> subprocess.CompletedProcess:
        script = BASE_DIR / "deploy" / "beanstalk" / script
        return subprocess.run([sys.executable, str(script), *arguments], env=env, capture_output=True, text=True)


class LeavingTests:
    """The group takes the machine of signaling out."""

    async def test_people_move_before_the_machine_is_let_go(self, site, surroundings):
        async with socket(site) as opened:
            await opened.send(json.dumps({"type": "hello", "code": f"{CODE}-leaves"}))
            await opened.recv()
            assert surroundings.completed == []

            surroundings.state = "Terminating"  # while the balancer still waits
            async with asyncio.timeout(60):
                while json.loads(await opened.recv())["type"] != "reconnect":
                    pass
            for node in site.signaling.nodes:  # the other may be a moment behind
                await until(lambda node=node: site.signaling.get("/readyz", node=node)[:2] == (503, "draining\n"))
            assert site.signaling.get("/healthz")[0] == 200
            with pytest.raises(InvalidStatus, match="HTTP 503"):
                await socket(site)
            assert surroundings.completed == []

        surroundings.state = "Terminating:Wait"
        await asyncio.to_thread(site.signaling.processes["group"].until_it_says, "this machine may end")
        (done,) = surroundings.completed
        assert {name: done[name] for name in ("Action", "LifecycleHookName", "AutoScalingGroupName", "InstanceId")} == {
            "Action": "CompleteLifecycleAction",
            "LifecycleHookName": "drain",
            "AutoScalingGroupName": surroundings.group,
            "InstanceId": "i-0123456789abcdef0",
        }
        assert "2 nodes send their people elsewhere" in site.signaling.processes["group"].log
        # No more is said to the group, and the nodes are as they were until the machine ends.
        surroundings.state = "InService"
        again(site)

    async def test_who_does_not_move_holds_it_up_no_longer_than_a_drain(self, site, surroundings):
        surroundings.completed.clear()
        async with socket(site) as opened:
            await opened.send(json.dumps({"type": "hello", "code": f"{CODE}-stays-here"}))
            await opened.recv()
            surroundings.state = "Terminating:Wait"
            await asyncio.to_thread(site.signaling.processes["group"].until_it_says, "this machine may end")
            assert len(surroundings.completed) == 1
            assert sum(served(site, node) for node in site.signaling.nodes) == 1
        surroundings.state = "InService"
        again(site)


def again(site: Environments) -> None:
    """A new machine of signaling; the old one's processes end well. Not in a thread: what that starts ends with it."""
    names = ("group", *site.signaling.nodes)
    for name in names:
        site.signaling.processes[name].terminate()
    for name in names:
        assert site.signaling.processes[name].wait() == 0
    for name in names:
        site.signaling.start(name)
    for name in site.signaling.nodes:
        site.signaling.processes[name].until_it_says("Gruveo serves at")


class StopTests:
    def test_a_node_ends_well_and_the_other_serves_meanwhile(self, site):
        process = site.web.processes["node2"]
        process.terminate()

        assert process.wait() == 0
        assert [site.get(WEB, "/faq/")[0] for _ in range(4)] == [200] * 4
        site.web.start("node2").until_it_says("Gruveo serves at")


class DatabaseTests:
    def test_a_database_that_is_away_takes_readiness_and_not_life(self, site):
        site.postgres.kill()
        try:
            for instance in (site.web, site.signaling):
                assert instance.get("/readyz")[:2] == (503, "database\n")
                assert instance.get("/healthz")[:2] == (200, "alive\n")
        finally:
            site.postgres.start()
