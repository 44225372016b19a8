"""In which language the site speaks to somebody: the one they chose, which a cookie keeps, or else the one their browser asks for."""

from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

_PARAMETER = "lang"


class LanguageMiddleware(LocaleMiddleware):
    """`?lang=` keeps a choice and leads to the one address that each page has, for all languages. The admin is in English."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info.startswith("/admin/"):
            language = settings.LANGUAGE_CODE
        elif _PARAMETER in request.GET and request.method in {"GET", "HEAD"}:
            return _keep(request)
        else:
            language = translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Only pages are in a language; feeds, pictures and what programs ask for are the same in each."""
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
            response.setdefault("Content-Language", translation.get_language())
        return response


def _keep(request: HttpRequest) -> HttpResponse:
    """A language that there is none of is not kept, and its visitor comes to the same page all the same."""
    chosen = request.GET[_PARAMETER]
    query = request.GET.copy()
    del query[_PARAMETER]
    address = urlsplit(request.get_full_path())
    # The address may hold a code; see pages.views.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    response = HttpResponseRedirect(urlunsplit(address._replace(query=query.urlencode())), headers=headers)
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    return response
