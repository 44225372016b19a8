"""What templates ask for: the pages that exist, and the modules that a call needs."""

from django import template

from pages.models import Page

register = template.Library()

# static/js/room.js and all that it imports; a test holds this list to the imports themselves.
CALL_MODULES = [
    f"js/{name}.js"
    for name in (
        "room call controls hiding lobby media notices prefs tiles words clock peer protocol signaling places line backoff layout "
        "negotiation reliable"
    ).split()
]


@register.simple_tag
def call_modules() -> list[str]:
    return CALL_MODULES


@register.simple_tag
def footer_pages() -> list[Page]:
    """In the order in which the code names them; without their bodies."""
    return sorted(Page.objects.only("slug", "title"), key=lambda page: Page.SLUGS.index(page.slug))
