"""What of pages and questions is found by the search."""

from django.utils.translation import gettext_noop

from library import markup
from pages.models import FaqEntry, Page
from search.index import Document


def describe_page(page: Page) -> Document | None:
    if not page.is_for_visitors:
        return None
    body, url = markup.plain(page.body), page.get_absolute_url()
    return Document(gettext_noop("Page"), page.title, page.description, body, url, language=page.language)


def describe_question(entry: FaqEntry) -> Document | None:
    if not entry.is_for_visitors:
        return None
    body, url = markup.plain(entry.answer), entry.get_absolute_url()
    return Document(gettext_noop("FAQ"), entry.question, "", body, url, language=entry.language)
