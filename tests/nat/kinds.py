"""
The kinds of routers that people sit behind: their rules for iptables, and which two kinds can do without a relay. Pure.

What a kind is called after is its mapping (does the router show the same port to everybody?) and its filter (whose packets may
come in?), RFC 4787 sections 4.1 and 5. All are made of Linux's NAT, which keeps the port and lets in only the address and port
that were sent to, unless a rule says otherwise.

The rule without which none of this is true: what arrives from outside and is new does not reach the router itself. Else the first
check of the other side, which comes before our own has gone out, is taken down as a connection to the router; our own packet to
that address then finds its port taken, gets another one, and the best router has become a symmetric one.
"""

from itertools import combinations_with_replacement
from typing import NamedTuple

KINDS = {
    "full": "full cone: everybody may answer",
    "addr": "address-restricted: whom one has sent to, from any port",
    "port": "port-restricted: whom one has sent to, from that port",
    "sym": "symmetric: another random port towards each address",
    "noudp": "UDP is blocked",
    "tcp443": "only TCP to port 443 is open",
    "double": "a port-restricted router behind the provider's own",
    "v6": "IPv6 only, behind a firewall",
}
SAME = "same"  # not a kind of its own: both are behind one port-restricted router

_ANSWERS = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
_OUTWARD = "-A FORWARD -i lan -j ACCEPT"  # and within the home, for a bridge may ask these rules as well
_MASQUERADE = "-A POSTROUTING -o wan -j MASQUERADE"
_NOT_THE_ROUTER = "-A INPUT -i wan -m conntrack --ctstate NEW -j DROP"


class Rules(NamedTuple):
    """Of one router: lines of iptables-restore for its two tables, the first that fits decides."""

    forward: tuple[str, ...] = (_ANSWERS, _OUTWARD)
    nat: tuple[str, ...] = (_MASQUERADE,)


def rules(kind: str, *, client: str) -> str:
    """What iptables-restore reads to make a router of this kind, with the client's address behind it."""
    forward, nat = _special(client).get(kind, Rules())
    return _table("filter", ":FORWARD DROP [0:0]", _NOT_THE_ROUTER, *forward) + _table("nat", *nat)


def provider_rules(kind: str) -> str:
    """The same for the provider's router in front of it, which translates only for `double`."""
    nat = (_MASQUERADE,) if kind == "double" else ()
    return _table("filter", _NOT_THE_ROUTER) + _table("nat", *nat)


def firewall() -> str:
    """For ip6tables-restore: nothing is translated, and only answers come in."""
    return _table("filter", ":FORWARD DROP [0:0]", _NOT_THE_ROUTER, _ANSWERS, _OUTWARD)


def pairs() -> list[tuple[str, str]]:
    """Every two kinds, in either order once, and the two behind one router."""
    return [*combinations_with_replacement(KINDS, 2), (SAME, SAME)]


def connects_without_relay(first: str, second: str) -> bool:
    """
    What theory says of two kinds that have only STUN.

    A symmetric router's next port cannot be foretold, so its packets come from where the other was not told of. Cones that filter by
    address or not at all take them in; those that filter by port do not, nor does another symmetric one.
    """
    kinds = {first, second}
    if kinds & {"noudp", "tcp443"}:
        return False
    if "v6" in kinds:
        return kinds == {"v6"}
    return "sym" not in kinds or bool(kinds & {"full", "addr"})


def _special(client: str) -> dict[str, Rules]:
    to_client = f"-j DNAT --to-destination {client}"
    from_outside = "-A PREROUTING -i wan -p udp --dport 1024:65535"
    remember = "-A FORWARD -i lan -o wan -p udp -m recent --name out --rdest --set"
    let_in = "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT"
    return {
        "full": Rules((let_in, _ANSWERS, _OUTWARD), (_MASQUERADE, f"{from_outside} {to_client}")),
        "addr": Rules(
            (remember, let_in, _ANSWERS, _OUTWARD),
            (_MASQUERADE, f"{from_outside} -m recent --name out --rsource --rcheck --seconds 60 {to_client}"),
        ),
        "sym": Rules(nat=("-A POSTROUTING -o wan -p udp -j MASQUERADE --random-fully", _MASQUERADE)),
        "noudp": Rules(("-A FORWARD -p udp -j DROP", _ANSWERS, _OUTWARD)),
        "tcp443": Rules((_ANSWERS, "-A FORWARD -i lan -o wan -p tcp --dport 443 -j ACCEPT")),
    }


def _table(name: str, *lines: str) -> str:
    return "\n".join([f"*{name}", *lines, "COMMIT", ""])
