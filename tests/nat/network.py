"""
The network of the laboratory: two homes behind routers around a public network, each a network namespace of this machine.

    a ── home-a ── provider-a ─┐
    │                          ├─ public: the site 198.51.100.10, the same with STUN only .11, the relay .12
    └─ mobile ─────────────────┤
    b ── home-b ── provider-b ─┘
    └─ (a second cable into home-a)

IPv6 goes the same ways, routed and not translated. Nothing reaches the machine's own network, and namespaces of another run have
other names, so two may go in parallel. All is done by root's `ip` and `iptables`.
"""

import os
import subprocess
from itertools import count
from pathlib import Path
from typing import NamedTuple

from tests.nat import kinds

SITE, STUN_SITE, RELAY = (
    ("198.51.100.10", "2001:db8:51::10"),
    ("198.51.100.11", "2001:db8:51::11"),
    ("198.51.100.12", "2001:db8:51::12"),
)
_NAMES = ("public", "a", "home-a", "provider-a", "b", "home-b", "provider-b", "mobile")
_SIDES = {"a": 1, "b": 2}
_numbers = count(1)  # one process may have several


class NoNamespaces(Exception):
    """They cannot be made here; the text says why, in a sentence."""


class Cable(NamedTuple):
    """An interface of a client, and the router it leads to."""

    interface: str
    address: str  # with the length of the network's prefix
    router: str


class Network:
    """A context manager: all namespaces, cables and routes, gone at the end."""

    def __init__(self) -> None:
        self._prefix = f"gruveo-{os.getpid()}-{next(_numbers)}-"

    def __enter__(self) -> "Network":
        """
        Raises:
            NoNamespaces: it cannot be built here.
        """
        if os.geteuid() != 0:
            raise NoNamespaces(
                "The NAT laboratory makes network namespaces, which only root may: run the tests with sudo."
            )
        try:
            _remove_orphans()
            self._make()
        except subprocess.CalledProcessError as error:
            self.__exit__(None, None, None)
            reason = error.stderr.decode().strip()
            raise NoNamespaces(f"Network namespaces cannot be made here: {' '.join(error.cmd)}: {reason}") from error
        return self

    def __exit__(self, *_) -> None:
        for name in _NAMES:
            subprocess.run(["ip", "netns", "delete", self._prefix + name], capture_output=True)

    def path(self, name: str) -> Path:
        """The file that stands for this namespace."""
        return Path("/run/netns", self._prefix + name)

    def inside(self, name: str) -> list[str]:
        """In front of a command: runs it there."""
        return ["nsenter", f"--net={self.path(name)}", "--"]

    def set_kind(self, side: str, kind: str) -> None:
        """Makes the routers of a side be of this kind, and gives its client addresses that fit."""
        router = "port" if kind in (kinds.SAME, "v6") else kind
        self._restore(f"home-{side}", kinds.rules(router, client=f"192.168.{_SIDES[side]}.2"))
        self._restore(f"provider-{side}", kinds.provider_rules(kind))
        self._plug(side, kind)

    def move_to_mobile(self) -> None:
        """a's cable is pulled out; another leads to another router, with another address, and its first one is gone."""
        self.unplug("a")
        self._ip("a", _up(Cable("eth1", "10.64.0.2/24", "10.64.0.1")))

    def unplug(self, side: str) -> None:
        self._ip(side, "link set eth0 down\naddress flush dev eth0\n")

    def spoil(self, side: str, share: float) -> None:
        """
        From now on the router of this side loses this share of what it forwards, in each direction, and hands the rest to whoever
        listens to queue 0 there, if anybody does.
        """
        lines = [
            f"-A FORWARD {way} wan {target}"
            for target in (f"-m statistic --mode random --probability {share} -j DROP", "-j NFQUEUE --queue-bypass")
            for way in ("-i", "-o")
        ]
        self._restore(f"home-{side}", "\n".join(["*mangle", *lines, "COMMIT", ""]))

    def lost(self, side: str) -> int:
        """How many packets the router of this side has lost since it was spoiled."""
        listed = _run(
            [*self.inside(f"home-{side}"), "iptables", "-t", "mangle", "-L", "FORWARD", "-v", "-n", "-x"]
        ).decode()
        return sum(int(line.split()[0]) for line in listed.splitlines() if " DROP " in line)

    def mend(self, side: str) -> None:
        self._restore(f"home-{side}", "*mangle\nCOMMIT\n")

    # How it is built

    def _make(self) -> None:
        for name in _NAMES:
            _run(["ip", "netns", "add", self._prefix + name])
            self._ip(name, "link set lo up\n")
            self._forward(name)
        addresses = [
            f"address add {one} dev lo"
            for v4, v6 in (SITE, STUN_SITE, RELAY)
            for one in (f"{v4}/32", f"{v6}/128 nodad")
        ]
        self._ip("public", "\n".join(addresses))
        for side, number in _SIDES.items():
            self._make_home(side, number)
        self._make_mobile()
        self._connect("b", "eth1", "home-a", "lan2")
        self._ip("home-a", "link set lan2 master lan\nlink set lan2 up\n")

    def _make_home(self, side: str, number: int) -> None:
        home, provider, street = f"home-{side}", f"provider-{side}", number * 16
        self._ip(home, "link add lan type bridge\nlink set lan up\n")
        self._connect(side, "eth0", home, "lan1")
        self._connect(home, "wan", provider, "inner")
        self._connect(provider, "wan", "public", f"to-{side}")
        self._ip(
            home,
            "link set lan1 master lan\nlink set lan1 up\nlink set wan up\n"
            f"address add 192.168.{number}.1/24 dev lan\naddress add 203.0.113.{street + 6}/30 dev wan\n"
            f"address add 2001:db8:{number}::1/64 dev lan nodad\naddress add 2001:db8:{number}:1::2/64 dev wan nodad\n"
            f"route add default via 203.0.113.{street + 5}\nroute add default via 2001:db8:{number}:1::1\n",
        )
        self._ip(
            provider,
            "link set inner up\nlink set wan up\n"
            f"address add 203.0.113.{street + 5}/30 dev inner\naddress add 203.0.113.{street + 2}/30 dev wan\n"
            f"address add 2001:db8:{number}:1::1/64 dev inner nodad\naddress add 2001:db8:{number}:2::2/64 dev wan nodad\n"
            f"route add default via 203.0.113.{street + 1}\nroute add default via 2001:db8:{number}:2::1\n"
            f"route add 2001:db8:{number}::/64 via 2001:db8:{number}:1::2\n",
        )
        self._ip(
            "public",
            f"link set to-{side} up\n"
            f"address add 203.0.113.{street + 1}/30 dev to-{side}\naddress add 2001:db8:{number}:2::1/64 dev to-{side} nodad\n"
            f"route add 203.0.113.{street + 4}/30 via 203.0.113.{street + 2}\n"
            f"route add 2001:db8:{number}::/64 via 2001:db8:{number}:2::2\n"
            f"route add 2001:db8:{number}:1::/64 via 2001:db8:{number}:2::2\n",
        )
        self._restore(home, kinds.firewall(), command="ip6tables-restore")

    def _make_mobile(self) -> None:
        self._connect("a", "eth1", "mobile", "lan")
        self._connect("mobile", "wan", "public", "to-mobile")
        self._ip(
            "mobile",
            "link set lan up\nlink set wan up\naddress add 10.64.0.1/24 dev lan\naddress add 203.0.113.66/30 dev wan\n"
            "route add default via 203.0.113.65\n",
        )
        self._ip("public", "link set to-mobile up\naddress add 203.0.113.65/30 dev to-mobile\n")
        self._restore("mobile", kinds.rules("port", client="10.64.0.2"))

    def _plug(self, side: str, kind: str) -> None:
        number = _SIDES[side]
        cable = Cable("eth0", f"192.168.{number}.2/24", f"192.168.{number}.1")
        if kind == "v6":
            cable = Cable("eth0", f"2001:db8:{number}::2/64", f"2001:db8:{number}::1")
        if kind == kinds.SAME and side == "b":
            cable = Cable("eth1", "192.168.1.3/24", "192.168.1.1")
        if self._has(side, cable):
            return  # a browser need not hear of a change that is none
        self._ip(side, "".join(f"link set {name} down\naddress flush dev {name}\n" for name in ("eth0", "eth1")))
        self._ip(side, _up(cable))

    def _has(self, side: str, cable: Cable) -> bool:
        shown = _run(["ip", "-n", self._prefix + side, "-oneline", "address", "show", "scope", "global"]).decode()
        return [line.split()[1:4:2] for line in shown.splitlines()] == [[cable.interface, cable.address]]

    def _connect(self, one: str, its: str, other: str, others: str) -> None:
        _run(
            [
                "ip",
                "link",
                "add",
                its,
                "netns",
                self._prefix + one,
                "type",
                "veth",
                "peer",
                "name",
                others,
                "netns",
                self._prefix + other,
            ]
        )

    def _forward(self, name: str) -> None:
        settings = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] if name not in _SIDES else []
        settings += [
            "net.ipv6.conf.default.accept_dad=0",
            "net.ipv6.conf.default.accept_ra=0",
            "net.ipv4.ip_unprivileged_port_start=0",
        ]
        _run([*self.inside(name), "sysctl", "--quiet", "--write", *settings])

    def _ip(self, name: str, commands: str) -> None:
        _run(["ip", "-n", self._prefix + name, "-batch", "-"], commands)

    def _restore(self, name: str, tables: str, *, command: str = "iptables-restore") -> None:
        _run([*self.inside(name), command], tables)


def _remove_orphans() -> None:
    """What runs that were killed have left: a namespace lives on without its processes."""
    for file in Path("/run/netns").glob("gruveo-*-*-*"):
        if not Path("/proc", file.name.split("-")[1]).exists():
            _run(["ip", "netns", "delete", file.name])


def _up(cable: Cable) -> str:
    interface, address, router = cable
    options = " nodad" if ":" in address else ""
    return f"link set {interface} up\naddress add {address} dev {interface}{options}\nroute add default via {router}\n"


def _run(command: list[str], given: str = "") -> bytes:
    return subprocess.run(command, input=given.encode(), capture_output=True, check=True).stdout
