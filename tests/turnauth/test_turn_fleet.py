"""`manage.py turn_fleet` and `turn_drain`, with real relays and the list in a real Redis."""

import json
import os
import signal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.turnauth.relay import OTHER_SECRET, SECRET, Coturn
from tests.turnauth.test_fleet import redis_cache
from turnauth import fleet

DEAD = "turn:127.0.0.1:9?transport=tcp"

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def cache(settings):
    settings.TURN_SECRETS = (SECRET,)
    settings.TURN_TTL = 3600
    with RedisServer() as running:
        settings.CACHES = redis_cache(running.url)
        yield running


@pytest.fixture(scope="module")
def relays():
    with Coturn() as one, Coturn() as two, Coturn() as three:
        yield one, two, three


def look(**options) -> dict:
    """One round, as --json tells it: state by relay, and what changed."""
    output = StringIO()
    try:
        call_command("turn_fleet", once=True, json=True, stdout=output, stderr=StringIO(), **options)
    except CommandError as error:
        assert error.returncode == 1
    said = json.loads(output.getvalue())
    said["relays"] = {row["relay"]: row["state"] for row in said["relays"]}
    return said


class Watch(StringIO):
    """Runs the command without --once; after each round it takes the next step, and then stops it as a supervisor does."""

    def __init__(self, *steps) -> None:
        super().__init__()
        self._steps = list(steps)
        self.rounds: list[dict] = []

    def write(self, text: str) -> int:
        if text.startswith("{"):
            self.rounds.append(json.loads(text))
            self._next()
        return len(text)

    def _next(self) -> None:
        if self._steps and (step := self._steps.pop(0)):
            step()
        if not self._steps:
            os.kill(os.getpid(), signal.SIGTERM)

    def states(self, relay: str) -> list[str]:
        return [row["state"] for each in self.rounds for row in each["relays"] if row["relay"] == relay]


class RoundTests:
    def test_those_that_answer_are_listed_by_region(self, settings, relays):
        one, two, _ = relays
        settings.TURN_SERVERS = {"eu": (one.udp,), "us": (two.udp,)}

        said = look()

        assert said["relays"] == {one.udp: "serves", two.udp: "serves"}
        assert fleet.read().relays == {"eu": (one.udp,), "us": (two.udp,)}

    def test_a_relay_that_dies_is_dropped_after_two_failures_and_comes_back(self, settings, relays):
        one, two, _ = relays
        with Coturn() as dying:
            settings.TURN_SERVERS = {"": (one.udp, two.udp, dying.udp)}
            watch = Watch(dying.kill, None, None, dying.start, None)

            call_command("turn_fleet", every=0.01, timeout=2, json=True, stdout=watch)

        assert watch.states(dying.udp) == ["serves", "serves", "out", "out", "serves"]
        assert watch.states(one.udp) == ["serves"] * 5
        assert [each["dropped"] for each in watch.rounds] == [[], [], [dying.udp], [], []]
        assert [each["back"] for each in watch.rounds] == [[], [], [], [], [dying.udp]]
        assert fleet.read().relays[""] == (one.udp, two.udp, dying.udp)

    def test_it_remembers_from_one_run_to_the_next(self, settings, relays):
        one, two, _ = relays
        settings.TURN_SERVERS = {"": (one.udp, two.udp, DEAD)}

        assert [look()["relays"][DEAD] for _ in range(2)] == ["serves", "out"]

    def test_when_most_fail_at_once_the_list_stays(self, settings, relays):
        """As when the secret of this machine alone is wrong."""
        settings.TURN_SERVERS = {"": tuple(relay.udp for relay in relays)}
        look()
        settings.TURN_SECRETS = (OTHER_SECRET,)

        said = [look() for _ in range(3)]

        assert [each["in_doubt"] for each in said] == [True] * 3
        assert len(fleet.read().relays[""]) == 3

    def test_people_see_what_is_wrong_with_whom(self, settings, relays):
        settings.TURN_SERVERS = {"eu": (relays[0].udp, DEAD)}
        output = StringIO()

        with pytest.raises(CommandError, match=r"No allocation at turn:127\.0\.0\.1:9"):
            call_command("turn_fleet", once=True, stdout=output)

        lines = output.getvalue().splitlines()
        assert lines[0].endswith("2 of 2 relays serve")
        assert lines[1].split()[:3] == ["serves", "eu", relays[0].udp] and lines[1].endswith(" ms")
        assert lines[2].endswith("Connection refused")


class ManyTests:
    """Each machine of web runs it."""

    def test_one_of_two_does_it_and_the_other_takes_over_when_it_ends(self, relays, cache):
        env = {"TURN_SERVERS": relays[0].udp, "TURN_SECRETS": SECRET}
        with Node(cache, **env) as node:
            first = node.start_managing("turn_fleet", "--every=0.2")
            second = None
            try:
                until(first, "1 of 1 relays serve")
                second = node.start_managing("turn_fleet", "--every=0.2")
                until(second, "Another one looks after the relays.")
                first.send_signal(signal.SIGTERM)
                assert first.wait(60) == 0
                until(second, "1 of 1 relays serve")
                second.send_signal(signal.SIGTERM)
                assert second.wait(60) == 0
            finally:
                for process in filter(None, (first, second)):
                    process.kill()
                    process.communicate()

    def test_without_relays_it_stays_and_says_why_once(self, cache):
        with Node(cache) as node:
            process = node.start_managing("turn_fleet", "--every=0.01")
            try:
                until(process, "There are no relays: neither TURN_SERVERS nor TURN_DISCOVERY is set.")
                process.send_signal(signal.SIGTERM)
                assert (process.communicate(timeout=60)[0], process.returncode) == ("", 0)
            finally:
                process.kill()
                process.communicate()

    def test_one_round_without_relays_is_an_error(self, settings):
        settings.TURN_SECRETS = ()

        with pytest.raises(CommandError, match="no relay can be tried"):
            call_command("turn_fleet", once=True)

    def test_a_lease_that_ran_out_is_anybodys(self):
        assert fleet.lead("one", seconds=60) and fleet.lead("one", seconds=60)
        assert not fleet.lead("two", seconds=60)
        fleet.follow("two")
        assert not fleet.lead("two", seconds=60)
        fleet.follow("one")
        assert fleet.lead("two", seconds=60)


def until(process, words: str) -> None:
    """Reads what it says up to these words."""
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return
    raise AssertionError(f"it has ended, and said:\n{said}")


class OutageTests:
    def test_a_cache_that_is_away_is_said_and_the_next_round_tries_again(self, settings, relays, cache):
        settings.TURN_SERVERS = {"": (relays[0].udp,)}
        errors = StringIO()

        class Errors(StringIO):
            def write(self, text: str) -> int:
                cache.start()
                return errors.write(text)

        watch = Watch(cache.kill, None)
        call_command("turn_fleet", every=0.01, json=True, stdout=watch, stderr=Errors())

        assert "The cache is away" in errors.getvalue()
        assert watch.states(relays[0].udp) == ["serves", "serves"]

    def test_an_api_that_is_away_leaves_the_list_as_it_is(self, settings, monkeypatch, relays):
        settings.TURN_SERVERS = {"": (relays[0].udp,)}
        look()
        settings.TURN_DISCOVERY, settings.TURN_EC2_REGIONS = "ec2", ("eu-west-1",)
        for name, value in {
            "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
        }.items():
            monkeypatch.setenv(name, value)
        errors = StringIO()

        call_command("turn_fleet", once=True, stderr=errors)

        assert "EC2 could not be asked" in errors.getvalue()
        assert fleet.read().relays == {"": (relays[0].udp,)}


class DrainTests:
    def test_a_drained_relay_is_handed_out_to_nobody_and_comes_back(self, settings, relays):
        one, two, _ = relays
        settings.TURN_SERVERS = {"": (one.udp, two.udp)}
        look()

        call_command("turn_drain", one.udp, stderr=StringIO())
        assert look()["relays"] == {one.udp: "drained", two.udp: "serves"}
        assert fleet.read().relays == {"": (two.udp,)}

        call_command("turn_drain", one.udp, back=True, stderr=StringIO())
        assert look()["relays"] == {one.udp: "serves", two.udp: "serves"}

    def test_a_drained_relay_that_is_switched_off_alarms_nobody(self, settings, relays):
        settings.TURN_SERVERS = {"": (relays[0].udp, DEAD)}
        call_command("turn_drain", DEAD, stderr=StringIO())

        call_command("turn_fleet", once=True, stdout=StringIO())  # and raises nothing

    def test_the_list_says_who_is_drained(self, settings):
        settings.TURN_SERVERS = {"": ("turn1.example.org", "turn2.example.org")}
        call_command("turn_drain", "turn2.example.org", stderr=StringIO())
        people, machines = StringIO(), StringIO()

        call_command("turn_drain", stdout=people)
        call_command("turn_drain", json=True, stdout=machines)

        assert people.getvalue().split() == ["serves", "turn1.example.org", "drained", "turn2.example.org"]
        assert [row["drained"] for row in json.loads(machines.getvalue())] == [False, True]

    @pytest.mark.parametrize(
        ("arguments", "options", "words"),
        [
            (["turn9.example.org"], {}, "is none of the relays: turn1.example.org"),
            (["turn1.example.org"], {"back": True}, "is not drained"),
            ([], {"back": True}, "needs the name"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, settings, arguments, options, words):
        settings.TURN_SERVERS = {"": ("turn1.example.org",)}

        with pytest.raises(CommandError, match=words):
            call_command("turn_drain", *arguments, **options)

    def test_a_cache_that_is_away_is_said(self, settings, cache):
        cache.kill()

        with pytest.raises(CommandError, match="The cache is away"):
            call_command("turn_drain")
        cache.start()


class RefusalTests:
    @pytest.mark.parametrize("command", ["turn_fleet", "turn_drain"])
    def test_without_a_shared_cache_it_would_tell_nobody(self, settings, command):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        settings.TURN_SERVERS = {"": (DEAD,)}

        with pytest.raises(CommandError, match="without REDIS_URL"):
            call_command(command)

    def test_without_a_secret_nothing_can_be_tried(self, settings):
        settings.TURN_SECRETS = ()

        with pytest.raises(CommandError, match="TURN_SECRETS is not set"):
            call_command("turn_fleet", once=True)
