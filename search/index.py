"""What can be found: each app says how its texts are, and each save and delete reaches the index in the same transaction."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save

from search import words
from search.models import Entry, Word

_LONGEST = 200_000  # characters of a text; PostgreSQL indexes no more than a megabyte


class Document(NamedTuple):
    """A text without markup, for visitors from `visible_from` on, or always."""

    kind: str
    title: str
    summary: str
    body: str
    url: str
    visible_from: datetime | None = None
    language: str = "en"


_describers: dict[type[models.Model], Callable[[models.Model], Document | None]] = {}


def register(model: type[models.Model], describe: Callable[[models.Model], Document | None]) -> None:
    """From now on, texts of this model are found as `describe` tells them; None is never to be found."""
    _describers[model] = describe
    post_save.connect(_saved, sender=model, dispatch_uid="search")
    post_delete.connect(_deleted, sender=model, dispatch_uid="search")


def rebuild() -> Iterator[int]:
    """Makes all of it anew, and tells after each text how many there are; until it is done, visitors find what they found before."""
    count = 0
    with transaction.atomic():
        Word.objects.all().delete()
        Entry.objects.all().delete()
        for model in _describers:
            for instance in model._default_manager.iterator():
                count += _put(instance)
                yield count


def _saved(instance: models.Model, **_) -> None:
    with transaction.atomic():
        _put(instance)


def _put(instance: models.Model) -> bool:
    document = _describers[type(instance)](instance)
    place = _place(instance)
    if document is None:
        Entry.objects.filter(**place).delete()
        return False
    document = document._replace(body=document.body[:_LONGEST])
    Entry.objects.update_or_create(**place, defaults=document._asdict())
    found = words.of(f"{document.title} {document.summary} {document.body}")
    Word.objects.bulk_create([Word(text=word) for word in sorted(found)], ignore_conflicts=True)
    return True


def _deleted(instance: models.Model, **_) -> None:
    Entry.objects.filter(**_place(instance)).delete()


def _place(instance: models.Model) -> dict:
    return {"content_type": ContentType.objects.get_for_model(instance), "object_id": instance.pk}
