"""The names of the laboratory, as a resolver asks for them."""

import pytest

from tests.nat.resolver import answer

_NAMES = {"turn.test": ("198.51.100.12", "2001:db8::12"), "four.test": ("198.51.100.9",)}


def query(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return bytes.fromhex("abcd 0100 0001 0000 0000 0000") + labels + b"\0" + bytes([0, kind, 0, 1])


class AnswerTests:
    @pytest.mark.parametrize(
        ("kind", "address"), [(1, "c633640c"), (28, "20010db8000000000000000000000012")], ids=["A", "AAAA"]
    )
    def test_a_name_has_an_address_of_each_kind(self, kind, address):
        given = answer(query("Turn.Test", kind), _NAMES)

        assert given.startswith(bytes.fromhex("abcd 8580 0001 0001"))
        assert given.endswith(bytes.fromhex(address))

    def test_a_name_without_an_address_of_the_kind_is_known_and_has_none(self):
        assert answer(query("four.test", 28), _NAMES)[:8] == bytes.fromhex("abcd 8580 0001 0000")

    def test_a_name_of_elsewhere_is_unknown(self):
        assert answer(query("example.org", 1), _NAMES)[:8] == bytes.fromhex("abcd 8583 0001 0000")
