"""The templates of CloudFormation for what environments share, and for an environment."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.decode import decode

from tests.operations import beanstalk
from tests.server import BASE_DIR
from tests.test_settings import PRODUCTION

pytestmark = pytest.mark.server  # cfn-lint takes seconds

ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
# What others than our settings read.
_OTHERS = {
    "DJANGO_SETTINGS_MODULE",
    "PYTHONUNBUFFERED",
    "PYTHONMALLOC",
    "GLIBC_TUNABLES",
    "PORT",
    "ENVIRONMENT_NAME",
    "AWS_DEFAULT_REGION",
}


def template(name: str) -> dict:
    read, problems = decode(str(BASE_DIR / "deploy" / name))
    assert not problems
    return read


def resources(name: str, kind: str) -> dict[str, dict]:
    return {
        key: resource["Properties"] for key, resource in template(name)["Resources"].items() if resource["Type"] == kind
    }


def options() -> list[dict]:
    """All that are told, and those too that are told only where a parameter is given."""
    (environment,) = resources("environment.yaml", "AWS::ElasticBeanstalk::Environment").values()
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in environment["OptionSettings"]]


@pytest.mark.parametrize("name", ["shared.yaml", "environment.yaml"])
def test_it_lints_clean(name):
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), str(BASE_DIR / "deploy" / name)],
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


class OptionTests:
    def test_all_are_known_and_written_values_are_within_their_ranges(self):
        for option in options():
            value = option["Value"] if isinstance(option["Value"], str) else None
            said = beanstalk.complaint(option["Namespace"], option["OptionName"], value or "arn:of-something")
            assert said is None or (value is None and said.endswith("is out of its range"))

    def test_no_secret_is_written_into_the_template(self):
        for option in options():
            if option["Namespace"] == f"{ENVIRONMENT}secrets":
                assert set(option["Value"]) == {"Fn::ImportValue"} or option["Value"] == {"Ref": "EmailUrl"}

    def test_what_production_needs_is_there_and_all_of_it_is_documented(self):
        given = {option["OptionName"] for option in options() if option["Namespace"].startswith(ENVIRONMENT)}
        common = BASE_DIR / "deploy" / "beanstalk" / "common"
        given |= {name for namespace, name, _ in beanstalk.options(common) if namespace == ENVIRONMENT}

        assert set(PRODUCTION) <= given
        documented = set(re.findall(r"^\| `(\w+)`", (BASE_DIR / "docs" / "settings.md").read_text(), re.MULTILINE))
        assert given - _OTHERS <= documented

    def test_relays_and_mail_are_told_by_parameters_that_may_be_missing(self):
        given = {option["OptionName"]: option["Value"] for option in options()}
        told = (*"TURN_SERVERS TURN_DEFAULT_REGION TURN_DISCOVERY TURN_EC2_REGIONS EMAIL_URL".split(),)

        assert {name: given[name]["Ref"] for name in told} == {
            name: "".join(map(str.capitalize, name.split("_"))) for name in told
        }
        parameters = template("environment.yaml")["Parameters"]
        assert {parameters[given[name]["Ref"]]["Default"] for name in told} == {"", "static"}

    def test_it_is_told_nothing_that_the_bundle_says_differently(self):
        told = {
            (namespace, name): value
            for namespace, name, value in beanstalk.options(BASE_DIR / "deploy" / "beanstalk" / "common")
        }
        for option in options():
            key = option["Namespace"], option["OptionName"]
            assert told.get(key, option["Value"]) == option["Value"]

    def test_all_that_is_imported_is_exported(self):
        text = (BASE_DIR / "deploy" / "environment.yaml").read_text()
        exported = {output["Export"]["Name"]["Fn::Sub"] for output in exports()}

        assert {f"${{AWS::StackName}}-{name}" for name in re.findall(r"\$\{Shared\}-(\w+)", text)} <= exported


def exports() -> list[dict]:
    return [output for output in template("shared.yaml")["Outputs"].values() if "Export" in output]


class RightsTests:
    def statements(self) -> list[dict]:
        found = []
        for policy in resources("shared.yaml", "AWS::IAM::ManagedPolicy").values():
            found += policy["PolicyDocument"]["Statement"]
        for policy in resources("shared.yaml", "AWS::IAM::Policy").values():
            found += policy["PolicyDocument"]["Statement"]
        for role in resources("shared.yaml", "AWS::IAM::Role").values():
            for policy in role.get("Policies", []):
                found += policy["PolicyDocument"]["Statement"]
        return found

    def test_machines_may_do_named_things_to_named_things(self):
        statements = self.statements()

        assert len(statements) >= 8
        for statement in statements:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in actions if "*" in action]
            assert statement["Resource"] != "*" or "Condition" in statement

    def test_sockets_have_no_right_to_pictures(self):
        role = resources("shared.yaml", "AWS::IAM::Role")["SignalingRole"]

        assert "s3:" not in str(role)

    def test_redis_and_database_are_reached_by_nodes_only_and_encrypted(self):
        groups = resources("shared.yaml", "AWS::EC2::SecurityGroup")
        for name in ("RedisSecurityGroup", "DatabaseSecurityGroup"):
            (rule,) = groups[name]["SecurityGroupIngress"]
            assert rule["SourceSecurityGroupId"] == {"Ref": "NodeSecurityGroup"}
        hosts = resources("shared.yaml", "AWS::ElastiCache::ReplicationGroup").values()
        assert len(hosts) == 2
        assert all(host["TransitEncryptionEnabled"] and host["AtRestEncryptionEnabled"] for host in hosts)
        (database,) = resources("shared.yaml", "AWS::RDS::DBInstance").values()
        assert database["StorageEncrypted"] and not database["PubliclyAccessible"]

    def test_the_cdn_reads_pictures_and_no_drafts(self):
        (policy,) = resources("shared.yaml", "AWS::S3::BucketPolicy").values()

        allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
        assert [one["Resource"] for one in allowed] == [{"Fn::Sub": "${MediaBucket.Arn}/pictures/*"}]
