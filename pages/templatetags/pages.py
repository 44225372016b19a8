"""What templates ask for: links to pages of editors, and the modules that a call needs."""

from functools import cached_property

from django import template

from library import freshness
from pages.models import Page

register = template.Library()

# static/js/room.js and all that it imports; a test holds this list to the imports themselves.
CALL_MODULES = [
    f"js/{name}.js"
    for name in (
        "room call controls hiding lobby media notices prefs tiles words texts clock peer protocol signaling places line backoff layout "
        "negotiation reliable"
    ).split()
]


@register.simple_tag
def call_modules() -> list[str]:
    return CALL_MODULES


class Linked:
    """The pages with a link, by its place; asked for when the first is shown, for some pages show none."""

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
