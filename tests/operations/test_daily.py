"""What is done once a day is done by one machine, at its time, and a machine that stops does not hold anything up."""

import signal
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta

import pytest

from gruveo.management.commands.daily import following
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.scale import scaled

AT = time(3, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-28T03:39:59", "2026-11-28T03:40:00"),
        ("2026-11-28T03:40:00", "2026-11-29T03:40:00"),
        ("2026-12-31T12:00:00", "2027-01-01T03:40:00"),
        ("2028-02-28T04:00:00", "2028-02-29T03:40:00"),
    ],
)
def test_the_next_time_is_today_or_tomorrow(now, then):
    assert following(datetime.fromisoformat(f"{now}+00:00"), AT) == datetime.fromisoformat(f"{then}+00:00")


@pytest.mark.server
@pytest.mark.parametrize("has_redis", [True, False][: max(1, scaled(2))])
def test_of_two_machines_one_does_it_and_both_end_when_asked(has_redis):
    with ExitStack() as stack:
        redis = [stack.enter_context(RedisServer())] if has_redis else []
        node = stack.enter_context(Node(*redis))
        done = node.manage("migrate", "--verbosity=0")
        assert done.returncode == 0, done.stderr
        seconds = 8
        while not (said := _played(node, datetime.now(UTC) + timedelta(seconds=seconds))):
            seconds *= 2  # a machine that was too slow to be there in time

    worked = ["messages deleted" in text for text in said]
    assert sum(worked) == (1 if has_redis else 2), said
    assert ["Another machine does it today." in text for text in said] == [not did for did in worked]


@pytest.mark.server
def test_a_time_that_is_none_is_refused(server):
    done = server.manage("daily", "--at", "25:00")

    assert done.returncode == 2
    assert "'25:00' is no time of the day such as 03:40." in done.stderr


def _played(node: Node, at: datetime) -> list[str]:
    """What two machines say until each has done it, or heard that another does; empty when one came too late for that time."""
    machines = [node.start_managing("daily", "--at", at.strftime("%H:%M:%S")) for _ in range(2)]
    try:
        first = [machine.stdout.readline() for machine in machines]
        if not all(f"{at:%Y-%m-%d %H:%M}" in line for line in first):
            return []
        said = list(first)
        for number, machine in enumerate(machines):
            for line in machine.stdout:
                said[number] += line
                if "The next time" in line:  # this one is over
                    break
            machine.send_signal(signal.SIGTERM)
            said[number] += machine.communicate(timeout=60)[0]
            assert machine.returncode == 0, said[number]
        return said
    finally:
        for machine in machines:
            if machine.poll() is None:
                machine.kill()
                machine.communicate()
