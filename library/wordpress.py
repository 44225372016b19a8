"""
The markup of WordPress's texts, blocks and classic, as that of ours: what `library.markup.clean` leaves, with pictures by number.

Source: wp-includes/formatting.php (wpautop), shortcodes.php and the block editor's handbook ("Markup representation of a block").
"""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3

from library import markup

_BLOCK = re.compile(r"<!--\s*(/)?wp:([a-z0-9/-]+)\s*(\{.*?\})?\s*(/)?-->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SHORTCODE = re.compile(r"(\[?)\[(/?)([A-Za-z][\w-]*)((?:\s+[^\]\[]*?|=[^\]\[]*?)?)\s*(/?)\](\]?)")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))|"([^"]*)"|(\S+)""")
_PREFORMATTED = re.compile(r"<pre\b.*?</pre>", re.DOTALL | re.IGNORECASE)
_CODES = re.compile(
    r"\[(code|sourcecode|source|cc)((?:\s[^\]]*)?)\](.*?)\[/\1\]|<pre\b([^>]*)>(.*?)</pre>", re.DOTALL | re.IGNORECASE
)
_LANGUAGE = re.compile(r"""(?:brush:\s*|language-|lang(?:uage)?=["']?)([A-Za-z0-9+#-]{1,20})""")
_SIZE = re.compile(r"-\d+x\d+(?=\.[A-Za-z]+$)")
_BY_NUMBER = re.compile(r"\bwp-image-(\d+)\b")
_BLOCKS = (
    "address article aside blockquote dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr iframe li ol "
    "p pre section table tbody td th thead tr ul video audio"
).split()
_BEGINS_BLOCK = re.compile(rf"\s*</?(?:{'|'.join(_BLOCKS)})\b", re.IGNORECASE)
_EMPTY = re.compile(r"<(p|li|h[2-4]|em|strong|a(?: [^>]*)?)>(?:\s|&nbsp;|<br>)*</(?:p|li|h[2-4]|em|strong|a)>")
_PLAYERS = {"video", "audio", "youtube", "vimeo", "wpvideo", "playlist", "soundcloud", "tweet", "gist", "instagram"}
_LAYOUT_BLOCKS = set(
    "paragraph heading list list-item quote pullquote image gallery code preformatted verse table separator spacer columns column group "
    "buttons button media-text cover html freeform more nextpage embed video audio file details row stack".split()
)
_TAGS = markup.TAGS | {"h1", "h5", "h6", "iframe", "video", "audio", "source", "div"}
_INLINE = {"a", "abbr", "b", "code", "del", "em", "i", "kbd", "q", "s", "strong", "sub", "sup", "u"}


@dataclass
class Surroundings:
    """
    What a text needs to know of the site around it. `picture` answers the number here of a picture by its number there or by its address,
    `link` where an address of the old site is now, both None for what is not known.
    """

    picture: Callable[[int | None, str], int | None]
    link: Callable[[str], str | None]
    children: list[int] = field(
        default_factory=list
    )  # the pictures that were uploaded to this text, by their numbers there
    reusable: dict[int, str] = field(default_factory=dict)  # the texts of reusable blocks, by their numbers


def convert(body: str, around: Surroundings) -> tuple[str, list[str]]:
    """The text as ours, and what of it could not be taken."""
    notes: list[str] = []
    kept: list[str] = []
    text = _with_reusable(body.replace("\r\n", "\n").replace("\x1a", ""), around, notes)
    has_blocks = "<!-- wp:" in text
    text = _CODES.sub(lambda match: _keep(_code(match), kept), text)
    text = _without_blocks(text, notes)
    text = _COMMENT.sub("", text)
    text = _shortcodes(text, around, notes)
    if not has_blocks:
        text = _paragraphs(text, kept)
    text = _restored(text, kept)
    wide = nh3.clean(
        text,
        tags=_TAGS,
        attributes={
            "a": {"href", "title"}, "abbr": {"title"}, "code": {"class"}, "figure": {"class"}, "iframe": {"src", "title"},
            "img": {"src", "class", "alt", "data-number"}, "ol": {"start"}, "video": {"src"}, "audio": {"src"}, "source": {"src"},
            "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"},
        },
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )  # fmt: skip
    rewriter = _Rewriter(around, notes)
    rewriter.feed(wide)
    rewriter.close()
    made = "".join(rewriter.out)
    while (shorter := _EMPTY.sub("", made)) != made:
        made = shorter
    return markup.clean(made).strip(), notes


def excerpt(body_html: str, most: int) -> str:
    """The first words of a text, as its summary."""
    words = markup.plain(body_html)
    return words if len(words) <= most else words[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def _with_reusable(text: str, around: Surroundings, notes: list[str], depth: int = 0) -> str:
    def put(match: re.Match) -> str:
        number = _json(match[3]).get("ref")
        if depth > 5 or number not in around.reusable:
            notes.append("a reusable block is not in the file")
            return ""
        return _with_reusable(around.reusable[number], around, notes, depth + 1)

    return re.sub(r"<!--\s*()wp:(block)\s*(\{.*?\})\s*/-->", put, text, flags=re.DOTALL)


def _json(text: str | None) -> dict:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _without_blocks(text: str, notes: list[str]) -> str:
    def drop(match: re.Match) -> str:
        name = match[2].removeprefix("core/").removeprefix("core-embed/")
        is_known = (
            name in _LAYOUT_BLOCKS
            or match[2].startswith("core-embed/")
            or name.endswith("/code")
            or "syntaxhighlighter" in name
        )
        if not match[1] and not is_known:
            notes.append(f"the block {match[2]} is not known here" + ("" if not match[4] else ", and is left out"))
        address = _json(match[3]).get("url")
        if name == "embed" and match[4] and isinstance(address, str):
            return _link_to(address)
        return ""

    return _BLOCK.sub(drop, text)


def _code(match: re.Match) -> str:
    if match[1]:
        attributes, content = match[2] or "", match[3]
    else:
        attributes, content = match[4] or "", re.sub(r"</?(?:code|span)\b[^>]*>", "", match[5])
        inner = re.match(r"\s*<code\b([^>]*)>", match[5])
        attributes += inner[1] if inner else ""
    language = _LANGUAGE.search(attributes)
    css = f' class="language-{language[1].lower()}"' if language else ""
    return f"<pre><code{css}>{html.escape(html.unescape(content.strip(chr(10))), quote=False)}</code></pre>"


def _keep(made: str, kept: list[str]) -> str:
    """Something that the following steps must not look into; a word stands for it."""
    kept.append(made)
    return f"\n\n\x1a{len(kept) - 1}\x1a\n\n"


def _restored(text: str, kept: list[str]) -> str:
    return re.sub("(?:<p>)?\x1a(\\d+)\x1a(?:</p>)?", lambda match: kept[int(match[1])], text)


def _shortcodes(text: str, around: Surroundings, notes: list[str]) -> str:
    """From the left; what is opened and closed and not known loses its brackets and keeps what is in it."""
    out, at = [], 0
    while match := _SHORTCODE.search(text, at):
        out.append(text[at : match.start()])
        at = match.end()
        name, raw = match[3].lower(), match[4]
        if match[1] and match[6]:  # [[name]] is how WordPress writes [name] itself
            out.append(match[0][1:-1])
            continue
        attributes = _attributes(raw)
        closing = re.compile(rf"\[/{re.escape(match[3])}\]").search(text, at) if not match[2] and not match[5] else None
        inner = text[at : closing.start()] if closing else ""
        made = _shortcode(name, attributes, inner, around)
        if made is not None and not match[2]:
            out.append(made)
            at = closing.end() if closing and name in {"caption", "wp_caption", "embed", *_PLAYERS} else at
        elif match[2] or closing or "=" in raw or "-" in name or "_" in name:
            if not match[2]:
                notes.append(f"the shortcode [{name}] is not known here")
        else:
            out.append(match[0])  # such as [sic]
    return "".join(out) + text[at:]


def _attributes(raw: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare, quoted, word in _ATTRIBUTE.findall(raw.lstrip("=")):
        found[name.lower() or str(len(found))] = html.unescape(double or single or bare or quoted or word)
    return found


def _shortcode(name: str, attributes: dict[str, str], inner: str, around: Surroundings) -> str | None:
    if name in {"caption", "wp_caption"}:
        image = re.search(r"<img\b[^>]*>", inner)
        if not image:
            return inner
        words = (inner[image.end() :].replace("</a>", "", 1).strip()) or html.escape(attributes.get("caption", ""))
        return f"\n\n<figure>{image[0]}<figcaption>{words}</figcaption></figure>\n\n"
    if name == "gallery":
        numbers = re.findall(r"\d+", attributes.get("ids", attributes.get("include", ""))) or around.children
        return "\n\n" + "".join(f'<figure><img data-number="{number}"></figure>' for number in numbers) + "\n\n"
    if name in {"embed", *_PLAYERS}:
        address = inner.strip() or next((value for value in attributes.values() if value.startswith("http")), "")
        return _link_to(address) if address.startswith("http") else None
    return None


def _link_to(address: str) -> str:
    shown = html.escape(address)
    return f'\n\n<p><a href="{shown}">{shown}</a></p>\n\n'


def _paragraphs(text: str, kept: list[str]) -> str:
    """What an empty line parts is a paragraph, and a line's end within one a break; what stands among blocks is left."""
    made = []
    for part in re.split(r"\n\s*\n", text.strip()):
        part = part.strip()
        if not part:
            continue
        if _BEGINS_BLOCK.match(part) or part.startswith("\x1a"):
            made.append(part)
        else:
            made.append(f"<p>{re.sub(r'(?<!<br>)(?<!<br />)' + chr(10), '<br>', part)}</p>")
    return "\n".join(made)


class _Rewriter(HTMLParser):
    """Over what nh3 has made well-formed: pictures by number in figures of their own, players as links, headings of our ranks."""

    _AS = {"h1": "h2", "h5": "h4", "h6": "h4"}
    _VOID = {"img", "br", "hr", "source"}

    def __init__(self, around: Surroundings, notes: list[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._around = around
        self._notes = notes
        self._open: list[tuple[str, str, str]] = []  # the tag there, how it was opened here, and how it is closed

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._image(given)
        elif tag in {"iframe", "video", "audio", "source"}:
            if given.get("src"):
                self._link(given["src"])
            if tag not in self._VOID:
                self._begin(tag, "", "")
        elif tag == "figure":
            self._figure(given.get("class", ""))
        elif tag == "figcaption":
            is_ours = any(mark == "<figure>" for _, mark, _ in self._open)
            self._begin(tag, *(("<figcaption>", "</figcaption>") if is_ours else ("<p><em>", "</em></p>")))
        elif tag == "div" or (tag in {"ul", "li"} and self._is_in_gallery()):
            self._begin(tag, "", "")
        elif tag == "a":
            self._begin(tag, f"<a{self._written({**given, 'href': self._address(given.get('href', ''))})}>", "</a>")
        elif tag in self._VOID:
            self.out.append(f"<{tag}>")
        else:
            name = self._AS.get(tag, tag)
            self._begin(tag, f"<{name}{self._written(given)}>", f"</{name}>")

    def handle_endtag(self, tag: str) -> None:
        if not any(opened == tag for opened, _, _ in self._open):
            return
        while self._open:
            opened, _, closing = self._open.pop()
            self.out.append(closing)
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def _begin(self, tag: str, opening: str, closing: str) -> None:
        self._open.append((tag, opening, closing))
        self.out.append(opening)

    def _figure(self, css: str) -> None:
        is_wrapper = any(
            kind in css
            for kind in (
                "wp-block-gallery",
                "wp-block-table",
                "wp-block-embed",
                "wp-block-video",
                "wp-block-audio",
                "wp-block-pullquote",
            )
        )
        if is_wrapper:
            self._begin("figure", "<!--gallery-->" if "gallery" in css else "", "")
        else:
            self._begin("figure", "<figure>", "</figure>")

    def _is_in_gallery(self) -> bool:
        return any(opening == "<!--gallery-->" for _, opening, _ in self._open)

    def _image(self, given: dict[str, str]) -> None:
        by_number = _BY_NUMBER.search(given.get("class", ""))
        written = given.get("data-number", "") or (by_number[1] if by_number else "")
        address = given.get("src", "")
        number = self._around.picture(int(written) if written else None, address)
        if number is None:
            self._notes.append(f"the picture {address or written} is not among the files")
            return
        image = f'<img alt="" data-picture="{number}">'
        if any(opening == "<figure>" for _, opening, _ in self._open):
            self.out.append(image)
        else:
            self._apart(f"<figure>{image}</figure>")

    def _link(self, address: str) -> None:
        shown = html.escape(address)
        self._apart(f'<p><a href="{shown}">{shown}</a></p>')

    def _apart(self, block: str) -> None:
        """Ends the paragraph around it, and what is open within, and goes on with them behind."""
        inside = []
        for entry in reversed(self._open):
            if entry[0] not in _INLINE and entry[0] != "p":
                break
            inside.append(entry)
        self.out += [closing for _, _, closing in inside]
        self.out.append(block)
        self.out += [opening for _, opening, _ in reversed(inside)]

    def _address(self, address: str) -> str:
        return self._around.link(address) or address

    @staticmethod
    def _written(given: dict[str, str]) -> str:
        return "".join(f' {name}="{html.escape(value)}"' for name, value in given.items() if value)


def without_size(address: str) -> str:
    """The address of a picture itself, of one of its smaller copies: without `-300x200` at its end, and without its host."""
    return _SIZE.sub("", urlsplit(address).path)
