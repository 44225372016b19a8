"""The pages that exist, for the footer."""

from django import template

from pages.models import Page

register = template.Library()


@register.simple_tag
def footer_pages() -> list[Page]:
    """In the order in which the code names them; without their bodies."""
    return sorted(Page.objects.only("slug", "title"), key=lambda page: Page.SLUGS.index(page.slug))
