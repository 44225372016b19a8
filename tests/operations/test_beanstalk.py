"""What Elastic Beanstalk is told: only what it knows, and what WebSockets and codes need."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.beanstalk import leave_group
from deploy.bundle import ROLES
from gruveo.settings import DRAIN_SECONDS, SILENCE_SECONDS
from tests.instances import Instance, procfile, unpack
from tests.operations import beanstalk

pytestmark = pytest.mark.server
_SYSTEMD_SECONDS = 90  # after which it kills what it has asked to end, unless told otherwise


@pytest.fixture(scope="module")
def apps(bundles, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("apps")
    return {role: unpack(bundles[role], folder / role) for role in ROLES}


@pytest.fixture(params=ROLES)
def app(request, apps) -> Path:
    return apps[request.param]


def resources(app: Path, kind: str) -> list[dict]:
    """The properties of those of this kind."""
    found = beanstalk.template(app)["Resources"].values()
    return [resource["Properties"] for resource in found if resource["Type"] == kind]


def told(app: Path) -> dict[tuple[str, str], str]:
    return {(namespace, name): value for namespace, name, value in beanstalk.options(app)}


class OptionTests:
    def test_all_are_known_and_within_their_ranges(self, app):
        given = list(beanstalk.options(app))

        assert len(given) > 40
        assert [one for option in given if (one := beanstalk.complaint(*option))] == []

    def test_none_is_told_twice(self, app):
        given = [option[:2] for option in beanstalk.options(app)]

        assert len(given) == len(set(given))

    @pytest.mark.parametrize(
        ("namespace", "name", "value", "words"),
        [
            ("aws:elbv2:loadbalancer", "IdleTimeOut", "120", "no such option"),
            ("aws:elbv2:balancer", "IdleTimeout", "120", "no such namespace"),
            ("aws:elasticbeanstalk:environment:process:default", "DeregistrationDelay", "9999", "range"),
            ("aws:elasticbeanstalk:environment:process:default", "DeregistrationDelay", 60, "must be text"),
            ("aws:autoscaling:trigger", "Unit", "Percentage", "range"),
            ("aws:elasticbeanstalk:application:environment", "SECRET_KEY", "x" * 40, "secret"),
            ("aws:elasticbeanstalk:application:environmentsecrets", "SECRET_KEY", "x" * 40, "range"),
        ],
    )
    def test_a_mistake_would_be_noticed(self, namespace, name, value, words):
        assert words in beanstalk.complaint(namespace, name, value)

    def test_resources_lint_clean(self, app, tmp_path):
        assert _lint(tmp_path, beanstalk.template(app)) == (0, "")

    def test_a_mistake_in_resources_would_be_noticed(self, app, tmp_path):
        text = json.dumps(beanstalk.template(app)).replace("TargetValue", "TargetWorth")

        code, output = _lint(tmp_path, json.loads(text))

        assert code != 0 and "TargetWorth" in output

    def test_migrations_run_once_for_each_deployment(self, apps):
        commands = {role: beanstalk.container_commands(app) for role, app in apps.items()}

        assert commands["signaling"] == {}
        assert list(commands["web"]) == ["05_shelve_static", "10_migrate"]
        assert all(command["leader_only"] is True for command in commands["web"].values())


class SocketTests:
    """Times that must fit each other: whoever is between client and node must be more patient than both."""

    def test_the_balancer_waits_longer_than_a_living_socket_is_silent(self, apps):
        idle = int(told(apps["signaling"])["aws:elbv2:loadbalancer", "IdleTimeout"])

        assert idle > 2 * SILENCE_SECONDS
        assert _nginx_seconds(apps["signaling"], "proxy_read_timeout") > 2 * SILENCE_SECONDS

    def test_a_machine_is_let_go_after_its_people_have_moved(self, apps):
        delay = told(apps["signaling"])["aws:elasticbeanstalk:environment:process:default", "DeregistrationDelay"]

        assert int(delay) > DRAIN_SECONDS

    def test_a_machine_that_its_group_takes_out_is_emptied_before_the_balancer_cuts_off_and_before_the_hook_is_over(
        self, apps
    ):
        (hook,) = resources(apps["signaling"], "AWS::AutoScaling::LifecycleHook")
        delay = told(apps["signaling"])["aws:elasticbeanstalk:environment:process:default", "DeregistrationDelay"]

        assert leave_group.DRAIN_SECONDS == DRAIN_SECONDS
        emptied = leave_group.EVERY_SECONDS + leave_group._PATIENCE + DRAIN_SECONDS + leave_group._MARGIN
        assert emptied < int(delay)
        # It may be the hook by which it first hears; and it looks once more before it lets go.
        assert emptied + leave_group.EVERY_SECONDS + leave_group._PATIENCE < hook["HeartbeatTimeout"]
        assert DRAIN_SECONDS < _SYSTEMD_SECONDS

    def test_the_hook_is_the_one_that_is_let_go_and_none_keeps_a_machine_for_ever(self, apps):
        (hook,) = resources(apps["signaling"], "AWS::AutoScaling::LifecycleHook")

        assert hook["LifecycleHookName"] == leave_group.HOOK
        assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
        assert hook["AutoScalingGroupName"] == {"Ref": "AWSEBAutoScalingGroup"}
        assert hook["DefaultResult"] == "CONTINUE"
        assert "deploy/beanstalk/leave_group.py" in procfile(apps["signaling"])["group"]

    def test_nginx_keeps_idle_sockets_longer_than_the_balancer_of_pages(self, apps):
        idle = int(told(apps["web"])["aws:elbv2:loadbalancer", "IdleTimeout"])

        assert _nginx_seconds(apps["web"], "keepalive_timeout") > idle

    def test_nginx_has_two_connections_for_each_socket_that_a_machine_is_scaled_for(self, apps):
        config = (apps["signaling"] / ".platform/nginx/nginx.conf").read_text()
        (policy,) = resources(apps["signaling"], "AWS::AutoScaling::ScalingPolicy")

        connections = int(re.search(r"worker_connections (\d+);", config)[1])
        target = policy["TargetTrackingConfiguration"]["TargetValue"]
        assert connections > 2 * target
        assert int(re.search(r"worker_rlimit_nofile (\d+);", config)[1]) >= 2 * connections


class CodeTests:
    def test_the_balancer_writes_no_log_of_paths(self, app):
        assert told(app)["aws:elbv2:loadbalancer", "AccessLogsS3Enabled"] == "false"

    def test_no_log_format_of_nginx_has_a_path(self, app):
        config = "".join(path.read_text() for path in (app / ".platform").rglob("*.conf"))

        formats = re.findall(r"log_format \w+ '([^']*)'", config)
        assert len(formats) == 2
        for one in formats:
            assert not re.search(r"\$(request\b|request_uri|uri|document_uri|args|query_string|http_referer)", one)
        used = set(re.findall(r"access_log \S+ (\w+)", config))
        assert used == {"class", "healthd"}


class ProcessTests:
    def test_there_is_a_node_for_each_core_and_nginx_knows_them_all(self, app):
        nodes = {
            re.search(r"--port (\d+)", command)[1] for command in procfile(app).values() if "gruveo.serve" in command
        }
        config = (app / ".platform/nginx/nginx.conf").read_text()

        assert nodes == set(re.findall(r"server 127\.0\.0\.1:(\d+)", config)) == {"8000", "8001"}
        types = told(app)["aws:ec2:instances", "InstanceTypes"].split(",")
        assert all(re.fullmatch(r"[cmr]\d\w+\.large", one) for one in types)  # which have two cores each

    def test_the_hook_gives_huge_pages_to_whoever_has_memory_for_them(self, app):
        """As tmpfiles.d(5) has it: what is done, where, with which mode, by whom, at which age, and the argument."""
        hook = (app / ".platform/hooks/prebuild/10_huge_pages.sh").read_text()
        done, where, *unused, argument = re.search(r"^echo '(.+)' > /etc/tmpfiles\.d/", hook, re.MULTILINE)[1].split()

        assert done == "w" and set(unused) == {"-"} and len(unused) == 4
        assert argument in re.findall(r"\w+", Path(where).read_text())  # what this kernel can be told

    def test_a_signal_reaches_python(self, app):
        assert all(command.startswith("exec python ") for command in procfile(app).values())


@pytest.fixture(params=ROLES)
def machine(request, bundles) -> Iterator[Instance]:
    """One on which nothing runs."""
    machine = Instance(bundles[request.param])
    yield machine
    machine.remove()


class NginxTests:
    def test_nginx_takes_the_files_of_the_bundle(self, machine):
        code, output = machine.nginx.test()

        assert code == 0, output
        assert "test is successful" in output

    def test_a_mistake_would_be_noticed(self, machine):
        config = machine.nginx.folder / "nginx.conf"
        config.write_text(config.read_text().replace("proxy_read_timeout", "proxy_reed_timeout"))

        code, output = machine.nginx.test()

        assert code != 0 and "proxy_reed_timeout" in output


def _nginx_seconds(app: Path, name: str) -> int:
    return int(re.search(rf"{name} (\d+)s;", (app / ".platform/nginx/nginx.conf").read_text())[1])


def _lint(folder: Path, template: dict) -> tuple[int, str]:
    file = folder / "template.json"
    file.write_text(json.dumps(template))
    done = subprocess.run([str(Path(sys.executable).with_name("cfn-lint")), str(file)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
