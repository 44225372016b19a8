"""In which order a secret is changed, and what is refused."""

import pytest

from turnauth import rotation
from turnauth.rotation import Receipt, fingerprint

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
TTL = 3600


def receipt(step: str, *, at: float = 0) -> Receipt:
    return Receipt(step, fingerprint(OLD), fingerprint(NEW), at)


def refusal(step: str, before: Receipt | None, *secrets: str, now: float = 10_000) -> str | None:
    return rotation.refusal(step, receipt=before, secrets=secrets, now=now, lifetime=TTL)


class OrderTests:
    def test_the_steps_in_their_order_are_taken(self):
        assert refusal("start", None, OLD) is None
        assert refusal("spread", receipt("start"), OLD, NEW) is None
        assert refusal("front", receipt("spread"), NEW, OLD) is None
        assert refusal("drop", receipt("front"), NEW, OLD) is None
        assert refusal("finish", receipt("drop"), NEW, OLD) is None

    @pytest.mark.parametrize("step", rotation.STEPS[1:])
    def test_no_step_goes_without_the_receipt_of_the_one_before(self, step):
        others = [other for other in rotation.STEPS if rotation.STEPS.index(other) != rotation.STEPS.index(step) - 1]
        secrets = (OLD, NEW) if step == "spread" else (NEW, OLD)

        assert "no step can be skipped" in refusal(step, None, *secrets)
        for other in others:
            assert f"this is the receipt of {other}" in refusal(step, receipt(other), *secrets)

    def test_a_second_rotation_does_not_start_within_the_first(self):
        assert "has 2 secrets" in refusal("start", None, OLD, NEW)
        assert "has 0 secrets" in refusal("start", None)
        assert "takes no receipt" in refusal("start", receipt("start"), OLD)

    @pytest.mark.parametrize(
        ("step", "before", "secrets"),
        [
            ("spread", "start", (NEW, OLD)),  # in front before the relays were asked
            ("spread", "start", (OLD, OTHER)),
            ("spread", "start", (OLD,)),
            ("front", "spread", (OLD, NEW)),
            ("drop", "front", (NEW,)),
            ("drop", "front", (OLD, NEW)),  # put back in between
            ("finish", "drop", (NEW,)),
        ],
    )
    def test_the_settings_must_be_what_the_step_before_asked_for(self, step, before, secrets):
        assert "TURN_SECRETS of this machine must hold" in refusal(step, receipt(before), *secrets)

    def test_the_old_one_stays_until_its_last_credentials_have_expired(self):
        assert "1 s more" in refusal("drop", receipt("front", at=1000), NEW, OLD, now=1000 + TTL - 1)
        assert refusal("drop", receipt("front", at=1000), NEW, OLD, now=1000 + TTL) is None


class ReceiptTests:
    def test_it_names_neither_secret(self):
        made = rotation.next_receipt("start", before=None, old=OLD, new=NEW, now=5)

        assert made == receipt("start", at=5)
        assert OLD not in str(made) and NEW not in str(made)

    def test_it_is_handed_on(self):
        assert rotation.next_receipt("spread", before=receipt("start"), old=OTHER, new="", now=9) == receipt(
            "spread", at=9
        )
