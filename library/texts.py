"""The translations that the browser's modules need, for json_script; static/js/texts.js reads them."""

from functools import cache

from django.utils.translation import get_language
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

from library import conf


def of_modules() -> dict[str, str | dict]:
    """In the language of this request, by the English ones: `messages` holds a text each, or the list of its plural forms."""
    return _catalogue(get_language())


@cache
def _catalogue(language: str) -> dict[str, str | dict]:
    view = JSONCatalog()
    view.translation = DjangoTranslation(language, domain="djangojs", localedirs=conf.catalogues())
    return {"language": language, "messages": view.get_catalog()}
