"""What rich text may hold, wherever on the site it stands."""

import re
from html import unescape

import nh3

TAGS = set(
    "a abbr b blockquote br code dd del dl dt em figcaption figure h2 h3 h4 hr i img kbd li ol p pre q s strong sub sup "
    "table tbody td th thead tr u ul".split()
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "code": {"class"},
    "img": {"alt", "data-picture"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_VALUES = {
    ("code", "class"): re.compile(r"language-[a-z0-9+#-]{1,20}"),
    ("img", "data-picture"): re.compile(r"[1-9][0-9]{0,9}"),
    ("ol", "start"): re.compile(r"[0-9]{1,5}"),
    ("td", "colspan"): re.compile(r"[0-9]{1,2}"),
    ("td", "rowspan"): re.compile(r"[0-9]{1,2}"),
    ("th", "colspan"): re.compile(r"[0-9]{1,2}"),
    ("th", "rowspan"): re.compile(r"[0-9]{1,2}"),
    ("th", "scope"): re.compile(r"row|col"),
}
# As nh3 writes it: every value in double quotes, and none of these inside.
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_PICTURE = re.compile(r' data-picture="(\d+)"')
_EMPTY = re.compile(r"<figure>\s*</figure>|(?:<p>\s*</p>\s*)+\Z")
_TAG = re.compile(r"<[^>]*>")
_BLOCK_END = re.compile(r"</(?:p|li|h[1-6]|td|th|dd|dt|pre|blockquote|figcaption)>|<br>|<hr>")


def clean(html: str) -> str:
    """
    The text without anything that could run, call home or restyle the page; doing it twice changes nothing. An image stays only as
    the number of a picture of our library: `<img data-picture="7">`.

    Attack stopped: an image from elsewhere tells that host who reads.
    """
    return _EMPTY.sub("", _clean(_IMAGE.sub(_keep_picture, _clean(html))))


def plain(html: str) -> str:
    """Its words alone, with a space where a block ended."""
    return " ".join(unescape(_TAG.sub("", _BLOCK_END.sub(" ", html))).split())


def lines(html: str) -> list[str]:
    """Its words, a line for each block."""
    return [line for part in _BLOCK_END.sub("\n", html).split("\n") if (line := plain(part))]


def words(html: str) -> int:
    return len(plain(html).split())


def pictures_in(html: str) -> list[int]:
    """The numbers of the pictures in a cleaned text, in order, each once."""
    found = (_PICTURE.search(image[1]) for image in _IMAGE.finditer(html))
    return list(dict.fromkeys(int(match[1]) for match in found if match))


def replace_pictures(html: str, replacement) -> str:
    """A cleaned text in which `replacement(number)` stands for each picture."""
    return _IMAGE.sub(lambda image: replacement(int(_PICTURE.search(image[1])[1])), html)


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    pattern = _VALUES.get((tag, attribute))
    return value if pattern is None or pattern.fullmatch(value) else None


def _keep_picture(image: re.Match) -> str:
    return image[0] if _PICTURE.search(image[1]) else ""
