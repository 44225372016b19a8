"""Where an address or a picture is named in texts: what breaks when it goes."""

from typing import NamedTuple

from django.apps import apps
from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from library.fields import RichTextField
from library.models import Picture


class Place(NamedTuple):
    title: str
    kind: str
    admin_url: str


def linking_to(path: str) -> list[Place]:
    """The texts that link to this address of the site."""
    return _naming([f'href="{path}"', f'href="{path}#'])


def showing(picture: Picture) -> list[Place]:
    """The texts that show this picture, in them or beside them."""
    found = _naming([f'data-picture="{picture.pk}"'])
    for relation in Picture._meta.related_objects:
        for instance in relation.related_model._default_manager.filter(**{relation.field.name: picture}):
            found.append(_place(instance))
    return list(dict.fromkeys(found))


def _naming(parts: list[str]) -> list[Place]:
    found = []
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, RichTextField):
                wanted = Q()
                for part in parts:
                    wanted |= Q(**{f"{field.name}__contains": part})
                found += [_place(instance) for instance in model._default_manager.filter(wanted)]
    return found


def _place(instance) -> Place:
    meta = instance._meta
    try:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[instance.pk])
    except NoReverseMatch:
        url = ""
    return Place(str(instance), str(meta.verbose_name), url)
