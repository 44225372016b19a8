"""`manage.py turn_secret`: a whole rotation on two real relays, live, by turnadmin."""

import asyncio
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.turnauth.relay import OTHER_SECRET, SECRET, Coturn
from turnauth import probe
from turnauth.targets import parse

pytestmark = pytest.mark.server


@pytest.fixture
def relays(settings):
    """Two, which have the secret in their database and not in their configuration, as those of deploy/turn/ do."""
    with Coturn(secrets=()) as one, Coturn(secrets=()) as two:
        for relay in (one, two):
            relay.admin("-s", SECRET)
        settings.TURN_SERVERS = {"eu": (one.udp,), "us": (two.udp,)}
        settings.TURN_SECRETS, settings.TURN_TTL = (SECRET,), 3600
        yield one, two


def take(step: str, receipt: str | None = None) -> dict:
    output = StringIO()
    call_command("turn_secret", step, *filter(None, [receipt]), json=True, timeout=3, stdout=output)
    return json.loads(output.getvalue())


class RotationTests:
    def test_it_goes_through_on_two_relays_and_a_live_call_goes_on(self, settings, relays):
        asyncio.run(self._whole(settings, relays))

    async def _whole(self, settings, relays) -> None:
        async with probe.visit(parse(relays[0].udp), probe.Access(SECRET).login(), patience=5) as call:
            await call.make()
            await asyncio.to_thread(self._rotate, settings, relays)
            await call.refresh()  # of the secret that is gone

    def _rotate(self, settings, relays) -> None:
        one, two = relays
        started = take("start")
        new = started["new_secret"]

        settings.TURN_SECRETS = (SECRET, new)
        one.admin("-s", new)
        with pytest.raises(CommandError, match="does not take secret 2") as refusal:
            take("spread", started["receipt"])
        assert two.udp in str(refusal.value) and one.udp not in str(refusal.value)
        two.admin("-s", new)
        spread = take("spread", started["receipt"])

        with pytest.raises(CommandError, match="the new secret and then the old one"):
            take("front", spread["receipt"])
        settings.TURN_SECRETS = (new, SECRET)
        front = take("front", spread["receipt"])

        with pytest.raises(CommandError, match=r"for 3600 s more|for 35\d\d s more"):
            take("drop", front["receipt"])
        settings.TURN_TTL = 0
        drop = take("drop", front["receipt"])

        one.admin("-X", SECRET)
        with pytest.raises(CommandError, match="takes secret 2") as refusal:
            take("finish", drop["receipt"])
        assert two.udp in str(refusal.value) and one.udp not in str(refusal.value)
        two.admin("-X", SECRET)
        finished = take("finish", drop["receipt"])
        assert finished["next"] is None
        assert finished["relays"] == {one.udp: [True, False], two.udp: [True, False]}


class RefusalTests:
    def test_a_step_is_not_skipped(self, settings, relays):
        started = take("start")
        settings.TURN_SECRETS = (started["new_secret"], SECRET)

        with pytest.raises(CommandError, match="comes after spread"):
            take("front", started["receipt"])

    def test_a_receipt_that_was_made_up_is_refused(self, relays):
        with pytest.raises(CommandError, match="no receipt of this site"):
            take("spread", "made-up")

    def test_a_relay_that_cannot_be_asked_stops_the_step(self, settings, relays):
        relays[1].kill()

        with pytest.raises(CommandError, match="could not be asked: Connection refused"):
            take("start")

    def test_a_relay_that_does_not_know_us_to_begin_with_stops_the_step(self, settings, relays):
        settings.TURN_SECRETS = (OTHER_SECRET,)

        with pytest.raises(CommandError, match="does not take secret 1"):
            take("start")

    def test_without_relays_there_is_nothing_to_rotate(self, settings):
        settings.TURN_SERVERS, settings.TURN_SECRETS = {}, (SECRET,)

        with pytest.raises(CommandError, match="There are no relays"):
            take("start")


class WordsTests:
    def test_people_are_told_what_to_do_and_how_to_go_on(self, relays):
        output = StringIO()

        call_command("turn_secret", "start", stdout=output)

        lines = output.getvalue().splitlines()
        assert lines[0] == "start is done: 2 relays were tried."
        assert "1. On every relay: turnadmin -s " in output.getvalue()
        assert lines[-1].startswith("Then: manage.py turn_secret spread ")
