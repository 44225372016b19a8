"""Which machines of EC2 are taken for relays; the API is moto's server."""

import boto3
import pytest

from turnauth import discovery

pytestmark = pytest.mark.server
ROLE = {"gruveo:role": "turn"}


@pytest.fixture
def ec2(aws_api, settings, monkeypatch):
    """Starts machines in a region, and answers them."""
    settings.TURN_DISCOVERY, settings.TURN_EC2_TAG = "ec2", "gruveo:role=turn"
    settings.TURN_EC2_REGIONS = ("eu-west-1", "us-east-1")
    for name, value in {
        "AWS_ENDPOINT_URL_EC2": aws_api,
        "AWS_ACCESS_KEY_ID": "of-the-tests",
        "AWS_SECRET_ACCESS_KEY": "of-the-tests",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    started = []

    def start(region: str = "eu-west-1", **tags: str) -> str:
        client = boto3.client("ec2", region_name=region)
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        specification = [{"ResourceType": "instance", "Tags": pairs}] if pairs else []
        made = client.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=specification)
        started.append((client, made["Instances"][0]["InstanceId"]))
        return started[-1]

    yield start
    for client, machine in started:
        client.terminate_instances(InstanceIds=[machine])


def address(client, machine: str) -> str:
    return client.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]["PublicIpAddress"]


class Ec2Tests:
    def test_machines_with_the_tag_are_found_in_each_region(self, ec2):
        one, two = ec2(**ROLE), ec2("us-east-1", **ROLE)
        ec2()

        assert discovery.find() == {"eu-west-1": (address(*one),), "us-east-1": (address(*two),)}

    def test_the_name_in_its_certificate_goes_before_its_address(self, ec2):
        ec2(**ROLE, **{discovery.HOST_TAG: "turn1.example.org"})

        assert discovery.find() == {"eu-west-1": ("turn1.example.org",)}

    def test_machines_that_are_drained_or_stopped_are_none(self, ec2):
        ec2(**ROLE, **{discovery.STATE_TAG: "draining"})
        client, machine = ec2(**ROLE)
        client.stop_instances(InstanceIds=[machine])

        assert discovery.find() == {}

    def test_another_value_of_the_tag_is_another_thing(self, ec2):
        ec2(**{"gruveo:role": "web"})

        assert discovery.find() == {}

    def test_without_regions_it_is_that_of_boto3(self, ec2, settings):
        settings.TURN_EC2_REGIONS = ()
        ec2(**ROLE, **{discovery.HOST_TAG: "turn1.example.org"})
        ec2("us-east-1", **ROLE)

        assert discovery.find() == {"eu-west-1": ("turn1.example.org",)}


class StaticTests:
    def test_it_is_what_the_settings_name(self, settings):
        settings.TURN_SERVERS = {"eu": ("turn1.example.org",)}

        assert discovery.find() == {"eu": ("turn1.example.org",)}
