"""Which TURN URIs are read, and how."""

import pytest

from turnauth.targets import parse


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("turn:turn1.example.org", ("turn1.example.org", 3478, "udp")),
        ("turn:turn1.example.org:80?transport=tcp", ("turn1.example.org", 80, "tcp")),
        ("turns:turn1.example.org", ("turn1.example.org", 5349, "tls")),
        ("turns:turn1.example.org:443?transport=tcp", ("turn1.example.org", 443, "tls")),
        ("turn:[2001:db8::1]:3478?transport=udp", ("2001:db8::1", 3478, "udp")),
    ],
)
def test_it_is_read(uri, expected):
    assert parse(uri)[1:] == expected


@pytest.mark.parametrize(
    "uri",
    ["", "stun:turn1.example.org", "turn1.example.org", "turn:", "turns:a?transport=udp", "turn:a?transport=sctp"],
)
def test_it_is_refused(uri):
    with pytest.raises(ValueError):
        parse(uri)


@pytest.mark.parametrize(
    ("host", "public"), [("10.0.0.1", False), ("9.9.9.9", True), ("[fd00::1]", False), ("a.example", True)]
)
def test_a_private_address_is_none_of_the_public_internet(host, public):
    assert parse(f"turn:{host}").is_public is public
