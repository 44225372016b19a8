"""TURN credentials: known answers made with openssl, and refusals."""

import base64
import hmac
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnauth import credentials


class SignTests:
    def test_it_is_what_openssl_says(self):
        # printf '1800000000:alice' | openssl dgst -sha1 -hmac 'north-pole-north-pole-north-pole-1' -binary | openssl base64
        signed = credentials.sign("alice", secret="north-pole-north-pole-north-pole-1", expires=1800000000)

        assert signed == ("1800000000:alice", "/hztzUoC9VNofEgDN/3i5ykfaEU=")

    def test_it_is_what_openssl_says_of_a_secret_and_a_user_id_with_all_that_is_allowed(self):
        # printf '1:A-z_0-9' | openssl dgst -sha1 -hmac 'south=pole/south+pole:south.pole-2' -binary | openssl base64
        signed = credentials.sign("A-z_0-9", secret="south=pole/south+pole:south.pole-2", expires=1)

        assert signed == ("1:A-z_0-9", "HY2annPfbj/nqm1nDARuaLYCH70=")

    def test_it_is_what_openssl_says_now(self):
        """The command of above, run here, so that the known answers cannot be ours."""
        for secret, user_id in (("s" * 32, "x" * 64), ("0123456789-abcdefghijklmnopqrstuv", "_"), ("ü" * 32, "alice")):
            signed = credentials.sign(user_id, secret=secret, expires=1800000000)
            digest = ["openssl", "dgst", "-sha1", "-hmac", secret, "-binary"]
            raw = subprocess.run(digest, input=signed.username.encode(), capture_output=True, check=True).stdout
            assert base64.b64encode(raw).decode() == signed.password

    @given(
        secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        username=st.text(st.characters(exclude_categories=["Cs"])),
    )
    def test_it_is_what_python_says_of_every_secret_and_username(self, secret, username):
        expected = hmac.digest(secret.encode(), username.encode(), "sha1")

        for _ in range(2):  # the second time with what is kept of the secret
            assert credentials.password(username, secret=secret) == base64.b64encode(expected).decode()

    @pytest.mark.parametrize("length", [63, 64, 65, 200])
    def test_a_secret_may_be_longer_than_a_block_of_the_hash(self, length):
        expected = hmac.digest(b"k" * length, b"1:alice", "sha1")

        assert credentials.password("1:alice", secret="k" * length) == base64.b64encode(expected).decode()

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
