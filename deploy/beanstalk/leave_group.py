#!/usr/bin/env python3
"""
Lets a machine that its auto scaling group takes out go in peace: its nodes send their people elsewhere before it ends.

    python deploy/beanstalk/leave_group.py 8000 8001      the ports of the nodes

The group takes a machine from the balancer first, which waits for its sockets and cuts those off that are left after its delay; only then
the lifecycle hook holds the machine. So the group is asked every few seconds, and the nodes are told as soon as it says that the machine
goes. The hook is let go when nobody is left. Once told (SIGUSR1) a node takes nobody in, and runs until the machine ends.

Source: Amazon EC2 Auto Scaling, "How lifecycle hooks work in Auto Scaling groups".
"""

import os
import signal
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import local_nodes

HOOK = "drain"
EVERY_SECONDS = 10
DRAIN_SECONDS = 20  # unless the variable of that name says something else, as for the nodes

_MARGIN = 2  # seconds, for what a node does besides
_PATIENCE = local_nodes.PATIENCE  # seconds
_METADATA = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ports = local_nodes.ports(sys.argv[1:], __doc__)
    every = float(os.environ.get("GROUP_SECONDS") or EVERY_SECONDS)
    drain = float(os.environ.get("DRAIN_SECONDS") or DRAIN_SECONDS)
    member = Member(ports, drain_seconds=drain + _MARGIN)
    while True:
        try:
            member.look(time.monotonic())
        except (BotoCoreError, ClientError, OSError) as error:
            print(f"the group could not be asked, or told: {error}", flush=True)
        time.sleep(every)


class Member:
    """This machine in its group."""

    def __init__(self, ports: list[int], *, drain_seconds: float) -> None:
        self._ports = ports
        self._seconds = drain_seconds
        self._machine = ""
        self._over_at: float | None = None  # when nobody is waited for any more
        self._is_let_go = False

    def look(self, now: float) -> None:
        """
        Does what is due.

        Raises:
            BotoCoreError, ClientError, OSError: Amazon does not answer, or refuses.
        """
        self._machine = self._machine or metadata("instance-id")
        autoscaling = boto3.client("autoscaling")
        found = autoscaling.describe_auto_scaling_instances(InstanceIds=[self._machine])["AutoScalingInstances"]
        state = found[0]["LifecycleState"] if found else ""
        if state.startswith("Terminating") and self._over_at is None:
            self._over_at = now + self._seconds
            told = [node for node in nodes(self._ports) if _tell(node)]
            print(f"the group takes this machine out: {len(told)} nodes send their people elsewhere", flush=True)
        if state == "Terminating:Wait" and not self._is_let_go and self._is_empty(now):
            autoscaling.complete_lifecycle_action(
                LifecycleHookName=HOOK,
                AutoScalingGroupName=found[0]["AutoScalingGroupName"],
                InstanceId=self._machine,
                LifecycleActionResult="CONTINUE",
            )
            self._is_let_go = True
            print("this machine may end", flush=True)

    def _is_empty(self, now: float) -> bool:
        return now >= self._over_at or not sum(map(sessions, self._ports))


def metadata(name: str) -> str:
    """What the machine is told of itself, with a token (IMDSv2)."""
    ask = urllib.request.Request(
        f"{_METADATA}/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    with urllib.request.urlopen(ask, timeout=_PATIENCE) as answer:
        token = answer.read().decode()
    fetch = urllib.request.Request(f"{_METADATA}/latest/meta-data/{name}", headers={"X-aws-ec2-metadata-token": token})
    with urllib.request.urlopen(fetch, timeout=_PATIENCE) as answer:
        return answer.read().decode().strip()


def nodes(ports: list[int]) -> list[int]:
    """The processes that serve at these ports: as they stand in the Procfile, and no others of this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # ended while we looked
            words = path.read_text(errors="replace").split("\0")
            if "gruveo.serve" in words and any(str(port) in words for port in ports):
                found.append(int(path.parent.name))
    return found


def sessions(port: int) -> int:
    """How many people the node at this port serves; 0 when there is none."""
    try:
        return local_nodes.sessions(port)
    except (OSError, ValueError):
        return 0


def _tell(node: int) -> bool:
    try:
        os.kill(node, signal.SIGUSR1)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
