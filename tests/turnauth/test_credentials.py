"""TURN credentials: known answers made with openssl, and refusals."""

import pytest

from turnauth import conf, credentials


class SignTests:
    def test_it_is_what_openssl_says(self):
        # printf '1800000000:alice' | openssl dgst -sha1 -hmac 'north-pole-north-pole-north-pole-1' -binary | openssl base64
        signed = credentials.sign("alice", secret="north-pole-north-pole-north-pole-1", expires=1800000000)

        assert signed == ("1800000000:alice", "/hztzUoC9VNofEgDN/3i5ykfaEU=")

    @pytest.mark.parametrize("user_id", ["", "two words", 'quote"', "x" * 65, "é", "a:b", "line\n"])
    def test_a_user_id_that_coturn_would_refuse_is_refused_here(self, user_id):
        with pytest.raises(ValueError, match="user id"):
            credentials.sign(user_id, secret="s" * 32, expires=1)


class LifetimeTests:
    def test_it_counts_down_and_below_zero(self):
        assert [credentials.lifetime_left("1000:alice", now=now) for now in (900, 1000, 1100)] == [100, 0, -100]

    @pytest.mark.parametrize("username", ["", "alice", "alice:1000", "-5:alice", ":alice", "1000"])
    def test_another_username_is_refused(self, username):
        with pytest.raises(ValueError, match="TURN REST username"):
            credentials.lifetime_left(username, now=0)


class IceServersTests:
    def test_without_relays_there_are_none(self, settings):
        settings.TURN_SERVERS = ()

        assert conf.ice_servers(user="alice", now=0) == ([], None)

    def test_they_are_ready_for_a_peer_connection(self, settings):
        settings.TURN_SERVERS = ("turn1.example.org", "turn2.example.org:5349", "turn3.example.org")
        settings.TURN_SECRETS = ("s" * 32, "t" * 32)
        settings.TURN_TTL = 3600

        servers, lifetime = conf.ice_servers(user="alice", now=1000)

        assert lifetime == 3600
        assert servers[0]["urls"] == [
            "turn:turn1.example.org:3478?transport=udp",
            "turn:turn1.example.org:3478?transport=tcp",
            "turn:turn2.example.org:5349?transport=udp",
            "turn:turn2.example.org:5349?transport=tcp",
        ]
        assert servers[0]["username"].startswith("4600:")
        assert "alice" not in servers[0]["username"]
        user_id = servers[0]["username"].partition(":")[2]
        assert servers[0]["credential"] == credentials.sign(user_id, secret="s" * 32, expires=4600).password
