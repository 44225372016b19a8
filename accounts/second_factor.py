"""The second factor of staff: an authenticator app, and ten recovery codes for when it is lost."""

import base64
import secrets

import segno
from django.contrib.auth.models import User
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
_ISSUER = "Gruveo"


def has_one(user: User) -> bool:
    return TOTPDevice.objects.devices_for_user(user, confirmed=True).exists()


def begin(user: User) -> TOTPDevice:
    """The app that is being enrolled; the same until it is confirmed."""
    device = TOTPDevice.objects.devices_for_user(user, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def key_of(device: TOTPDevice) -> str:
    """The key for typing by hand, in groups of four (base32, RFC 4648 section 6)."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def picture_of(device: TOTPDevice) -> str:
    """A QR code of the device's otpauth: address, as SVG that needs no style of its own."""
    code = segno.make(device.config_url, error="m")
    return code.svg_inline(
        scale=5, border=2, dark="#0e1920", light="#ffffff", svgclass="desk-qr", lineclass=None, omitsize=True
    )


@transaction.atomic
def confirm(device: TOTPDevice, token: str) -> list[str] | None:
    """The recovery codes, which are never shown again; None when the token is not the app's of now."""
    if not device.verify_token(token):
        return None
    device.confirmed = True
    device.save()
    return new_recovery_codes(device.user)


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Ten that work once each; those from before do not any more."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def check(user: User, typed: str):
    """The device whose token this is, or None: six digits of the app, or a recovery code, which is used up."""
    token = "".join(typed.split()).replace("-", "").lower()
    kind = TOTPDevice if token.isdecimal() and len(token) == 6 else StaticDevice
    for device in kind.objects.devices_for_user(user, confirmed=True).select_for_update():
        if device.verify_is_allowed()[0] and device.verify_token(token):
            return device
    return None


def wait(user: User) -> int:
    """Seconds until another token is looked at, after wrong ones; 0 when one may be typed now."""
    waits = [0.0]
    for kind in (TOTPDevice, StaticDevice):
        for device in kind.objects.devices_for_user(user, confirmed=True):
            allowed, why = device.verify_is_allowed()
            if not allowed and why and "locked_until" in why:
                waits.append(
                    (
                        why["locked_until"] - device.throttling_failure_timestamp.now(why["locked_until"].tzinfo)
                    ).total_seconds()
                )
    return max(0, round(max(waits) + 0.5)) if max(waits) > 0 else 0


def reset(user: User) -> None:
    """Forgets app and recovery codes: the next login leads to enrolment."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
