"""What is wrong with the settings of TURN: told by `manage.py check`, and by the start of a server."""

import pytest

from tests.test_settings import PRODUCTION, load
from turnauth import checks

pytestmark = pytest.mark.server

SECRETS = ("a-secret-of-the-relays-0123456789-abc", "another-secret-of-theirs-0123456789")
RIGHT = {
    "TURN_SERVERS": {"eu": ("turn1.example.org",), "us": ("turn2.example.org",)},
    "TURN_DEFAULT_REGION": "eu",
    "TURN_SECRETS": SECRETS,
    "TURN_TTL": 3600,
    "PRODUCTION": True,
}


def found(settings, **wrong) -> list[str]:
    for name, value in {**RIGHT, **wrong}.items():
        setattr(settings, name, value)
    messages = checks.turn()
    assert all(message.hint for message in messages)
    assert not any(secret in str(message) for message in messages for secret in settings.TURN_SECRETS)
    return [message.id for message in messages]


class CheckTests:
    def test_nothing_is_said_when_all_is_right(self, settings):
        assert found(settings) == []

    def test_nothing_is_said_of_a_local_site_without_relays(self, settings):
        assert found(settings, TURN_SERVERS={}, TURN_DEFAULT_REGION="", TURN_SECRETS=(), PRODUCTION=False) == []

    @pytest.mark.parametrize(
        ("wrong", "expected"),
        [
            ({"TURN_SERVERS": {"eu": ("2001:db8::1",)}}, "turnauth.E001"),
            ({"TURN_DEFAULT_REGION": "mars"}, "turnauth.E002"),
            ({"TURN_DEFAULT_REGION": ""}, "turnauth.E002"),
            ({"TURN_SECRETS": ("s3cr3t-but-short",)}, "turnauth.E003"),
            ({"TURN_SECRETS": (*SECRETS, "a-third-secret-of-theirs-0123456789")}, "turnauth.E004"),
            ({"TURN_SECRETS": (SECRETS[0], SECRETS[0])}, "turnauth.E005"),
            ({"TURN_TTL": 0}, "turnauth.E006"),
            ({"TURN_TTL": 86401}, "turnauth.E006"),
            ({"TURN_SECRETS": ()}, "turnauth.E007"),
            ({"TURN_SERVERS": {}, "TURN_SECRETS": ()}, "turnauth.W001"),
            ({"TURN_SERVERS": {}, "PRODUCTION": False}, "turnauth.W002"),
            ({"TURN_TTL": 599}, "turnauth.W003"),
            ({"TURN_SERVERS": {"eu": ("turn1.example.org:3478",), "us": ("turn2.example.org",)}}, "turnauth.W004"),
        ],
    )
    def test_each_fault_has_its_id(self, settings, wrong, expected):
        assert found(settings, **wrong) == [expected]


class StartTests:
    @pytest.mark.parametrize(
        ("variable", "wrong"),
        [
            ("TURN_SERVERS", {"TURN_SERVERS": "eu=a.example;b.example"}),
            ("TURN_DEFAULT_REGION", {"TURN_DEFAULT_REGION": "mars"}),
            ("TURN_DEFAULT_REGION", {"TURN_SERVERS": "eu=a.example;us=b.example"}),
            ("TURN_SECRETS", {"TURN_SECRETS": ",".join([*SECRETS, "a-third-s3cr3t-of-theirs-0123456789"])}),
            ("TURN_SECRETS", {"TURN_SECRETS": ",".join(["a-s3cr3t-that-is-there-twice-0123456"] * 2)}),
            ("TURN_SECRETS", {"TURN_SECRETS": ""}),
            ("TURN_TTL", {"TURN_TTL": "86401"}),
        ],
    )
    def test_a_fault_stops_it_with_the_name_of_the_variable_and_no_secret(self, tmp_path, variable, wrong):
        right = {"TURN_SERVERS": "eu=turn1.example.org", "TURN_SECRETS": ",".join(SECRETS)}

        done = load(tmp_path, **{**PRODUCTION, **right, **wrong})

        assert done.returncode != 0
        assert f"BadValue: {variable} " in done.stderr.strip().splitlines()[-1]
        assert "s3cr3t" not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("written", "region", "expected"),
        [
            ("turn1.example.org", "", "{'': ('turn1.example.org',)} ''"),
            ("turn1.example.org", "eu", "{'eu': ('turn1.example.org',)} 'eu'"),
            ("eu=turn1.example.org", "", "{'eu': ('turn1.example.org',)} 'eu'"),
            ("eu=a.example;us=b.example", "us", "{'eu': ('a.example',), 'us': ('b.example',)} 'us'"),
        ],
    )
    def test_relays_are_read_by_region(self, tmp_path, written, region, expected):
        turn = {"TURN_SERVERS": written, "TURN_DEFAULT_REGION": region, "TURN_SECRETS": SECRETS[0]}

        show = "print(settings.TURN_SERVERS, repr(settings.TURN_DEFAULT_REGION))"
        done = load(tmp_path, show, **PRODUCTION, **turn)

        assert done.stdout.strip() == expected, done.stderr
