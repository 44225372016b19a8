"""The search itself, in the words of each database: PostgreSQL's full text, and SQLite's FTS5."""

from typing import NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from search import words
from search.models import Entry, Word

PER_PAGE = 10
# Marks around what was found; control characters stand in no text of ours, and what was found is escaped before they become tags.
_BEGIN, _END = "\x02", "\x03"


class Found(NamedTuple):
    entry: Entry
    title: SafeString
    excerpt: SafeString


class Answer(NamedTuple):
    found: list[Found]
    count: int
    page: int
    changes: dict[str, str]  # words that stand nowhere, and what was looked for in their place


def find(typed: str, *, page: int = 1) -> Answer:
    """
    What holds all of these words, or words that begin so, the best first: title before summary before text, and of two that are alike the
    newer. When nothing does, words that stand nowhere are taken for slips of the fingers. Beyond the last page is the last page.
    """
    wanted = words.read(typed)
    changes: dict[str, str] = {}
    count = _count(wanted)
    if not count and wanted:
        mended = words.mend(wanted, list(Word.objects.values_list("text", flat=True)))
        if mended:
            wanted, changes = mended
            count = _count(wanted)
    if not count:
        return Answer([], 0, 1, {})
    page = min(page, -(-count // PER_PAGE))
    return Answer(_page(wanted, page), count, page, changes)


def _count(wanted: list[str]) -> int:
    if not wanted:
        return 0
    query, sql, _ = _DIALECTS[connection.vendor](wanted)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"query": query, "now": timezone.now()})
        return cursor.fetchone()[0]


def _page(wanted: list[str], page: int) -> list[Found]:
    query, _, sql = _DIALECTS[connection.vendor](wanted)
    values = {
        "query": query,
        "now": timezone.now(),
        "begin": _BEGIN,
        "end": _END,
        "most": PER_PAGE,
        "before": (page - 1) * PER_PAGE,
        "options": f'StartSel="{_BEGIN}", StopSel="{_END}", MinWords=18, MaxWords=36, MaxFragments=1',
        "title_options": f'StartSel="{_BEGIN}", StopSel="{_END}", HighlightAll=true',
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    entries = Entry.objects.in_bulk([row[0] for row in rows])
    return [
        Found(entries[number], _marked(title), _marked(body if _BEGIN in body else summary or body))
        for number, title, summary, body in rows
    ]


def _postgresql(wanted: list[str]) -> tuple[str, str, str]:
    query = " & ".join(f"'{word}':*" for word in wanted)
    matching = "vector @@ to_tsquery('english', %(query)s) AND (visible_from IS NULL OR visible_from <= %(now)s)"
    return (
        query,
        f"SELECT count(*) FROM search_entry WHERE {matching}",
        f"""
        SELECT id,
            ts_headline('english', title, to_tsquery('english', %(query)s), %(title_options)s),
            ts_headline('english', summary, to_tsquery('english', %(query)s), %(options)s),
            ts_headline('english', body, to_tsquery('english', %(query)s), %(options)s)
        FROM (
            SELECT *, ts_rank(vector, to_tsquery('english', %(query)s)) AS rank FROM search_entry WHERE {matching}
            ORDER BY rank DESC, visible_from DESC NULLS LAST, id LIMIT %(most)s OFFSET %(before)s
        ) AS best
        ORDER BY rank DESC, visible_from DESC NULLS LAST, id
        """,
    )


def _sqlite(wanted: list[str]) -> tuple[str, str, str]:
    query = " AND ".join(f'"{word}" *' for word in wanted)
    matching = "search_fts MATCH %(query)s AND (visible_from IS NULL OR visible_from <= %(now)s)"
    joined = "search_fts JOIN search_entry ON search_entry.id = search_fts.rowid"
    return (
        query,
        f"SELECT count(*) FROM {joined} WHERE {matching}",
        f"""
        SELECT search_entry.id, highlight(search_fts, 0, %(begin)s, %(end)s),
            snippet(search_fts, 1, %(begin)s, %(end)s, '…', 32), snippet(search_fts, 2, %(begin)s, %(end)s, '…', 32)
        FROM {joined} WHERE {matching}
        ORDER BY bm25(search_fts, 10.0, 4.0, 1.0), visible_from DESC, search_entry.id LIMIT %(most)s OFFSET %(before)s
        """,
    )


_DIALECTS = {"postgresql": _postgresql, "sqlite": _sqlite}


def _marked(text: str) -> SafeString:
    return mark_safe(escape(text).replace(_BEGIN, "<mark>").replace(_END, "</mark>"))
