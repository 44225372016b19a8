"""What each client address may use up, and who counts as one."""

import pytest

from signaling.addresses import Addresses
from signaling.limits import Limits
from signaling.protocol import ProtocolError

LIMITS = Limits(sockets=2, joins=0.5, joins_burst=2)
ALICE, NEIGHBOUR, BOB = "2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1"  # the first two are of one /64


@pytest.fixture
def addresses() -> Addresses:
    return Addresses(LIMITS, key="a key of the tests")


def test_sockets_of_one_64_count_together(addresses):
    addresses.open(ALICE)
    addresses.open(NEIGHBOUR)

    with pytest.raises(ProtocolError) as refusal:
        addresses.open(ALICE)

    assert (refusal.value.code, refusal.value.members) == ("too-many-sockets", {"retry_after": 10})
    addresses.open(BOB)
    addresses.close(NEIGHBOUR)
    addresses.open(ALICE)


def test_joins_of_one_64_count_together(addresses):
    addresses.join(ALICE, now=0)
    addresses.join(NEIGHBOUR, now=0)

    with pytest.raises(ProtocolError) as refusal:
        addresses.join(ALICE, now=0)

    assert (refusal.value.code, refusal.value.members) == ("too-many-joins", {"retry_after": 2})
    addresses.join(BOB, now=0)
    addresses.join(NEIGHBOUR, now=2)


def test_stores_know_one_64_by_one_name_that_nobody_finds_without_the_key(addresses):
    assert addresses.key(ALICE) == addresses.key(NEIGHBOUR)
    assert len({addresses.key(ALICE), addresses.key(BOB), Addresses(LIMITS, key="another").key(ALICE)}) == 3


def test_nothing_is_kept_of_those_whose_sockets_are_closed(addresses):
    for number in range(1000):
        addresses.open(f"192.0.2.{number % 256}")
        addresses.close(f"192.0.2.{number % 256}")

    assert not addresses._sockets
