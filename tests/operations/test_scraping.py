"""How Prometheus finds the machines of Beanstalk, and who lets it in; that nginx does so is in test_environments.py."""

import json
import subprocess
from pathlib import Path

import boto3
import pytest
import yaml

from tests.environments import AWS
from tests.operations.test_stacks import resources, template
from tests.server import BASE_DIR

pytestmark = pytest.mark.server
MONITORING = BASE_DIR / "deploy" / "monitoring"
TOKEN = "a-metrics-token-0123456789-abcdefghij"


class GroupTests:
    """The security groups of shared.yaml."""

    def test_the_ports_are_closed_until_somebody_is_named(self):
        (rule,) = resources("shared.yaml", "AWS::EC2::SecurityGroupIngress").values()

        read = template("shared.yaml")
        assert read["Resources"]["MetricsIngress"]["Condition"] == "IsMonitored"
        assert read["Parameters"]["Monitoring"]["Default"] == ""
        assert rule["GroupId"] == {"Ref": "NodeSecurityGroup"}
        assert rule["SourceSecurityGroupId"] == {"Ref": "Monitoring"}
        assert not {"CidrIp", "CidrIpv6"} & set(rule)
        assert (rule["FromPort"], rule["ToPort"]) == (9101, 9102)


@pytest.fixture
def prometheus(tmp_path, aws_api) -> Path:
    """The file as it is, but asking the interfaces of the tests."""
    for file in MONITORING.glob("*.yml"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "gruveo-token").write_text(TOKEN)
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    for found in config["scrape_configs"][0]["ec2_sd_configs"]:
        found |= {"endpoint": aws_api, "access_key": "of-the-tests", "secret_key": "of-the-tests"}
    (tmp_path / "of-the-tests.yml").write_text(yaml.safe_dump(config))
    return tmp_path


def promtool(*arguments: object) -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class DiscoveryTests:
    def test_prometheus_reads_the_file(self, prometheus):
        assert "SUCCESS" in promtool("check", "config", prometheus / "prometheus.yml")

    def test_it_finds_both_nodes_of_each_machine_that_runs_and_nothing_else(self, prometheus, aws_api):
        ec2 = boto3.client("ec2", endpoint_url=aws_api, **_region("eu-west-1"))
        web = _start(ec2, "gruveo-web")
        sockets = _start(ec2, "gruveo-signaling")
        gone = _start(ec2, "gruveo-web")
        ec2.terminate_instances(InstanceIds=[gone["InstanceId"]])
        _start(ec2, "gruveo-staging")

        found = {
            labels["instance"]: (labels["__address__"], labels["environment"], labels["job"])
            for labels in discovered(prometheus / "of-the-tests.yml", 4)
        }

        assert found == {
            f"{one['InstanceId']}:{port}": (f"{one['PrivateIpAddress']}:{port}", name, "gruveo")
            for one, name in ((web, "gruveo-web"), (sockets, "gruveo-signaling"))
            for port in (9101, 9102)
        }


def discovered(config: Path, count: int) -> list[dict[str, str]]:
    """The labels of all targets. promtool listens for as long as it is told, so it is given more when that was too little."""
    for seconds in (5, 15, 30):
        told = promtool("check", "service-discovery", f"--timeout={seconds}s", config, "gruveo")
        found = [one["labels"] for one in json.loads(told) or []]
        if len(found) >= count:
            break
    return found


def _region(name: str) -> dict[str, str]:
    key, secret, _ = AWS.values()
    return {"aws_access_key_id": key, "aws_secret_access_key": secret, "region_name": name}


def _start(ec2, environment: str) -> dict:
    """A machine as Beanstalk tags it."""
    tags = [{"Key": "elasticbeanstalk:environment-name", "Value": environment}]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    (made,) = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )["Instances"]
    return made
