"""How the pictures of a text come onto a page."""

from collections.abc import Iterable

from django.template.loader import render_to_string

from library import markup
from library.models import Picture


def fill(html: str) -> str:
    """A cleaned text with its pictures in it; one that is gone leaves nothing behind. One query, and none without a picture."""
    return fill_all([html])[0]


def fill_all(texts: Iterable[str], *, template: str = "library/picture.html") -> list[str]:
    """The same for many texts with one query; the template is given the `picture`."""
    texts = list(texts)
    numbers = {number for text in texts for number in markup.pictures_in(text)}
    pictures = Picture.objects.in_bulk(numbers) if numbers else {}

    def shown(number: int) -> str:
        picture = pictures.get(number)
        return render_to_string(template, {"picture": picture}).strip() if picture else ""

    return [markup.replace_pictures(text, shown) for text in texts]
