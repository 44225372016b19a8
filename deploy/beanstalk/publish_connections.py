#!/usr/bin/env python3
"""
Tells CloudWatch once a minute how many people the nodes of this machine serve; the environment's scaling goes by the average of machines.

    python deploy/beanstalk/publish_connections.py 8000 8001      the ports of the nodes

ENVIRONMENT_NAME is the environment's name. A node that does not answer counts for nothing: it serves nobody. A minute that CloudWatch does
not take is lost, and the next one is not.
"""

import os
import signal
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import local_nodes

_EVERY_SECONDS = float(os.environ.get("PUBLISH_SECONDS") or 60)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ports, environment = local_nodes.ports(sys.argv[1:], __doc__), os.environ.get("ENVIRONMENT_NAME", "")
    if not environment:
        sys.exit("ENVIRONMENT_NAME is not set.")
    cloudwatch = boto3.client("cloudwatch")
    while True:
        count = sum(map(sessions, ports))
        try:
            publish(cloudwatch, environment, count)
        except (BotoCoreError, ClientError) as error:
            print(f"{count} connections could not be told: {error}", flush=True)
        time.sleep(_EVERY_SECONDS)


def sessions(port: int) -> int:
    """How many people the node at this port serves; 0 when there is none."""
    try:
        return local_nodes.sessions(port)
    except (OSError, ValueError) as error:
        print(f"the node at port {port} does not say how many it serves: {error}", flush=True)
        return 0


def publish(cloudwatch, environment: str, count: int) -> None:
    cloudwatch.put_metric_data(
        Namespace="Gruveo",
        MetricData=[
            {
                "MetricName": "Connections",
                "Dimensions": [{"Name": "Environment", "Value": environment}],
                "Value": count,
                "Unit": "Count",
            }
        ],
    )


if __name__ == "__main__":
    main()
