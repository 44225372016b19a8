"""
Reads what WordPress exports (WXR, "WordPress eXtended RSS", versions 1.0 to 1.2): a feed of RSS 2.0 with elements of WordPress's own.

Source: wp-admin/includes/export.php of WordPress 6 writes it; there is no specification.
"""

import codecs
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

# The namespaces are http: in what WordPress writes; who has a whole export rewritten from http: to https:, rewrites them too.
_OURS = re.compile(r"\{https?://wordpress\.org/export/[\d.]+/\}(.*)")
_EXCERPT = re.compile(r"\{https?://wordpress\.org/export/[\d.]+/excerpt/\}encoded")
_CONTENT = re.compile(r"\{https?://purl\.org/rss/1\.0/modules/content/\}encoded")
_CREATOR = re.compile(r"\{https?://purl\.org/dc/elements/1\.1/\}creator")
_DECLARATION = re.compile(rb"<\?xml\b[^>]*\?>")
_ENCODING = re.compile(rb"""encoding=["']([A-Za-z0-9._-]+)["']""")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_KINDS = {"tag": "post_tag"}  # as version 1.0 has it
_MOST_NOTES = 50


class BadFile(Exception):
    """No export of WordPress, or a broken one. `code` is stable; the text names line and column where there is a place to name."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Term:
    """A category or a tag; `parent` is the slug of a category."""

    kind: str
    slug: str
    name: str
    parent: str = ""


@dataclass(frozen=True)
class Item:
    """A post, a page, a picture or anything else that WordPress keeps among its posts."""

    number: int
    type: str
    status: str
    title: str
    slug: str
    link: str
    author: str
    published: datetime | None
    body: str
    excerpt: str
    password: str
    is_sticky: bool
    parent: int
    order: int
    terms: tuple[Term, ...]
    meta: dict[str, str]
    file_url: str
    comments: int


@dataclass
class Site:
    """All of an export. `notes` tell what had to be mended to read it."""

    url: str
    title: str
    language: str = ""  # a tag of RFC 5646, such as en-GB
    authors: dict[str, str] = field(default_factory=dict)  # names to show, by login
    terms: dict[tuple[str, str], Term] = field(default_factory=dict)  # by kind and slug
    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(data: bytes) -> Site:
    """
    Raises:
        BadFile: `empty`, `not-xml`, `broken-xml`, `entities`, `not-wordpress`, `bad-encoding`, or `bad-item` for one without a number.
    """
    text, notes = _decode(data)
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        line = text.count("\n", 0, max(text.find("<!DOCTYPE"), 0)) + 1
        raise BadFile(
            "entities", f"Line {line}: it declares a document type, which no export of WordPress does and attacks need."
        ) from None
    except ParseError as error:
        line, column = error.position
        raise BadFile("broken-xml", f"Line {line}, column {column + 1}: {_reason(error)}.") from None
    channel = root.find("channel")
    if root.tag != "rss" or channel is None or not _text(channel, "wxr_version"):
        raise BadFile("not-wordpress", "This is XML, but no export of WordPress: it says nothing of a wxr_version.")
    return _site(channel, notes)


def _decode(data: bytes) -> tuple[str, list[str]]:
    notes: list[str] = []
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not data:
        raise BadFile("empty", "The file is empty.")
    if not data.startswith(b"<"):
        kind = "a ZIP archive: unpack it first" if data.startswith(b"PK") else "no XML"
        raise BadFile("not-xml", f"Line 1: this is {kind}.")
    declaration = _DECLARATION.match(data)
    named = _ENCODING.search(declaration[0]) if declaration else None
    encoding = named[1].decode() if named else "utf-8"
    if declaration:
        data = data[declaration.end() :]
    if encoding.lower().replace("-", "") != "utf8":
        try:
            text = data.decode(encoding)
        except (LookupError, UnicodeDecodeError) as error:
            raise BadFile("bad-encoding", f"Line 1: it is said to be {encoding}, and is not: {error}.") from None
    else:
        text = _lenient(data, notes)
    places = [
        (found.start(), f"a control character (U+{ord(found[0]):04X}) is left out") for found in _CONTROL.finditer(text)
    ]
    notes += _with_lines(text, places)
    return _CONTROL.sub("", text), notes


def _lenient(data: bytes, notes: list[str]) -> str:
    """The text; bytes that are no UTF-8 are read as what browsers take Latin 1 for (cp1252)."""
    places: list[tuple[int, str]] = []

    def read(error: UnicodeDecodeError) -> tuple[str, int]:
        byte = data[error.start : error.start + 1]
        meant = byte.decode("cp1252", "replace")
        places.append((error.start, f"the byte 0x{byte[0]:02X} is no UTF-8, it is read as “{meant}”"))
        return meant, error.start + 1

    codecs.register_error("gruveo-cp1252", read)
    text = data.decode(errors="gruveo-cp1252")
    notes += _with_lines(data, places)
    return text


def _with_lines(whole: bytes | str, places: list[tuple[int, str]]) -> list[str]:
    """What is told of these places, the first of them; a file in another encoding has thousands."""
    notes, line, before = [], 1, 0
    newline = "\n" if isinstance(whole, str) else b"\n"
    for at, text in places[:_MOST_NOTES]:
        line += whole.count(newline, before, at)
        before = at
        notes.append(f"line {line}: {text}")
    if len(places) > _MOST_NOTES:
        notes.append(f"and {len(places) - _MOST_NOTES} more of these")
    return notes


def _reason(error: ParseError) -> str:
    return str(error).partition(":")[0]


def _site(channel: Element, notes: list[str]) -> Site:
    url = _text(channel, "base_blog_url") or _plain(channel, "link")
    site = Site(url, _plain(channel, "title"), _plain(channel, "language"), notes=notes)
    for element in channel:
        match _name(element):
            case "author":
                login = _text(element, "author_login")
                site.authors[login] = _text(element, "author_display_name") or login
            case "category":
                _add(
                    site,
                    Term(
                        "category",
                        *(_text(element, name) for name in ("category_nicename", "cat_name", "category_parent")),
                    ),
                )
            case "tag":
                _add(site, Term("post_tag", _text(element, "tag_slug"), _text(element, "tag_name")))
            case "term":
                names = ("term_taxonomy", "term_slug", "term_name", "term_parent")
                _add(site, Term(*(_text(element, name) for name in names)))
    site.items = [_item(element, place) for place, element in enumerate(channel.iter("item"), start=1)]
    return site


def _add(site: Site, term: Term) -> None:
    if term.slug:
        site.terms[term.kind, term.slug] = term


def _item(element: Element, place: int) -> Item:
    number = _text(element, "post_id")
    if not number.isdecimal():
        raise BadFile("bad-item", f"Item {place} (“{_plain(element, 'title')}”) has no post_id.")
    metas = [child for child in element if _name(child) == "postmeta"]
    return Item(
        number=int(number),
        type=_text(element, "post_type") or "post",
        status=_text(element, "status") or "draft",
        title=_plain(element, "title").strip(),
        slug=_text(element, "post_name"),
        link=_plain(element, "link").strip(),
        author=_foreign(element, _CREATOR).strip(),
        published=_time(_text(element, "post_date_gmt"))
        or _time(_text(element, "post_date"))
        or _time(_plain(element, "pubDate"), "%a, %d %b %Y %H:%M:%S +0000"),
        body=_foreign(element, _CONTENT),
        excerpt=_foreign(element, _EXCERPT),
        password=_text(element, "post_password"),
        is_sticky=_text(element, "is_sticky") == "1",
        parent=_whole(_text(element, "post_parent")),
        order=_whole(_text(element, "menu_order")),
        terms=tuple(
            Term(
                _KINDS.get(kind := child.get("domain", "category"), kind),
                child.get("nicename", ""),
                (child.text or "").strip(),
            )
            for child in element.iter("category")
        ),
        meta={_text(meta, "meta_key"): _text(meta, "meta_value") for meta in metas},
        file_url=_text(element, "attachment_url"),
        comments=sum(_name(child) == "comment" for child in element),
    )


def _name(element: Element) -> str:
    """The name of an element of WordPress's own, or nothing."""
    found = _OURS.fullmatch(element.tag)
    return found[1] if found else ""


def _text(element: Element, name: str) -> str:
    """What stands in a child of WordPress's own."""
    return next((child.text or "" for child in element if _name(child) == name), "").strip()


def _foreign(element: Element, name: re.Pattern[str]) -> str:
    """What stands in a child of another namespace than RSS and WordPress's own."""
    return next((child.text or "" for child in element if name.fullmatch(child.tag)), "")


def _plain(element: Element, name: str) -> str:
    return element.findtext(name) or ""


def _whole(text: str) -> int:
    return int(text) if text.lstrip("-").isdecimal() else 0


def _time(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> datetime | None:
    """Nothing for what is no time: a draft has the year 0, or -1."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None
