"""What can be said about a relay, and how to mend it: one code, one sentence for each fault. Pure."""

from typing import NamedTuple

OK, WARNING, FAULT, UNKNOWN = "ok", "warning", "fault", "unknown"
DAYS_TO_RENEW = 14  # a certificate that is older is not being renewed by itself, or the relay has not read it again


class Finding(NamedTuple):
    """`check` is what was looked at, `code` is stable and for machines, `mend` is empty where nothing is to be done."""

    check: str
    state: str
    code: str
    text: str
    mend: str = ""


# code: (check, state, how to mend it)
_KNOWN = {
    "dead-port": (
        "port",
        FAULT,
        "Start coturn, see that it listens on this port (a port below 1024 needs CAP_NET_BIND_SERVICE, and TLS needs a certificate "
        "and a key that its user can read), and open the port in the firewall or security group.",
    ),
    "bad-name": ("port", FAULT, "Give the name an A or AAAA record, or correct it in TURN_SERVERS."),
    "no-turn": (
        "port",
        FAULT,
        "Something other than a TURN server answers on this port; find out which program has it.",
    ),
    "bad-certificate": (
        "certificate",
        FAULT,
        "Give coturn a certificate for exactly this name, with its whole chain (cert=fullchain.pem), and have it read again: "
        "systemctl reload coturn, or SIGUSR2.",
    ),
    "certificate-ends": (
        "certificate",
        WARNING,
        "Renew the certificate, and let the renewal make coturn read it again (SIGUSR2).",
    ),
    "open-relay": (
        "login",
        FAULT,
        "Anybody can relay through it: remove no-auth, and set use-auth-secret and static-auth-secret.",
    ),
    "no-realm": ("login", FAULT, "Set realm= in turnserver.conf; without it no client can log in."),
    "wrong-secret": (
        "secret",
        FAULT,
        "Give the relay this secret of TURN_SECRETS: live with turnadmin -s, for its own realm, or as static-auth-secret with a restart "
        "(coturn does not read it again by itself). If it has it, remove lt-cred-mech.",
    ),
    "any-secret": (
        "secret",
        FAULT,
        "It takes passwords that were never signed: remove no-auth and set use-auth-secret.",
    ),
    "clock-ahead": (
        "clock",
        FAULT,
        "Set the relay's clock (timedatectl set-ntp true): it refuses good credentials as expired.",
    ),
    "clock-behind": (
        "clock",
        FAULT,
        "Set the relay's clock (timedatectl set-ntp true): it takes credentials that have expired.",
    ),
    "quota": (
        "quota",
        FAULT,
        "Raise user-quota and total-quota to what `manage.py turn_config` computes, or start one more relay.",
    ),
    "no-capacity": ("quota", FAULT, "The relay has no port left: widen min-port to max-port, or start one more relay."),
    "private-relay": (
        "address",
        FAULT,
        "Set external-ip=PUBLIC/PRIVATE: the relay hands out an address that nobody outside can reach.",
    ),
    "no-echo": (
        "address",
        FAULT,
        "Set external-ip to the address at which the relay is reached (PUBLIC/PRIVATE behind NAT), and open min-port to max-port "
        "for UDP in the firewall or security group.",
    ),
    "no-echo-back": ("address", FAULT, "Let UDP out of the relay, from min-port to max-port to any port."),
    "not-from-here": (
        "address",
        UNKNOWN,
        "Run turn_check from a machine outside of the relay's own network: its rules do not let it speak to this one.",
    ),
    "private-peers": (
        "peers",
        FAULT,
        "People can reach your own network through it: add the denied-peer-ip lines of `manage.py turn_config`.",
    ),
    "refused": ("secret", FAULT, "Look into coturn's log; it says why it refused."),
}


def known(code: str, text: str) -> Finding:
    """The fault with this code, and what was seen of it."""
    check, state, mend = _KNOWN[code]
    return Finding(check, state, code, text, mend)


def good(check: str, text: str) -> Finding:
    return Finding(check, OK, "ok", text)


def certificate(days: int) -> Finding:
    if days < DAYS_TO_RENEW:
        return known("certificate-ends", f"ends in {days} days")
    return good("certificate", f"fits, and ends in {days} days")


def has_fault(findings: list[Finding]) -> bool:
    return any(finding.state == FAULT for finding in findings)
