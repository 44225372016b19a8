"""What templates ask for: links to pages of editors, and the modules that a call needs."""

from functools import cache, cached_property
from typing import NamedTuple

from django import template
from django.utils.text import capfirst
from django.utils.translation import get_language, get_language_info

from library import conf, freshness
from pages.models import Page

register = template.Library()

# static/js/room.js and all that it imports; a test holds this list to the imports themselves.
CALL_MODULES = [
    f"js/{name}.js"
    for name in (
        "room call controls hiding lobby media notices prefs tiles wake-lock words texts clock peer protocol signaling places line backoff "
        "layout negotiation reliable"
    ).split()
]


@register.simple_tag
def call_modules() -> list[str]:
    return CALL_MODULES


class Linked:
    """The pages with a link, by its place; asked for when the first is shown, for some pages show none."""

    def __repr__(self) -> str:
        return "Linked()"  # alike, as all of one version are: it is given to remembered parts

    @cached_property
    def _pages(self) -> list[Page]:
        return freshness.remembered("pages.linked", lambda: list(Page.objects.linked()))

    @property
    def header(self) -> list[Page]:
        return [page for page in self._pages if page.place == "header"]

    @property
    def footer(self) -> list[Page]:
        return [page for page in self._pages if page.place == "footer"]


@register.simple_tag
def linked_pages() -> Linked:
    return Linked()


class LanguageLink(NamedTuple):
    code: str
    name: str  # in that language
    href: str
    is_spoken: bool


@register.simple_tag(takes_context=True)
def language_links(context: dict) -> list[LanguageLink]:
    """The same page in each language."""
    query = context["request"].GET.copy()
    query.pop("lang", None)
    before = f"?{query.urlencode()}&lang=" if query else "?lang="
    spoken = get_language()
    return [LanguageLink(code, name, before + code, code == spoken) for code, name in _languages()]


@cache
def _languages() -> list[tuple[str, str]]:
    return [(code, capfirst(get_language_info(code)["name_local"])) for code, _ in conf.languages()]
