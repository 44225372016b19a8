"""Whether each router is of the kind it is called, which all else here rests on; and what theory says of two of them."""

import socket
from contextlib import ExitStack

import pytest

from tests.nat import kinds, sockets
from tests.nat.network import RELAY, SITE, Network

pytestmark = pytest.mark.server

_SECONDS = 10  # for what will arrive


class Outside:
    """Sockets on the public network, and one behind the router of a; a context manager."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __enter__(self) -> "Outside":
        with ExitStack() as stack:
            self.inside = stack.enter_context(self._socket("a", "0.0.0.0"))
            self.friend = stack.enter_context(self._socket("public", RELAY[0]))
            self.neighbour = stack.enter_context(self._socket("public", RELAY[0]))  # same address, another port
            self.stranger = stack.enter_context(self._socket("public", SITE[0]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def _socket(self, namespace: str, address: str) -> socket.socket:
        made = sockets.datagrams(self._network.path(namespace), address)
        made.settimeout(_SECONDS)
        return made

    def shown_to(self, other: socket.socket) -> tuple[str, int]:
        """From which address and port a packet from inside arrives there."""
        self.inside.sendto(b"hello", other.getsockname())
        return other.recvfrom(100)[1]

    def heard_inside(self, expected: set[str]) -> set[str]:
        """Who gets through to the one inside, who has sent to the friend only: all that arrives until all that should has."""
        shown = self.shown_to(self.friend)
        for name in ("neighbour", "stranger", "friend"):
            getattr(self, name).sendto(name.encode(), shown)
        heard: set[str] = set()
        while not heard >= expected:
            heard.add(self.inside.recv(100).decode())
        return heard


@pytest.fixture
def outside(network):
    with Outside(network) as made:
        yield made


class RoutersTests:
    @pytest.mark.parametrize(
        ("kind", "heard"),
        [
            ("full", {"friend", "neighbour", "stranger"}),
            ("addr", {"friend", "neighbour"}),
            ("port", {"friend"}),
            ("sym", {"friend"}),
            ("double", {"friend"}),
        ],
    )
    def test_it_lets_in_whom_its_kind_does(self, network, outside, kind, heard):
        network.set_kind("a", kind)

        assert outside.heard_inside(heard) == heard

    @pytest.mark.parametrize("kind", ["full", "addr", "port", "double"])
    def test_it_shows_the_same_port_to_everybody(self, network, outside, kind):
        network.set_kind("a", kind)

        assert (
            outside.shown_to(outside.friend)
            == outside.shown_to(outside.neighbour)
            == outside.shown_to(outside.stranger)
        )

    def test_the_symmetric_one_shows_another_port_to_each(self, network, outside):
        network.set_kind("a", "sym")

        shown = {outside.shown_to(other) for other in (outside.friend, outside.neighbour, outside.stranger)}

        assert len(shown) == 3

    def test_behind_two_routers_one_is_seen_as_the_outer_one(self, network):
        seen = []
        for kind in ("port", "double"):
            network.set_kind("a", kind)
            with Outside(network) as outside:  # a mapping that is in use stays as it is
                seen.append(outside.shown_to(outside.friend)[0])

        assert seen == ["203.0.113.22", "203.0.113.18"]

    def test_a_packet_that_comes_too_early_does_not_make_a_cone_symmetric(self, network, outside):
        """The one rule of kinds.py without which direct calls fail by chance."""
        network.set_kind("a", "port")
        shown = outside.shown_to(outside.friend)

        outside.stranger.sendto(b"early", shown)

        assert outside.shown_to(outside.stranger) == shown

    @pytest.mark.parametrize("kind", ["noudp", "tcp443"])
    def test_udp_is_blocked(self, network, outside, kind):
        network.set_kind("a", kind)
        outside.inside.sendto(b"blocked", outside.friend.getsockname())

        network.set_kind("a", "port")
        outside.inside.sendto(b"passes", outside.friend.getsockname())

        assert outside.friend.recv(100) == b"passes"

    def test_only_tcp_to_443_passes(self, network):
        network.set_kind("a", "tcp443")
        with (
            sockets.listen(network.path("public"), SITE[0], 443) as open_one,
            sockets.listen(network.path("public"), SITE[0], 3478) as shut_one,
            sockets.connecting(network.path("a"), (SITE[0], 3478)),
            sockets.connecting(network.path("a"), (SITE[0], 443)),
        ):
            open_one.settimeout(_SECONDS)
            open_one.accept()[0].close()

            shut_one.setblocking(False)
            with pytest.raises(BlockingIOError):
                shut_one.accept()

    def test_there_is_no_ipv4_with_ipv6_only(self, network):
        network.set_kind("a", "v6")

        with sockets.datagrams(network.path("a"), "::") as inside, pytest.raises(OSError, match="unreachable"):
            inside.sendto(b"hello", (f"::ffff:{RELAY[0]}", 9))

    def test_the_next_kind_brings_the_addresses_back(self, network, outside):
        network.set_kind("a", "v6")
        network.set_kind("a", "port")

        assert outside.shown_to(outside.friend)


class TheoryTests:
    def test_there_are_37_pairs_of_which_14_connect_without_a_relay(self):
        pairs = kinds.pairs()

        assert len(pairs) == len(set(pairs)) == 37
        assert sum(kinds.connects_without_relay(*pair) for pair in pairs) == 14

    @pytest.mark.parametrize(
        ("pair", "connects"),
        [
            (("port", "port"), True),
            (("full", "sym"), True),
            (("addr", "sym"), True),
            (("port", "sym"), False),
            (("double", "sym"), False),
            (("sym", "sym"), False),
            (("full", "noudp"), False),
            (("full", "tcp443"), False),
            (("full", "v6"), False),
            (("v6", "v6"), True),
            (("same", "same"), True),
        ],
    )
    def test_it_does_not_matter_who_is_first(self, pair, connects):
        assert kinds.connects_without_relay(*pair) == kinds.connects_without_relay(*reversed(pair)) == connects
