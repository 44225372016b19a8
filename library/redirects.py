"""Addresses that have moved: what stood there, and where it is now."""

import contextlib
import logging

from django.core.cache import cache
from django.db import DatabaseError, models, transaction
from redis.exceptions import RedisError

from library.models import Redirect

_WORDS_KEY = "library.redirects.words"
_WORDS_SECONDS = 60  # after which a process that has not heard of a change sees it
_OUTAGE_SECONDS = 10  # for which a database that is away is not asked again
_log = logging.getLogger(__name__)


def target(path: str) -> str | None:
    """Where this address has gone."""
    return Redirect.objects.filter(old_path=path).values_list("new_path", flat=True).first()


def of_path(path: str) -> str | None:
    """As `target`, for where there is nothing to show anyway: without the database nothing has moved."""
    try:
        return target(path)
    except DatabaseError as error:
        _log.warning("the database is away, and no address has moved: %r", error)
        return None


def of_word(word: str) -> str | None:
    """
    Where an address of a single word, such as `/word` or `/Word/`, has gone. Such an address could be a code too, so this is asked for
    each call page: it is answered from the cache, and without cache or database nothing has moved.
    """
    try:
        known = cache.get(_WORDS_KEY)
    except RedisError as error:
        _log.warning("the cache is away, addresses that have moved are read anew: %r", error)
        known = None
    return (_words() if known is None else known).get(word.casefold())


def words() -> dict[str, str]:
    """All addresses of a single word that have moved, without their slashes and casefolded, and where to; from the database."""
    found = Redirect.objects.filter(old_path__regex=r"^/[^/]+/?$").values_list("old_path", "new_path")
    return {old.strip("/").casefold(): new for old, new in found}


def _words() -> dict[str, str]:
    found, seconds = {}, _WORDS_SECONDS
    try:
        found = words()
    except DatabaseError as error:
        _log.warning("the database is away, and no address has moved: %r", error)
        seconds = _OUTAGE_SECONDS
    with contextlib.suppress(RedisError):  # said above
        cache.set(_WORDS_KEY, found, seconds)
    return found


def _forget_words() -> None:
    """After the commit; a process that reads at that very moment may keep what was for as long as the entry lives."""

    def forget() -> None:
        with contextlib.suppress(RedisError):
            cache.delete(_WORDS_KEY)

    transaction.on_commit(forget)


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
    _forget_words()


def alive(path: str) -> None:
    """Something stands at this address now."""
    Redirect.objects.filter(old_path=path).delete()
    _forget_words()


@transaction.atomic
def flatten(redirect: Redirect) -> None:
    """After one was written by hand: what led to its old address leads on at once, and nothing leads in a circle."""
    Redirect.objects.filter(new_path=redirect.old_path).exclude(pk=redirect.pk).update(new_path=redirect.new_path)
    Redirect.objects.filter(old_path=models.F("new_path")).delete()
    _forget_words()


def forget(redirect: Redirect) -> None:
    redirect.delete()
    _forget_words()
