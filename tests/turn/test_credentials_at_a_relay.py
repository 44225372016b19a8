"""What we sign, held against a real coturn: which credentials it takes, and which it does not."""

import json
import socket
import time

import pytest

from tests.coturn import SECRET, Coturn
from tests.turn.allocation import Allocation, Refused, refusal
from turnauth import credentials

NEW = "a-newer-secret-of-the-relay-0123456789-abc"

pytestmark = pytest.mark.server


def signed(user_id: str = "alice", *, secret: str = SECRET, seconds: int = 600) -> credentials.Credentials:
    return credentials.sign(user_id, secret=secret, expires=int(time.time()) + seconds)


def signed_by_hand(username: str) -> credentials.Credentials:
    """With the right secret, and a username that we would never sign."""
    return credentials.Credentials(username, credentials.password(username, secret=SECRET))


def fetch(site) -> dict:
    with site.get("/turn/?service=turn", **{"Sec-Fetch-Site": "same-origin"}) as answer:
        return json.load(answer)


class RestTests:
    @pytest.mark.parametrize("number", [0, 1, 2], ids=["udp", "tcp", "tls"])
    def test_credentials_from_our_address_allocate(self, site, relay, number):
        answer = fetch(site)

        uri = answer["uris"][number]
        assert uri == relay.uri(["udp", "tcp", "tls"][number])
        with Allocation(uri, answer["username"], answer["password"], ca_file=relay.ca_file) as allocation:
            assert allocation.relayed[0] == "127.0.0.1"
            with _receiver() as peer:
                allocation.send(b"over the relay", peer.getsockname())
                assert peer.recvfrom(100) == (b"over the relay", allocation.relayed)

    def test_the_relay_counts_the_same_visitor_as_one(self, site):
        ids = {fetch(site)["username"].partition(":")[2] for _ in range(2)}

        assert len(ids) == 1


class RefusalTests:
    @pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
    def test_fresh_ones_are_taken_and_expired_ones_are_not(self, relay, way):
        given = {"ca_file": relay.ca_file}

        assert refusal(relay.uri(way), *signed(), **given) is None
        # coturn looks at the clock once a second, and later on a machine that has much to do.
        assert refusal(relay.uri(way), *signed(seconds=-20), **given) == 401

    def test_another_secret_does_not_serve(self, relay):
        assert refusal(relay.uri("udp"), *signed(secret=NEW)) == 401

    def test_who_puts_the_expiry_off_or_takes_another_id_is_refused(self, relay):
        username, password = signed()
        expires, _, user_id = username.partition(":")

        assert refusal(relay.uri("udp"), f"{int(expires) + 1}:{user_id}", password) == 401
        assert refusal(relay.uri("udp"), f"{expires}:bob", password) == 401
        assert refusal(relay.uri("udp"), username, password.replace("=", "A")) == 401

    @pytest.mark.parametrize("username", ["alice", ":alice", "never:alice"])
    def test_without_an_expiry_nothing_serves_even_when_signed(self, relay, username):
        assert refusal(relay.uri("udp"), *signed_by_hand(username)) == 401

    @pytest.mark.parametrize("user_id", ["two words", "it's", 'a"b', "back\\slash", "line\nbreak", "union select"])
    def test_ids_that_coturn_dislikes_are_refused_and_we_never_sign_them(self, relay, user_id):
        by_hand = signed_by_hand(f"{int(time.time()) + 600}:{user_id}")

        assert refusal(relay.uri("udp"), *by_hand) == 400
        with pytest.raises(ValueError, match="user id"):
            signed(user_id)

    @pytest.mark.parametrize("user_id", ["a", "A-z_0-9", "x" * 64])
    def test_every_kind_of_id_that_we_sign_is_taken(self, relay, user_id):
        assert refusal(relay.uri("udp"), *signed(user_id)) is None


class RotationTests:
    def test_both_secrets_serve_until_the_old_one_is_dropped(self):
        with Coturn(secrets=()) as relay:
            relay.add_secret(SECRET)
            relay.add_secret(NEW)
            uri = relay.uri("udp")
            assert [refusal(uri, *signed(secret=secret)) for secret in (SECRET, NEW)] == [None, None]

            relay.drop_secret(SECRET)

            assert [refusal(uri, *signed(secret=secret)) for secret in (SECRET, NEW)] == [401, None]

    def test_an_allocation_that_lives_lives_on_when_its_secret_is_dropped(self):
        with Coturn(secrets=()) as relay:
            relay.add_secret(SECRET)
            with Allocation(relay.uri("udp"), *signed()) as allocation, _receiver() as peer:
                relay.drop_secret(SECRET)
                with pytest.raises(Refused):
                    Allocation(relay.uri("udp"), *signed()).__enter__()

                assert allocation.refresh() == 600
                allocation.send(b"still here", peer.getsockname())
                assert peer.recvfrom(100) == (b"still here", allocation.relayed)

    def test_an_allocation_outlives_its_credentials(self, relay):
        with Allocation(relay.uri("udp"), *signed(seconds=1)) as allocation:
            username, password = allocation.login
            while refusal(relay.uri("udp"), username, password) is None:
                time.sleep(0.2)  # nobody tells of it

            assert allocation.refresh() == 600


def _receiver() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(15)
    udp.bind(("127.0.0.1", 0))
    return udp
