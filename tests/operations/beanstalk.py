"""What Elastic Beanstalk knows: which options there are, with which values, and what else it makes of .ebextensions."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

# {namespace: {option: [least, most] | [values] | pattern}}, `*` being any name; after the developer guide, "General options".
OPTIONS = json.loads(Path(__file__).with_name("beanstalk_options.json").read_text())
_SECRET = re.compile(r"(KEY|KEYS|SECRET|SECRETS|PASSWORD|TOKEN|DATABASE_URL|REDIS_URL|EMAIL_URL)$")


def options(folder: Path) -> Iterator[tuple[str, str, object]]:
    """Namespace, name and value of all options in the .ebextensions of an unpacked bundle, in the order in which they are read."""
    for file in sorted((folder / ".ebextensions").glob("*.config")):
        settings = (yaml.safe_load(file.read_text()) or {}).get("option_settings", {})
        for namespace, given in settings.items():
            for name, value in given.items():
                yield namespace, name, value


def container_commands(folder: Path) -> dict[str, dict]:
    """What is run in an unpacked bundle before it serves, by name."""
    found = {}
    for file in sorted((folder / ".ebextensions").glob("*.config")):
        found |= (yaml.safe_load(file.read_text()) or {}).get("container_commands", {})
    return found


def complaint(namespace: str, name: str, value: object) -> str | None:
    """What is wrong with this option, if anything."""
    where = f"{namespace} {name}"
    known = OPTIONS.get(namespace) or OPTIONS.get(re.sub(r":[^:]+$", ":*", namespace))
    if known is None:
        return f"{namespace}: no such namespace"
    if name not in known and "*" not in known:
        return f"{where}: no such option"
    if not isinstance(value, str):
        return f"{where}: {value!r} must be text"
    if namespace == "aws:elasticbeanstalk:application:environment" and _SECRET.search(name):
        return f"{where}: a secret in plain text"
    return None if _fits(value, known.get(name, known.get("*"))) else f"{where}: {value!r} is out of its range"


def _fits(value: str, valid: list | str) -> bool:
    if isinstance(valid, str):
        return bool(re.fullmatch(valid, value))
    if isinstance(valid[0], int):
        return value.isdecimal() and valid[0] <= int(value) <= valid[1]
    return value in valid


def template(folder: Path) -> dict:
    """The CloudFormation template into which Beanstalk puts the resources of .ebextensions, with what it makes itself in short."""
    resources = {
        "AWSEBAutoScalingGroup": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "1",
                "MaxSize": "4",
                "AvailabilityZones": {"Fn::GetAZs": ""},
                "LaunchTemplate": {"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "1"},
            },
        },
        "AWSEBV2LoadBalancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]},
        },
        "AWSEBV2LoadBalancerTargetGroup": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Port": 80, "Protocol": "HTTP", "VpcId": "vpc-0123456789abcdef0"},
        },
    }
    for file in sorted((folder / ".ebextensions").glob("*.config")):
        resources |= (yaml.safe_load(file.read_text()) or {}).get("Resources", {})
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"AWSEBEnvironmentName": {"Type": "String"}},
        "Resources": resources,
        "Outputs": {"Environment": {"Value": {"Ref": "AWSEBEnvironmentName"}}},
    }
