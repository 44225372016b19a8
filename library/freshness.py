"""
Of which version the content of the site is. Each change raises it, in whatever process; and so does each moment at which something appears
by itself. A page that was made of one version is good as long as that is the newest.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DatabaseError, models, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils import timezone

from library import conf
from library.models import ContentVersion

logger = logging.getLogger(__name__)

_ROW = 1
_LOOKS_EVERY = 0.4  # seconds; for so long a process may not know what another has changed
_OUTAGE = 5.0  # seconds for which a database that is away is not asked again


class Version(NamedTuple):
    number: int
    next_at: datetime | None  # when the next text appears by itself

    def __str__(self) -> str:
        return f"{self.number}-{self.next_at.timestamp() if self.next_at else 0}"


moments: list[Callable[[], datetime | None]] = []  # each asks an app when the next of its texts appears by itself
_known: Version | None = None
_look_at = 0.0  # on the clock of time.monotonic
_looking = threading.Lock()
_remembered: dict[str, tuple[Version, Any]] = {}


def current() -> Version | None:
    """The newest; of a database that is away the last that was known, or None. Costs a query now and then."""
    global _known, _look_at
    if _is_good():
        return _known
    if not _looking.acquire(blocking=_known is None or _is_due()):
        return _known  # somebody else looks
    try:
        if not _is_good():
            _look_at = time.monotonic() + _LOOKS_EVERY
            _known = _read()
    except DatabaseError as error:
        _look_at = time.monotonic() + _OUTAGE
        logger.warning("the database is away, pages are shown as they were last: %r", error)
    finally:
        _looking.release()
    return _known


def remembered(name: str, make: Callable[[], Any]) -> Any:
    """What `make` answers, asked once for each version in each process; nobody may change it. Where nothing is kept, each time."""
    version = current() if conf.kept_seconds() else None
    if version is None:
        return make()
    found = _remembered.get(name)
    if found and found[0] == version:
        return found[1]
    made = make()
    _remembered[name] = (version, made)
    return made


def changed() -> None:
    """Once the transaction that changes something is committed."""
    transaction.on_commit(_raise, robust=True)


def watch(*content: type[models.Model]) -> None:
    """From now on, each change of one of these changes what visitors see."""
    for model in content:
        for changes in (post_save, post_delete):
            changes.connect(_has_changed, sender=model, dispatch_uid="library.freshness")
        for field in model._meta.many_to_many:
            m2m_changed.connect(_has_changed, sender=field.remote_field.through, dispatch_uid="library.freshness")


def _has_changed(**_) -> None:
    changed()


def _raise() -> None:
    global _look_at
    if not ContentVersion.objects.filter(pk=_ROW).update(number=models.F("number") + 1):
        ContentVersion.objects.get_or_create(pk=_ROW, defaults={"number": 1})
    _look_at = 0.0


def _read() -> Version:
    coming = [moment for ask in moments if (moment := ask())]
    number = ContentVersion.objects.filter(pk=_ROW).values_list("number", flat=True).first() or 0
    return Version(number, min(coming, default=None))


def _is_good() -> bool:
    return time.monotonic() < _look_at and not _is_due()


def _is_due() -> bool:
    return bool(_known and _known.next_at and _known.next_at <= timezone.now())
