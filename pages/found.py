"""What of pages and questions is found by the search."""

from library import markup
from pages.models import FaqEntry, Page
from search.index import Document


def describe_page(page: Page) -> Document | None:
    if not page.is_for_visitors:
        return None
    return Document("Page", page.title, page.description, markup.plain(page.body), page.get_absolute_url())


def describe_question(entry: FaqEntry) -> Document | None:
    if not entry.is_for_visitors:
        return None
    return Document("FAQ", entry.question, "", markup.plain(entry.answer), entry.get_absolute_url())
