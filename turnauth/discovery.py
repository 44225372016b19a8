"""Which relays there are: those of the settings, or the machines of Amazon EC2 that bear a tag."""

import boto3
from botocore.config import Config

from turnauth import conf

HOST_TAG = "gruveo:turn-host"  # the name in the machine's certificate; without it its address counts
STATE_TAG = "gruveo:turn-state"  # "draining": it hands its last calls over, and gets no new ones
_DRAINING = "draining"
# An API that hangs must not keep turn_fleet from its relays.
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})


def find() -> dict[str, tuple[str, ...]]:
    """
    The relays by region.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the API of EC2 could not be asked, or refused.
    """
    if conf.discovery() == "static":
        return conf.relays()
    found = {}
    for region in conf.ec2_regions() or (None,):
        client = boto3.client("ec2", region_name=region, config=_PATIENCE)
        if named := _in_region(client):
            found[client.meta.region_name] = named
    return found


def _in_region(client) -> tuple[str, ...]:
    name, value = conf.ec2_tag()
    filters = [{"Name": f"tag:{name}", "Values": [value]}, {"Name": "instance-state-name", "Values": ["running"]}]
    pages = client.get_paginator("describe_instances").paginate(Filters=filters)
    machines = [each for page in pages for group in page["Reservations"] for each in group["Instances"]]
    return tuple(sorted(filter(None, map(_relay, machines))))


def _relay(machine: dict) -> str | None:
    """None: it has no public address yet, or none any more."""
    tags = {tag["Key"]: tag["Value"] for tag in machine.get("Tags", ())}
    if tags.get(STATE_TAG) == _DRAINING:
        return None
    return tags.get(HOST_TAG) or machine.get("PublicIpAddress")
