#!/usr/bin/python3
"""
What makes a machine of an auto scaling group a relay that is handed out, and lets it go in peace. Needs python3-boto3.

It gives the machine a name below DOMAIN, which the certificate fits, and notes the name in a tag, where turn_fleet finds it. When the group
wants to end the machine, it notes that in another tag, so that nobody new is sent here, stops coturn, which waits for its calls (drain.py),
takes the name away, and tells the group to go on.
"""

import os
import subprocess
import sys
import time

import boto3
from render import metadata

HOST_TAG, STATE_TAG = "gruveo:turn-host", "gruveo:turn-state"
_EVERY_SECONDS = float(os.environ.get("EVERY_SECONDS", "5"))
# Until turn_fleet and the servers have noticed; who comes later has a spare.
_NOTICE_SECONDS = float(os.environ.get("NOTICE_SECONDS", "60"))
_NAME_SECONDS = 60  # how long others may remember an address that has gone


def main() -> None:
    machine, region = metadata("instance-id"), metadata("placement/region")
    host = f"{machine}.{os.environ['DOMAIN']}"
    ec2 = boto3.client("ec2", region_name=region)
    _name(host, "UPSERT")
    _tag(ec2, machine, HOST_TAG, host)
    print(f"{machine} is {host}", flush=True)
    while metadata("autoscaling/target-lifecycle-state") != "Terminated":
        time.sleep(_EVERY_SECONDS)
    print("the group wants this machine to end: draining", flush=True)
    _tag(ec2, machine, STATE_TAG, "draining")
    time.sleep(_NOTICE_SECONDS)
    subprocess.run(["systemctl", "stop", "coturn"], check=False)  # whatever became of it, the machine ends
    _name(host, "DELETE")
    boto3.client("autoscaling", region_name=region).complete_lifecycle_action(
        LifecycleHookName=os.environ["HOOK"],
        AutoScalingGroupName=os.environ["GROUP"],
        InstanceId=machine,
        LifecycleActionResult="CONTINUE",
    )


def _tag(ec2, machine: str, key: str, value: str) -> None:
    ec2.create_tags(Resources=[machine], Tags=[{"Key": key, "Value": value}])


def _name(host: str, action: str) -> None:
    records = [("A", metadata("public-ipv4")), ("AAAA", metadata("ipv6"))]
    changes = [
        {
            "Action": action,
            "ResourceRecordSet": {
                "Name": host, "Type": kind, "TTL": _NAME_SECONDS, "ResourceRecords": [{"Value": address}]
            },
        }
        for kind, address in records
        if address
    ]  # fmt: skip
    if not changes:
        sys.exit("This machine has no public address.")
    boto3.client("route53").change_resource_record_sets(
        HostedZoneId=os.environ["ZONE"], ChangeBatch={"Changes": changes}
    )


if __name__ == "__main__":
    main()
