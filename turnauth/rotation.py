"""
How the secret of the relays is changed without an outage, in five steps of which none can be skipped. Pure.

A relay may take two secrets at once, and Django signs with the first of its own. So the new one goes to the relays before anybody signs
with it, and the old one leaves only when the last credentials that it signed have expired.

Nothing of this is stored. Each step hands out a receipt, which the next one asks for; it says which secrets were meant and when the step
was done. The receipts are signed by whoever calls this, and what they say about the relays is tried again at each step.
"""

import hashlib
from typing import NamedTuple

STEPS = ("start", "spread", "front", "drop", "finish")

# Which secrets every relay must take before the step counts, by their place in TURN_SECRETS.
MUST_TAKE = {
    "start": (True,),
    "spread": (True, True),
    "front": (True, True),
    "drop": (True, True),
    "finish": (True, False),
}

_TODO = {
    "start": (
        "On every relay: turnadmin -s {new} -r REALM -b /var/lib/turn/turndb (no restart), and add it to SECRETS in /etc/turn.env.",
        "Where new relays get that file from: add it there too.",
        "On every Django node: TURN_SECRETS=OLD,{new} (the old one stays first and goes on signing), and restart it.",
    ),
    "spread": ("On every Django node: put the new secret in front, TURN_SECRETS=NEW,OLD, and restart it.",),
    "front": (
        "Wait {wait} s: until then there are credentials about that the old secret signed. Live calls are not cut off by any of this.",
    ),
    "drop": (
        "On every relay: turnadmin -X OLD -r REALM -b /var/lib/turn/turndb, and take it out of SECRETS in /etc/turn.env.",
        "Where new relays get that file from: take it out there too.",
        "A relay that has it as a static-auth-secret line keeps it until coturn restarts: drain that relay first (turn_drain).",
    ),
    "finish": ("On every Django node: TURN_SECRETS=NEW, without the old one. The rotation is over.",),
}


class Receipt(NamedTuple):
    """That a step was done; the secrets are fingerprints."""

    step: str
    old: str
    new: str
    at: float  # unix seconds


def fingerprint(secret: str) -> str:
    """By which a secret is known again, and not found: it has 32 random characters or more."""
    return hashlib.blake2b(secret.encode(), digest_size=16, person=b"turn-rotation").hexdigest()


def refusal(step: str, *, receipt: Receipt | None, secrets: tuple[str, ...], now: float, lifetime: int) -> str | None:
    """Why this step cannot be taken now; None when it can, as far as this machine's settings go."""
    if step == "start":
        return _refusal_to_start(receipt, secrets)
    before = STEPS[STEPS.index(step) - 1]
    if receipt is None:
        return f"{step} needs the receipt that {before} has printed: no step can be skipped."
    if receipt.step != before:
        return f"{step} comes after {before}, and this is the receipt of {receipt.step}."
    if refused := _refusal_of_order(step, receipt, secrets):
        return refused
    left = receipt.at + lifetime - now
    if step == "drop" and left > 0:
        return f"There may be credentials of the old secret about for {left:.0f} s more (TURN_TTL after front)."
    return None


def _refusal_to_start(receipt: Receipt | None, secrets: tuple[str, ...]) -> str | None:
    if receipt:
        return "start is the first step; it takes no receipt."
    if len(secrets) != 1:
        return f"TURN_SECRETS has {len(secrets)} secrets. A rotation starts with one; finish the one that is under way first."
    return None


def _refusal_of_order(step: str, receipt: Receipt, secrets: tuple[str, ...]) -> str | None:
    wanted = (receipt.old, receipt.new) if step == "spread" else (receipt.new, receipt.old)
    if tuple(map(fingerprint, secrets)) != wanted:
        order = "the old secret and then the new one" if step == "spread" else "the new secret and then the old one"
        return f"TURN_SECRETS of this machine must hold {order}, as this rotation began with them."
    return None


def next_receipt(step: str, *, before: Receipt | None, old: str, new: str, now: float) -> Receipt:
    """`old` and `new` are secrets, and count at the start only; afterwards the receipt before knows them."""
    if before:
        return before._replace(step=step, at=now)
    return Receipt(step, fingerprint(old), fingerprint(new), now)


def todo(step: str, *, new: str, lifetime: int) -> list[str]:
    """What a person must do once this step is done."""
    return [line.format(new=new, wait=lifetime) for line in _TODO[step]]
