"""What is wrong with the settings of TURN, with what to do about it: one list for the start of a server and for `manage.py check`. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from turnauth import servers

MOST_SECRETS = 2
LEAST_CHARACTERS = 32
LEAST_TTL, MOST_TTL = 1, 86400  # seconds
SHORT_TTL = 600


@dataclass(frozen=True)
class Problem:
    """`text` goes on after the name of the variable; neither it nor the hint ever holds a secret."""

    id: str
    variable: str
    text: str
    hint: str

    @property
    def is_error(self) -> bool:
        return self.id.startswith("E")


def errors(
    *, relays: Mapping[str, Sequence[str]], default_region: str, secrets: Sequence[str], ttl: int
) -> Iterator[Problem]:
    """With any of these there would be no relaying, or none that can be relied on, so no server starts."""
    yield from _unreadable(relays)
    if (default_region or len(relays) > 1) and relays and default_region not in relays:
        yield Problem(
            "E002",
            "TURN_DEFAULT_REGION",
            f"is {default_region!r}, which is none of the regions of TURN_SERVERS."
            if default_region
            else "is not set.",
            f"Name one of {', '.join(sorted(filter(None, relays)))}: it is for those of whom nothing else is known.",
        )
    yield from _bad_secrets(secrets)
    if not LEAST_TTL <= ttl <= MOST_TTL:
        yield Problem("E006", "TURN_TTL", f"must be from {LEAST_TTL} to {MOST_TTL}.", "3600 suits most sites.")
    if relays and not secrets:
        yield Problem(
            "E007",
            "TURN_SECRETS",
            "is not set, but TURN_SERVERS is: without a secret there are no credentials for them.",
            "Set it to the secret that the relays have as static-auth-secret.",
        )


def _unreadable(relays: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for relay in (relay for of_region in relays.values() for relay in of_region):
        try:
            servers.uris(relay)
        except ValueError as error:
            hint = "Write turn1.example.org, turn1.example.org:3478 or turns:turn1.example.org:443?transport=tcp."
            yield Problem("E001", "TURN_SERVERS", f"has a wrong entry: {error}.", hint)


def _bad_secrets(secrets: Sequence[str]) -> Iterator[Problem]:
    if any(len(secret) < LEAST_CHARACTERS for secret in secrets):
        hint = "Relays tell anybody who asks enough to try secrets at home, by the million each second."
        yield Problem("E003", "TURN_SECRETS", f"must be random secrets of {LEAST_CHARACTERS} characters or more.", hint)
    if len(secrets) > MOST_SECRETS:
        hint = "Two are there only while one takes over from the other: drop those that sign no more."
        yield Problem("E004", "TURN_SECRETS", f"names {len(secrets)} secrets; there may be {MOST_SECRETS}.", hint)
    if len(set(secrets)) < len(secrets):
        yield Problem("E005", "TURN_SECRETS", "names a secret twice.", "Name it once; a second one is another one.")


def warnings(
    *, relays: Mapping[str, Sequence[str]], secrets: Sequence[str], ttl: int, is_production: bool
) -> Iterator[Problem]:
    """What works, and is hardly what somebody wants."""
    if is_production and not relays:
        hint = "Set up a relay and name it in TURN_SERVERS: about one call in ten needs one."
        yield Problem("W001", "TURN_SERVERS", "is not set: people behind strict firewalls cannot call.", hint)
    if secrets and not relays:
        yield Problem(
            "W002", "TURN_SECRETS", "is set, but TURN_SERVERS is not.", "Name the relays that have this secret."
        )
    if LEAST_TTL <= ttl < SHORT_TTL:
        hint = f"Credentials bound the setting-up of a call and not its length: {SHORT_TTL} or more costs nothing."
        yield Problem(
            "W003", "TURN_TTL", f"is {ttl} s: a phone that slept for a minute finds its credentials stale.", hint
        )
    without = sorted(region or "(the only one)" for region, of_region in relays.items() if not _has_tls(of_region))
    if without:
        hint = "Some networks let TLS on port 443 out and nothing else: name hosts without a port, or add turns: URIs."
        yield Problem("W004", "TURN_SERVERS", f"has no relay with TLS in {', '.join(without)}.", hint)


def _has_tls(relays: Sequence[str]) -> bool:
    try:
        return any(uri.startswith("turns:") for relay in relays for uri in servers.uris(relay))
    except ValueError:
        return True  # that is E001
