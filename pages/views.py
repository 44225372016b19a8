"""Home, the call page, the FAQ, the pages, and what is shown when something is missing or broken."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from library import redirects
from library.middleware import lead_to
from pages import conf
from pages.hints import HINTS
from pages.models import FaqEntry, Page
from signaling import codes

_QUESTIONS_ON_HOME = 5
# Fixed names that somebody may type without the slash at their end.
_WITH_SLASH = {"admin", "blog", "faq", *Page.SLUGS}
_MANIFEST = {
    "name": "Gruveo",
    "short_name": "Gruveo",
    "description": "Private video calls for two people who know the same code.",
    "id": "/",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#fcfbf7",
    "theme_color": "#fcfbf7",
}
_ICONS = [
    {"src": "img/favicon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
    {"src": "img/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "maskable"},
]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The field; with `?code=`, which a form without JavaScript sends, on to the call or back with what is wrong."""
    questions = FaqEntry.objects.all()[:_QUESTIONS_ON_HOME]
    context = {"section": "home", "questions": questions, "has_relays": conf.has_relays()}
    typed = request.GET.get("code")
    if typed is None:
        return render(request, "pages/home.html", context | _code_form())
    code = codes.normalise(typed)
    hint = codes.refusal(code)
    if hint:
        return _private(render(request, "pages/home.html", context | _code_form(typed, hint)))
    return _private(HttpResponseRedirect(codes.path(code), status=303))


@require_safe
def call_page(request: HttpRequest, typed: str) -> HttpResponse:
    """The call at this code; any other spelling of it is led to the one address that it has."""
    code = codes.normalise(typed)
    hint = codes.refusal(code)
    if code in _WITH_SLASH:
        return redirect(f"/{code}/")
    target = redirects.of_word(typed) or redirects.of_word(code)
    if target:
        return _private(lead_to(request, target))
    if hint in {"dots", "file", "taken"}:
        return _private(not_found(request))
    if hint:
        return _private(render(request, "pages/bad_code.html", _code_form(typed, hint), status=404))
    if request.path_info != f"/{code}":
        return _private(HttpResponseRedirect(codes.path(code)))
    context = {"code": code, "signaling_url": conf.signaling_url(), "has_relays": conf.has_relays()}
    return _private(render(request, "pages/room.html", context))


@require_safe
def faq(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/faq.html", {"section": "faq", "topics": FaqEntry.objects.by_topic()})


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    return render(request, "pages/page.html", {"section": slug, "page": get_object_or_404(Page, slug=slug)})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    # Call pages stay open to crawlers: only who may read them sees that they are not to be listed.
    sitemap = request.build_absolute_uri(reverse("pages:sitemap"))
    return HttpResponse(
        f"User-agent: *\nDisallow: /admin/\n\nSitemap: {sitemap}\n", content_type="text/plain; charset=utf-8"
    )


@require_safe
def sitemap_index(request: HttpRequest) -> HttpResponse:
    """Where the sitemaps of the apps are; named by their addresses, so that this app need not know the others."""
    locations = [request.build_absolute_uri(reverse(name)) for name in ("pages:sitemap-pages", "blog:sitemap")]
    return render(request, "pages/sitemap_index.xml", {"locations": locations}, content_type="application/xml")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put Gruveo on its home screen."""
    icons = [icon | {"src": static(icon["src"])} for icon in _ICONS]
    return JsonResponse({**_MANIFEST, "icons": icons}, content_type="application/manifest+json")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(static("img/favicon.svg"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "pages/not_found.html", _code_form(), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Needs neither a database nor a session: either may be what has failed."""
    return HttpResponse(render_to_string("pages/server_error.html"), status=500)


def _code_form(typed: str = "", hint: str | None = None) -> dict:
    """What includes/code_form.html shows."""
    return {"typed": typed, "problem": HINTS[hint] if hint else "", "hints": HINTS, "rules": codes.RULES}


def _private(response: HttpResponse) -> HttpResponse:
    """
    Keeps the code in the address out of caches, search engines and the logs of other sites.

    Attack stopped: who learns the address learns the code, and can join the call.
    """
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    patch_cache_control(response, no_store=True)
    return response
