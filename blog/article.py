"""A post's text as it stands on a page: anchors and a table of contents, code in colours, charts. Pure."""

import re
from collections.abc import Callable
from html import escape, unescape
from typing import NamedTuple

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from library import charts

_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
_CODE = re.compile(r'<pre><code(?: class="language-([a-z0-9+#-]+)")?>(.*?)</code></pre>', re.DOTALL)
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="code-")


class Heading(NamedTuple):
    anchor: str
    text: str


class Article(NamedTuple):
    html: str
    contents: list[Heading]


def make(clean_html: str, *, draw: Callable[[dict], str]) -> Article:
    """
    From a cleaned text: its second-level headings have ids and are listed, code has the classes of its colours, and code in the language
    `chart` has become a chart. `draw` makes HTML of a chart's layout.
    """
    headings: list[Heading] = []

    def name(match: re.Match) -> str:
        heading = Heading(f"part-{len(headings) + 1}", unescape(_TAG.sub("", match[1])).strip())
        headings.append(heading)
        return f'<h2 id="{heading.anchor}">{match[1]}</h2>'

    html = _CODE.sub(lambda match: _show_code(match, draw), _HEADING.sub(name, clean_html)).replace(
        "<pre>", '<pre tabindex="0">'
    )
    # Wide tables scroll by themselves, with the keyboard too, and leave the page where it is.
    return Article(_TABLE.sub(r'<div class="table-scroll" tabindex="0">\g<0></div>', html), headings)


def for_feeds(clean_html: str, *, draw: Callable[[dict], str]) -> str:
    """The same for those who read it elsewhere, without our styles: as it is, but for the charts."""

    def show(match: re.Match) -> str:
        return _show_chart(unescape(_TAG.sub("", match[2])), draw) if match[1] == "chart" else match[0]

    return _CODE.sub(show, clean_html)


def _show_code(match: re.Match, draw: Callable[[dict], str]) -> str:
    language, text = match[1] or "", unescape(_TAG.sub("", match[2]))
    if language == "chart":
        return _show_chart(text, draw)
    try:
        lexer = get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        lexer = None
    shown = highlight(text, lexer, _FORMATTER).rstrip("\n") if lexer else match[2]
    return f'<pre tabindex="0"><code>{shown}</code></pre>'


def _show_chart(text: str, draw: Callable[[dict], str]) -> str:
    try:
        return draw(charts.layout(charts.read(text)))
    except charts.BadChart as error:
        return f'<p class="chart-problem">This chart cannot be drawn: {escape(str(error))}</p>'
