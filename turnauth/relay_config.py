"""
The hardened `turnserver.conf` that this project expects, each line with its reason. Pure.

Quotas follow from the rooms. In a mesh each person has a peer connection to each other one, and on each of these a browser makes one
allocation for every URL on every network interface: 5 × 4 × 2 = 40 in a room of six. An ICE restart makes as many again before the old
ones go, and coturn counts one that has gone for up to a second more.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

_URLS = 4  # what a client is given at most
_INTERFACES = 2  # Wi-Fi and mobile, or IPv4 and IPv6
_GENERATIONS = 3  # those that live, those of a restart, and those that coturn has not yet counted as gone

_Line = tuple[str, str]  # what coturn reads, and why it stands there

_DENIED = (
    ("0.0.0.0-0.255.255.255", '"this network", which reaches the relay itself'),
    ("10.0.0.0-10.255.255.255", "private networks: the machines beside the relay are nobody's to reach"),
    ("100.64.0.0-100.127.255.255", "the shared addresses of providers"),
    ("127.0.0.0-127.255.255.255", "the relay itself"),
    ("169.254.0.0-169.254.255.255", "link-local: cloud metadata, and the credentials of the machine with it"),
    ("172.16.0.0-172.31.255.255", "private networks"),
    ("192.0.0.0-192.0.0.255", "reserved for protocols"),
    ("192.0.2.0-192.0.2.255", "documentation"),
    ("192.88.99.0-192.88.99.255", "6to4, which leads to other addresses"),
    ("192.168.0.0-192.168.255.255", "private networks"),
    ("198.18.0.0-198.19.255.255", "networks for measurements"),
    ("198.51.100.0-198.51.100.255", "documentation"),
    ("203.0.113.0-203.0.113.255", "documentation"),
    ("224.0.0.0-239.255.255.255", "multicast: one packet in, many out"),
    ("240.0.0.0-255.255.255.255", "reserved, and broadcast"),
    ("::1", "the relay itself"),
    ("::2-::ffff:ffff", "IPv4 in an old coat; beginning at :: this would deny every IPv4 peer"),
    (
        "::100:0-::ffff:ffff",
        "the same again: coturn compares byte by byte, and :: with a last byte below 2 slips through above",
    ),
    ("64:ff9b::-64:ff9b::ffff:ffff", "NAT64: private IPv4 in another coat"),
    ("64:ff9b:1::-64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64 within a network"),
    ("::ffff:0.0.0.0-::ffff:255.255.255.255", "IPv4-mapped: private IPv4 in a third coat"),
    ("100::-100::ffff:ffff:ffff:ffff", "addresses that lead nowhere"),
    ("2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "protocols, Teredo among them"),
    ("2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"),
    ("2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"),
    ("fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private networks"),
    ("fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"),
    ("ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
)


class Relay(NamedTuple):
    """What differs between relays. A text such as `@PUBLIC_IP@` stands for what a script fills in when the machine starts."""

    capacity: int  # people in a room
    secrets: tuple[str, ...] = ()  # none: turnadmin puts them into the database, and can take them out again
    realm: str = "@REALM@"
    public: str = "@PUBLIC_IP@"
    private: str = "@PRIVATE_IP@"
    public6: str = ""  # none: IPv4 only
    port: int = 3478
    tls_port: int = 443
    certificate: str = "/etc/coturn/tls/fullchain.pem"
    key: str = "/etc/coturn/tls/privkey.pem"
    userdb: str = "/var/lib/turn/turndb"
    min_port: int = 49152
    max_port: int = 65535
    stale_nonce: int = 600  # seconds


def allocations(capacity: int) -> int:
    """Those of one person while everybody in a full room relays."""
    return (capacity - 1) * _URLS * _INTERFACES


def user_quota(capacity: int) -> int:
    return _GENERATIONS * allocations(capacity)


def total_quota(relay: Relay) -> int:
    """Each allocation has a port; a sixteenth stays free, so that coturn soon finds a free one."""
    return (relay.max_port - relay.min_port + 1) * 15 // 16


def write(relay: Relay) -> str:
    """The whole file."""
    parts = {
        "who may come in": _login(relay),
        "where it listens": _listeners(relay),
        "TLS": _tls(relay),
        "how much one may take": _quotas(relay),
        "whom it relays to": _peers(),
        "what it shows of itself": _surface(),
        "logs": _logs(),
    }
    text = "# Written by `manage.py turn_config`; change its options rather than this file.\n"
    for title, lines in parts.items():
        text += f"\n# ---- {title}\n\n" + "".join(_written(lines))
    return text


def _written(lines: Iterable[_Line]) -> Iterator[str]:
    for line, reason in lines:
        yield f"# {reason}\n{line}\n"


def _login(relay: Relay) -> Iterator[_Line]:
    yield f"realm={relay.realm}", "a login needs a realm; without one every client is asked for credentials for ever"
    yield "use-auth-secret", "credentials are signed, not stored: the relay needs no database of people"
    for secret in relay.secrets:
        yield (
            f"static-auth-secret={secret}",
            "one of TURN_SECRETS; it stays until coturn restarts, which cuts all calls off",
        )
    yield (
        f"userdb={relay.userdb}",
        (
            "a file of its own, in which turnadmin -s puts a new secret without a restart; never a database on the network, whose "
            "outage would lock everybody out"
        ),
    )
    yield (
        f"stale-nonce={relay.stale_nonce}",
        "a login that somebody has overheard is of no use after this time (seconds)",
    )


def _listeners(relay: Relay) -> Iterator[_Line]:
    yield f"listening-ip={relay.private}", "the address of the network card; the public one may not be on it"
    yield f"relay-ip={relay.private}", "the same for what is relayed"
    if relay.public == relay.private:
        yield f"external-ip={relay.public}", "the address that clients are told"
    else:
        yield f"external-ip={relay.public}/{relay.private}", "what clients are told instead of the card's own address"
    if relay.public6:
        yield f"listening-ip={relay.public6}", "clients with IPv6 only come here"
        yield f"relay-ip={relay.public6}", "and are relayed to IPv6, should they ask for it"
    yield f"listening-port={relay.port}", "UDP and TCP, the port that is registered for TURN"
    yield (
        f"tls-listening-port={relay.tls_port}",
        "TLS on the port of the web, for networks that let nothing else through",
    )
    yield "no-dtls", "browsers do not speak TURN over DTLS"
    yield f"min-port={relay.min_port}", "the ports of allocations, open for UDP in the firewall"
    yield f"max-port={relay.max_port}", "up to here"
    yield "fingerprint", "lets a receiver tell STUN from media (RFC 8489 section 7.5)"


def _tls(relay: Relay) -> Iterator[_Line]:
    yield f"cert={relay.certificate}", "with the whole chain; SIGUSR2 makes coturn read it again"
    yield f"pkey={relay.key}", "must be readable by the user turnserver, else TLS is missing without a word"
    yield "no-tlsv1", "broken long ago"
    yield "no-tlsv1_1", "broken long ago"
    yield "cipher-list=ECDHE+AESGCM:ECDHE+CHACHA20", "forward secrecy, and nothing that can be tampered with"


def _quotas(relay: Relay) -> Iterator[_Line]:
    people = relay.capacity
    yield (
        f"user-quota={user_quota(people)}",
        (
            f"allocations of one person: {allocations(people)} in a room of {people}, as many again in an ICE restart, and as many that "
            "have just ended"
        ),
    )
    yield f"total-quota={total_quota(relay)}", "allocations of all, a sixteenth less than there are ports"
    yield "max-bps=625000", "bytes a second in an allocation, 5 Mbit/s: far above a call, and no gift to a file sharer"
    yield "bps-capacity=0", "no bound for all together; the machine's own network is one"
    yield "max-allocate-lifetime=3600", "an allocation that nobody refreshes is gone within the hour (seconds)"


def _peers() -> Iterator[_Line]:
    yield "no-tcp-relay", "calls relay UDP; TCP would make this a proxy into any server"
    yield "no-multicast-peers", "one packet in, many out"
    for addresses, reason in _DENIED:
        yield f"denied-peer-ip={addresses}", reason


def _surface() -> Iterator[_Line]:
    yield "no-cli", "coturn 4.6 opens a telnet console by default"
    yield "no-software-attribute", "its version is nobody's business"
    yield "no-rfc5780", "answers from other addresses, which only attackers want"
    yield "no-stun-backward-compatibility", "answers to old STUN are larger than the questions"
    yield "response-origin-only-with-rfc5780", "the same"


def _logs() -> Iterator[_Line]:
    yield "log-file=stdout", "to the journal, which rotates and bounds them"
    yield "new-log-timestamp", "readable times"
    yield "verbose", "says who was refused and why; it names addresses, so keep the journal short"
