"""How relays are written: what is read, and what is refused before a browser would throw at it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnauth import servers


@pytest.mark.parametrize(
    ("server", "uris"),
    [
        (
            "turn1.example.org",
            [
                "turn:turn1.example.org:3478?transport=udp",
                "turn:turn1.example.org:3478?transport=tcp",
                "turns:turn1.example.org:443?transport=tcp",
            ],
        ),
        (
            "turn1.example.org:443",
            ["turn:turn1.example.org:443?transport=udp", "turn:turn1.example.org:443?transport=tcp"],
        ),
        (
            "[2001:db8::1]",
            [
                "turn:[2001:db8::1]:3478?transport=udp",
                "turn:[2001:db8::1]:3478?transport=tcp",
                "turns:[2001:db8::1]:443?transport=tcp",
            ],
        ),
        ("192.0.2.1:3478", ["turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"]),
        ("[2001:db8::1]:443", ["turn:[2001:db8::1]:443?transport=udp", "turn:[2001:db8::1]:443?transport=tcp"]),
        ("turns:turn1.example.org:443?transport=tcp", ["turns:turn1.example.org:443?transport=tcp"]),
    ],
)
def test_it_is_read(server, uris):
    assert servers.uris(server) == uris


@pytest.mark.parametrize(
    "server",
    ["", "2001:db8::1", "turn1.example.org:0", "turn1.example.org:65536", "turn1.example.org:x", "https://turn1.example.org", "a b",
     "turn:", "turn://turn1.example.org", "turns:turn1.example.org?transport=sctp", "[2001:db8::1", "-turn.example.org",
     "stun:stun.example.org"],
)  # fmt: skip
def test_it_is_refused(server):
    with pytest.raises(ValueError, match="is no relay"):
        servers.uris(server)


class HostTests:
    @pytest.mark.parametrize(
        "server", ["Turn1.example.org", "turn1.example.org:3478", "turns:turn1.example.org:443?transport=tcp"]
    )
    def test_it_is_the_machine_however_it_is_written(self, server):
        assert servers.host(server) == "turn1.example.org"


class ByRegionTests:
    def test_relays_stand_in_regions(self):
        written = "eu-west-1=turn1.example.org, turn2.example.org:3478; us-east-1=[2001:db8::1]:443;"

        assert servers.by_region(written) == {
            "eu-west-1": ("turn1.example.org", "turn2.example.org:3478"),
            "us-east-1": ("[2001:db8::1]:443",),
        }

    def test_without_a_region_they_are_in_the_default_one(self):
        assert servers.by_region("a.example,b.example") == {"": ("a.example", "b.example")}
        assert servers.by_region("a.example", default_region="eu") == {"eu": ("a.example",)}

    def test_the_equals_sign_of_a_uri_names_no_region(self):
        written = "turn:a.example:3478?transport=udp"

        assert servers.by_region(written) == {"": (written,)}
        assert servers.by_region(f"eu={written}") == {"eu": (written,)}

    def test_nothing_is_no_region(self):
        assert servers.by_region(" ; ") == {}

    @pytest.mark.parametrize(
        ("written", "complaint"),
        [
            ("eu=a.example;eu=b.example", "stands there twice"),
            ("eu=a.example;b.example", "has no region"),
            ("eu=", "has no relays"),
            ("eu=a.example;us=,", "has no relays"),
            ("eu=2001:db8::1", "is no relay"),
            ("e u=a.example", "is no relay"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, written, complaint):
        with pytest.raises(ValueError, match=complaint):
            servers.by_region(written)

    @given(st.text() | st.from_regex(r"[a-z=;,.:?]{0,30}", fullmatch=True))
    def test_any_text_is_read_or_refused(self, text):
        try:
            found = servers.by_region(text)
        except ValueError:
            return
        assert all(servers.uris(relay) for relays in found.values() for relay in relays)
