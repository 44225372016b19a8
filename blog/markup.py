"""What a post's body may hold, and the table of contents that its headings make."""

import re
from html import unescape
from typing import NamedTuple

import nh3

_TAGS = set(
    "a abbr b blockquote br code dd del dl dt em figcaption figure h2 h3 hr i img kbd li ol p pre q s strong sub sup "
    "table tbody td th thead tr u ul".split()
)
_ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "img": {"src", "alt", "width", "height"}}
_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


class Heading(NamedTuple):
    anchor: str
    text: str


def clean(html: str) -> str:
    """The body without anything that could run, call home or restyle the page; doing it twice changes nothing."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )


def for_reading(clean_html: str) -> tuple[str, list[Heading]]:
    """A cleaned body whose second-level headings have ids, and those headings in order; long code scrolls with the keyboard too."""
    headings: list[Heading] = []

    def name(match: re.Match) -> str:
        heading = Heading(f"part-{len(headings) + 1}", unescape(_TAG.sub("", match[1])).strip())
        headings.append(heading)
        return f'<h2 id="{heading.anchor}">{match[1]}</h2>'

    return _HEADING.sub(name, clean_html).replace("<pre>", '<pre tabindex="0">'), headings


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    # A picture from elsewhere tells that host who reads; `//host/` and `/\host/` are elsewhere too.
    if (tag, attribute) == ("img", "src") and not re.match(r"/(?![/\\])", value):
        return None
    return value
