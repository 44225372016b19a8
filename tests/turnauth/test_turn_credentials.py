"""`manage.py turn_credentials`: the command that it prints is run, by a shell, against a real relay."""

import json
import subprocess
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.turnauth.relay import OTHER_SECRET, SECRET, Coturn


@pytest.fixture(autouse=True)
def turn_settings(settings):
    settings.TURN_SECRETS = (SECRET, OTHER_SECRET)
    settings.TURN_SERVERS = {"": ("turn1.example.org",)}


def said(*arguments, **options) -> str:
    output = StringIO()
    call_command("turn_credentials", *arguments, stdout=output, **options)
    return output.getvalue()


def command(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("turnutils_uclient"))


@pytest.mark.server
class UclientTests:
    def test_the_printed_command_relays(self):
        with Coturn() as relay:
            done = subprocess.run(
                command(said("alice", relay=relay.udp)) + " -n 2 -m 1 -c",
                shell=True,
                capture_output=True,
                text=True,
                timeout=60,
            )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "Total lost packets 0" in done.stdout

    def test_those_of_a_secret_that_the_relay_does_not_have_are_refused(self):
        with Coturn() as relay:
            done = subprocess.run(
                command(said("alice", relay=relay.udp, secret=2)) + " -n 2 -m 1 -c",
                shell=True,
                capture_output=True,
                timeout=60,
            )

        assert done.returncode != 0


class CommandTests:
    def test_each_way_to_the_relay_has_its_command(self):
        commands = {
            uri: command(said(relay=uri))
            for uri in ("turn:a:80?transport=udp", "turn:a?transport=tcp", "turns:[::1]:443")
        }

        assert [" ".join(words.split()[1:-7]) for words in commands.values()] == ["-y", "-y -t", "-y -t -S"]
        assert [words.split()[-1] for words in commands.values()] == ["a", "a", "::1"]

    def test_without_a_relay_that_of_the_settings_is_taken(self):
        assert command(said()).endswith(" turn1.example.org")

    def test_machines_get_what_a_peer_connection_takes(self):
        assert set(json.loads(said(json=True))) == {"urls", "username", "credential"}

    @pytest.mark.parametrize(
        ("arguments", "options", "words"),
        [
            (["two words"], {}, "user id"),
            ([], {"secret": 3}, "TURN_SECRETS has 2"),
            ([], {"relay": "a b"}, "is no relay"),
        ],
    )
    def test_what_cannot_be_signed_is_refused(self, arguments, options, words):
        with pytest.raises(CommandError, match=words):
            said(*arguments, **options)

    def test_without_any_relay_it_asks_for_one(self, settings):
        settings.TURN_SERVERS = {}

        with pytest.raises(CommandError, match="--relay"):
            said()
