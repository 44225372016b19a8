"""How relays are written: what is read, and what is refused before a browser would throw at it."""

import pytest

from turnauth import servers


@pytest.mark.parametrize(
    ("server", "uris"),
    [
        (
            "turn1.example.org",
            ["turn:turn1.example.org:3478?transport=udp", "turn:turn1.example.org:3478?transport=tcp"],
        ),
        (
            "turn1.example.org:443",
            ["turn:turn1.example.org:443?transport=udp", "turn:turn1.example.org:443?transport=tcp"],
        ),
        ("192.0.2.1", ["turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"]),
        ("[2001:db8::1]", ["turn:[2001:db8::1]:3478?transport=udp", "turn:[2001:db8::1]:3478?transport=tcp"]),
        ("[2001:db8::1]:443", ["turn:[2001:db8::1]:443?transport=udp", "turn:[2001:db8::1]:443?transport=tcp"]),
        ("turns:turn1.example.org:443?transport=tcp", ["turns:turn1.example.org:443?transport=tcp"]),
        ("stun:stun.example.org", ["stun:stun.example.org"]),
    ],
)
def test_it_is_read(server, uris):
    assert servers.uris(server) == uris


@pytest.mark.parametrize(
    "server",
    ["", "2001:db8::1", "turn1.example.org:0", "turn1.example.org:65536", "turn1.example.org:x", "https://turn1.example.org", "a b",
     "turn:", "turn://turn1.example.org", "turns:turn1.example.org?transport=sctp", "[2001:db8::1", "-turn.example.org"],
)  # fmt: skip
def test_it_is_refused(server):
    with pytest.raises(ValueError, match="is no relay"):
        servers.uris(server)
