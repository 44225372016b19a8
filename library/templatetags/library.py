"""What templates of all apps ask for."""

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def absolute(context: dict, path: str) -> str:
    """An address of this site in full; one that is complete stays as it is."""
    return context["request"].build_absolute_uri(path)
