"""Addresses that have moved: what stood there, and where it is now."""

from django.db import models, transaction

from library.models import Redirect


def target(path: str) -> str | None:
    """Where this address has gone."""
    return Redirect.objects.filter(old_path=path).values_list("new_path", flat=True).first()


@transaction.atomic
def moved(old: str, new: str, *, by_hand: bool = False) -> None:
    """
    From now on `old` leads to `new`, and so does all that led to `old`; `new` itself leads nowhere, for something stands there. May be
    said twice.
    """
    if old == new:
        return
    Redirect.objects.filter(old_path=new).delete()
    Redirect.objects.filter(new_path=old).update(new_path=new)
    Redirect.objects.update_or_create(old_path=old, defaults={"new_path": new, "by_hand": by_hand})


def alive(path: str) -> None:
    """Something stands at this address now."""
    Redirect.objects.filter(old_path=path).delete()


@transaction.atomic
def flatten(redirect: Redirect) -> None:
    """After one was written by hand: what led to its old address leads on at once, and nothing leads in a circle."""
    Redirect.objects.filter(new_path=redirect.old_path).exclude(pk=redirect.pk).update(new_path=redirect.new_path)
    Redirect.objects.filter(old_path=models.F("new_path")).delete()
