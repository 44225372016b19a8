"""ICE servers for one client."""

import pytest

from turnauth import credentials, ice


@pytest.fixture(autouse=True)
def relays(settings):
    settings.TURN_SERVERS = {"eu": ("turn1.example.org",), "us": ("turn2.example.org",)}
    settings.TURN_DEFAULT_REGION = "eu"
    settings.TURN_SECRETS = ("s" * 32, "t" * 32)
    settings.TURN_TTL = 3600


class IceServersTests:
    def test_without_relays_there_are_none(self, settings):
        settings.TURN_SERVERS = {}

        assert ice.ice_servers(user="alice", now=0) == ([], None)

    def test_they_are_ready_for_a_peer_connection(self):
        servers, lifetime = ice.ice_servers(user="alice", now=1000.9, room="room")

        assert lifetime == 3600
        assert len(servers) == 1
        assert servers[0].keys() == {"urls", "username", "credential"}
        assert servers[0]["urls"] == [
            "turn:turn1.example.org:3478?transport=udp",
            "turn:turn1.example.org:3478?transport=tcp",
            "turns:turn1.example.org:443?transport=tcp",
        ]

    def test_the_first_secret_signs(self):
        servers, _ = ice.ice_servers(user="alice", now=1000)

        expires, _, user_id = servers[0]["username"].partition(":")
        assert expires == "4600"
        assert servers[0]["credential"] == credentials.sign(user_id, secret="s" * 32, expires=4600).password

    def test_the_region_is_the_one_that_was_asked_for(self):
        servers, _ = ice.ice_servers(user="alice", now=1000, region="us")

        assert "turn2.example.org" in servers[0]["urls"][0]


class UserIdTests:
    def test_it_tells_relays_nothing_and_is_stable(self, settings):
        before = ice.user_id("alice")
        settings.TURN_SECRETS = ("u" * 32,)

        assert before == ice.user_id("alice")
        assert "alice" not in before
        assert credentials.sign(before, secret="s" * 32, expires=1)  # in characters that coturn takes

    def test_it_is_another_one_for_somebody_else_and_on_another_site(self, settings):
        alice = ice.user_id("alice")
        assert ice.user_id("bob") != alice
        settings.SECRET_KEY = "another-key-of-django-0123456789-abc"
        assert ice.user_id("alice") != alice
