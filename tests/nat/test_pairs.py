"""Everybody can call everybody, whatever routers they sit behind; and the same without TURN, which shows what it is for."""

import pytest

from tests.nat import kinds, table
from tests.nat.calls import call_with_turn, call_without_turn
from tests.scale import scaled

pytestmark = pytest.mark.browser

_EVERY = kinds.pairs()
_IN_FULL = scaled(len(_EVERY)) == len(_EVERY)
# Each kind once or more, and the hardest with their own kind. IPv6 last: a browser takes notice when its addresses change.
_TEN = [pair.split("-") for pair in (
    "full-port addr-double port-sym sym-sym noudp-addr tcp443-tcp443 tcp443-full double-noudp same-same v6-port"
).split()]  # fmt: skip
_FIVE = [pair.split("-") for pair in "port-port full-sym addr-double port-sym noudp-full".split()]


def named(pair) -> str:
    return "-".join(pair)


class WithTurnTests:
    @pytest.mark.parametrize("pair", _EVERY if _IN_FULL else _TEN, ids=named)
    def test_every_pair_connects_and_sees_each_other(self, lab, seen, pair):
        outcome = call_with_turn(lab, *pair)

        seen[table.WITH_TURN].append(outcome)
        assert outcome.is_connected


class WithoutTurnTests:
    @pytest.mark.parametrize("pair", _EVERY if _IN_FULL else _FIVE, ids=named)
    def test_those_connect_whose_routers_let_them(self, lab, seen, pair):
        outcome = call_without_turn(lab, *pair)

        seen[table.WITHOUT_TURN].append(outcome)
        assert outcome.is_connected == kinds.connects_without_relay(*pair)
        assert not outcome.is_relayed
