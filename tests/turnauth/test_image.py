"""The image of deploy/turn/: what it fills in, how it drains, how it joins and leaves; with a real coturn."""

import asyncio
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import boto3
import pytest
import trustme
from django.core.management import call_command

from tests.server import BASE_DIR, dies_with_us
from tests.turnauth.machine import Surroundings
from tests.turnauth.relay import HOST, OTHER_SECRET, SECRET, Coturn
from turnauth import discovery, probe
from turnauth.targets import parse

pytestmark = pytest.mark.server
FOLDER = BASE_DIR / "deploy" / "turn"
AWS = {"AWS_ACCESS_KEY_ID": "of-the-tests", "AWS_SECRET_ACCESS_KEY": "of-the-tests", "AWS_DEFAULT_REGION": "eu-west-1"}
PLACEHOLDERS = {"public": "@PUBLIC_IP@", "private": "@PRIVATE_IP@", "public6": "@PUBLIC_IP6@", "realm": "@REALM@"}


@pytest.fixture
def aws(aws_api, monkeypatch):
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_api)
    return aws_api


def run(script: str, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(FOLDER / script), *arguments],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def render(relay: Coturn, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    folder = relay.conf.parent
    places = {
        "CONF_TEMPLATE": str(relay.conf),
        "CONF": str(relay.conf),
        "USERDB": str(relay.userdb),
        "TLS": str(folder / "tls"),
    }
    return run("render.py", *arguments, **{"REALM": "relay.example", "SECRETS": SECRET, **places, **env})


def codes(relay: Coturn, uri: str, secret: str = SECRET, authorities: str | None = None) -> set[str]:
    found = asyncio.run(probe.check(parse(uri), probe.Access(secret, 5, authorities or relay.authorities)))
    return {finding.code for finding in found}


class ConfigurationTests:
    def test_the_file_is_what_turn_config_writes(self):
        output = StringIO()
        call_command("turn_config", public_ip6="@PUBLIC_IP6@", stdout=output)

        assert (FOLDER / "turnserver.conf").read_text() == output.getvalue()


class RenderTests:
    def test_a_machine_fills_in_what_it_is_told_and_serves(self):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        with Surroundings() as machine:
            done = render(relay, METADATA=machine.url, SECRETS=f"{SECRET} {OTHER_SECRET}")

        assert done.returncode == 0, done.stderr
        assert "@" not in relay.conf.read_text()
        assert relay.conf.stat().st_mode & 0o777 == relay.userdb.stat().st_mode & 0o777 == 0o640
        with relay:
            assert [codes(relay, relay.tls, secret) for secret in (SECRET, OTHER_SECRET)] == [{"ok"}, {"ok"}]

    def test_an_address_behind_nat_and_one_of_ipv6_are_filled_in(self):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        facts = {"public-ipv4": "9.9.9.9", "local-ipv4": "10.0.0.5", "ipv6": "2620:fe::fe"}
        with Surroundings(**facts) as machine:
            render(relay, METADATA=machine.url)

        assert {"external-ip=9.9.9.9/10.0.0.5", "listening-ip=10.0.0.5", "listening-ip=2620:fe::fe"} <= set(
            relay.conf.read_text().splitlines()
        )

    def test_without_ipv6_its_lines_go_with_their_reasons(self):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        with Surroundings() as machine:
            render(relay, METADATA=machine.url)

        assert "IPv6 only" not in relay.conf.read_text()

    def test_addresses_that_are_set_are_not_asked_for(self):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        with Surroundings() as machine:
            done = render(relay, METADATA=machine.url, PUBLIC_IP="9.9.9.9", PRIVATE_IP="10.0.0.5")

        assert done.returncode == 0 and machine.asked == []

    def test_secrets_of_another_start_are_gone(self):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        relay.admin("-s", OTHER_SECRET)
        with Surroundings() as machine:
            render(relay, METADATA=machine.url)

        assert f"{OTHER_SECRET}[" not in relay.admin("-S") and f"{SECRET}[" in relay.admin("-S")

    def test_secrets_and_certificate_come_from_ssm(self, aws):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        authorities = relay.conf.parent / "another.pem"
        authority.cert_pem.write_to_path(str(authorities))
        ssm = boto3.client("ssm")
        pem = issued.private_key_and_cert_chain_pem.bytes().decode()
        for name, value in {"/turn/secrets": f"{SECRET},{OTHER_SECRET}", "/turn/certificate": pem}.items():
            ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        text = relay.conf.read_text().replace(relay.relay.certificate, str(relay.conf.parent / "tls" / "fullchain.pem"))
        relay.conf.write_text(text.replace(relay.relay.key, str(relay.conf.parent / "tls" / "privkey.pem")))

        with Surroundings() as machine:
            done = render(
                relay, METADATA=machine.url, AWS_ENDPOINT_URL=aws, **AWS,
                SECRETS_PARAMETER="/turn/secrets", CERTIFICATE_PARAMETER="/turn/certificate",
            )  # fmt: skip

        assert done.returncode == 0, done.stderr
        with relay:
            assert codes(relay, relay.tls, OTHER_SECRET, str(authorities)) == {"ok"}

    @pytest.mark.parametrize(
        ("env", "words"),
        [
            ({"REALM": ""}, "REALM is not set"),
            ({"SECRETS": ""}, "SECRETS is not set"),
            ({"SECRETS": "too-short"}, "32 characters"),
            ({"SECRETS": "-" + SECRET}, "not - at the beginning"),
            ({"SECRETS": f"{SECRET} {OTHER_SECRET} {'x' * 32}"}, "one or two"),
        ],
    )
    def test_a_setting_that_is_wrong_keeps_coturn_from_starting(self, env, words):
        relay = Coturn(secrets=(), **PLACEHOLDERS)

        done = render(relay, PUBLIC_IP=HOST, **env)

        assert done.returncode != 0
        assert words in done.stderr
        assert SECRET not in done.stderr

    def test_a_machine_without_a_public_address_does_not_start(self):
        relay = Coturn(secrets=(), **PLACEHOLDERS)
        with Surroundings() as machine:
            del machine.facts["public-ipv4"]
            done = render(relay, METADATA=machine.url)

        assert done.returncode != 0 and "no PUBLIC_IP" in done.stderr


MIN_PORT = 61000  # above the ports that the kernel gives to others


class DrainTests:
    def test_a_stop_waits_for_the_last_allocation(self):
        with Coturn(min_port=MIN_PORT) as relay:
            assert asyncio.run(self._drain(relay)) == [
                "2 allocations are left",
                "1 allocations are left",
                "no allocation is left",
            ]

    async def _drain(self, relay: Coturn) -> list[str]:
        async with probe.visit(parse(relay.udp), probe.Access(SECRET).login(), patience=5) as one:
            await one.make()
            async with probe.visit(parse(relay.tcp), probe.Access(SECRET).login(), patience=5) as two:
                await two.make()
                command = [
                    *dies_with_us(),
                    sys.executable,
                    str(FOLDER / "drain.py"),
                    str(relay.pid),
                    str(MIN_PORT),
                    "60",
                ]
                drain = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
                lines = [await drain.stdout.readline()]
            lines.append(await drain.stdout.readline())
            await one.refresh()
            assert drain.returncode is None
        lines.append(await drain.stdout.readline())
        assert await drain.wait() == 0
        return [line.decode().strip() for line in lines]

    def test_after_its_time_it_waits_no_longer(self):
        with Coturn(min_port=MIN_PORT) as relay:
            assert asyncio.run(self._give_up(relay)).endswith("the time is over, and 1 allocations are cut off\n")

    async def _give_up(self, relay: Coturn) -> str:
        async with probe.visit(parse(relay.udp), probe.Access(SECRET).login(), patience=5) as one:
            await one.make()
            return (await asyncio.to_thread(run, "drain.py", str(relay.pid), str(MIN_PORT), "0")).stdout

    def test_a_relay_that_is_idle_or_gone_is_not_waited_for(self):
        with Coturn(min_port=MIN_PORT) as relay:
            assert run("drain.py", str(relay.pid), str(MIN_PORT), "60").stdout == "no allocation is left\n"
            relay.kill()
            assert run("drain.py", str(relay.pid), str(MIN_PORT), "60").stdout == "no allocation is left\n"


class MemberTests:
    def test_a_machine_joins_under_a_name_and_leaves_drained(self, aws, tmp_path, monkeypatch):
        """systemctl is one that writes down what it is asked: the tests start no service."""
        (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/asked\n')
        (tmp_path / "systemctl").chmod(0o755)
        ec2, route53 = boto3.client("ec2"), boto3.client("route53")
        machine = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        zone = route53.create_hosted_zone(Name="turn.example.org", CallerReference="1")["HostedZone"]["Id"].rpartition(
            "/"
        )[2]
        facts = {
            "instance-id": machine,
            "placement/region": "eu-west-1",
            "autoscaling/target-lifecycle-state": "InService",
        }
        with Surroundings(**facts) as around:
            env = {
                **AWS, "PATH": f"{tmp_path}:{os.environ['PATH']}", "METADATA": around.url, "AWS_ENDPOINT_URL": aws,
                "AWS_ENDPOINT_URL_AUTO_SCALING": around.url, "DOMAIN": "turn.example.org", "ZONE": zone, "HOOK": "drain",
                "GROUP": "relays", "EVERY_SECONDS": "0.05", "NOTICE_SECONDS": "0",
            }  # fmt: skip
            with subprocess.Popen(
                [*dies_with_us(), sys.executable, str(FOLDER / "member.py")], env=env, stdout=subprocess.PIPE, text=True
            ) as member:
                assert member.stdout.readline() == f"{machine} is {machine}.turn.example.org\n"
                assert self._tags(ec2, machine) == {discovery.HOST_TAG: f"{machine}.turn.example.org"}
                assert self._names(route53, zone) == {f"{machine}.turn.example.org.": "127.0.0.1"}
                assert around.completed == [] and not (tmp_path / "asked").exists()

                around.facts["autoscaling/target-lifecycle-state"] = "Terminated"
                assert member.wait(30) == 0

        assert self._tags(ec2, machine)[discovery.STATE_TAG] == "draining"
        assert self._names(route53, zone) == {}
        assert (tmp_path / "asked").read_text() == "stop coturn\n"
        assert [(each["Action"], each["InstanceId"], each["AutoScalingGroupName"]) for each in around.completed] == [
            ("CompleteLifecycleAction", machine, "relays")
        ]

    def _tags(self, ec2, machine: str) -> dict[str, str]:
        found = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
        return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}

    def _names(self, route53, zone: str) -> dict[str, str]:
        records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {each["Name"]: each["ResourceRecords"][0]["Value"] for each in records if each["Type"] == "A"}


class InstallationTests:
    def test_the_units_are_what_systemd_understands(self, tmp_path):
        assert self._verify(tmp_path) == (0, "")

    def test_a_unit_with_a_mistake_would_be_noticed(self, tmp_path):
        _, output = self._verify(tmp_path, ("LimitNOFILE", "LimitNoFiles"))

        assert "LimitNoFiles" in output

    def _verify(self, tmp_path, mistake: tuple[str, str] = ("", "")) -> tuple[int, str]:
        installed = subprocess.run(
            ["sh", str(FOLDER / "install.sh")], env={"PATH": os.environ["PATH"], "DESTDIR": str(tmp_path)}
        )
        assert installed.returncode == 0
        units = tmp_path / "etc" / "systemd" / "system"
        shutil.copy("/lib/systemd/system/coturn.service", units)
        for path in units.rglob("*.*"):
            if path.is_file():
                path.write_text(
                    path.read_text().replace("/usr/local/lib", f"{tmp_path}/usr/local/lib").replace(*mistake)
                )

        names = [
            "coturn.service",
            "gruveo-turn-member.service",
            "gruveo-turn-certificate.service",
            "gruveo-turn-certificate.timer",
        ]
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in names)],
            capture_output=True,
            text=True,
        )

        return done.returncode, done.stdout + done.stderr

    def test_the_template_lints_clean(self):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("cfn-lint")), str(FOLDER / "template.yaml")],
            capture_output=True,
            text=True,
        )

        assert (done.returncode, done.stdout + done.stderr) == (0, "")
