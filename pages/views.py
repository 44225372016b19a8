"""Home, the call page, the FAQ, the pages, and what is shown when something is missing or broken."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from library import linked_data, redirects, texts
from library.middleware import lead_to
from pages import conf, icons, posted
from pages.forms import MessageForm
from pages.hints import HINTS
from pages.models import FaqEntry, Page
from signaling import codes

_QUESTIONS_ON_HOME = 5
# Fixed names that somebody may type without the slash at their end.
_WITH_SLASH = {"admin", "blog", "faq", "search", *Page.AT_ROOT}
_ANSWERS_AN_HOUR = 60
_MESSAGES_AN_HOUR = 5
_LONGEST_SEARCH = 100
_DAY = 24 * 3600
_MANIFEST = {
    "name": "Gruveo",
    "short_name": "Gruveo",
    "description": "Private video calls for two people who know the same code.",
    "id": "/",
    "lang": "en",
    "categories": ["communication"],
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#fcfbf7",
    "theme_color": "#fcfbf7",
}
_ICON_SIDES = (180, 192, 512)  # pixels; the first is what iOS asks for


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The field; with `?code=`, which a form without JavaScript sends, on to the call or back with what is wrong."""
    questions = FaqEntry.objects.in_order()[:_QUESTIONS_ON_HOME]
    context = {"section": "home", "questions": questions, "has_relays": conf.has_relays()}
    typed = request.GET.get("code")
    if typed is None:
        return render(request, "pages/home.html", context | _code_form())
    code = codes.normalise(typed)
    hint = codes.refusal(code) or ("taken" if redirects.of_word(code) else None)
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
    context["texts"] = texts.of_modules()
    return _private(render(request, "pages/room.html", context))


@require_safe
def faq(request: HttpRequest) -> HttpResponse:
    """All questions, or with `?q=`, which the filter sends without JavaScript, those that hold its words."""
    words = request.GET.get("q", "")[:_LONGEST_SEARCH].strip()
    entries = FaqEntry.objects.matching(words)
    topics: dict[str, list[FaqEntry]] = {}
    for entry in entries:
        topics.setdefault(entry.topic.name, []).append(entry)
    context = {
        "section": "faq",
        "topics": topics,
        "words": words,
        "count": len(entries),
        "answered": request.GET.get("answered", ""),
        "linked_data": "" if words or not entries else _faq_data(entries),
        "texts": texts.of_modules(),
    }
    return render(request, "pages/faq.html", context)


@csrf_exempt  # the page is the same for all, so it has no token; see posted
@require_POST
def helpful(request: HttpRequest, slug: str) -> HttpResponse:
    """`answer` is `yes` or `no`. What is too much is thanked for and not counted."""
    entry = get_object_or_404(FaqEntry.objects.kept(), slug=slug)
    answer = request.POST.get("answer")
    if not posted.is_from_here(request):
        return HttpResponse("This form is sent from its own page only.", status=403, content_type="text/plain")
    if answer not in {"yes", "no"}:
        return HttpResponse("The answer is yes or no.", status=400, content_type="text/plain")
    if not posted.is_too_much(request, "helpful", an_hour=_ANSWERS_AN_HOUR):
        entry.count(did_help=answer == "yes")
    return HttpResponseRedirect(f"{reverse('pages:faq')}?answered={entry.slug}#{entry.slug}", status=303)


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Page.objects.shown(), slug=slug)
    if request.path_info != found.get_absolute_url():
        return redirect(found, permanent=True)
    return render(request, "pages/page.html", {"section": slug, "page": found})


@csrf_exempt  # the page is the same for all, so it has no token; see posted
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """A form, under what editors have written about it; `?about=` and `?report=` fill it in."""
    if request.method != "POST":
        given = {"kind": request.GET.get("about", ""), "report": request.GET.get("report", "")[:40]}
        return _contact(request, MessageForm(initial=given), is_sent="sent" in request.GET)
    if not posted.is_from_here(request):
        return HttpResponse("This form is sent from its own page only.", status=403, content_type="text/plain")
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _contact(request, form, status=400)
    if posted.is_too_much(request, "message", an_hour=_MESSAGES_AN_HOUR):
        form.add_error(None, _("Too many messages have come from your network. Wait an hour, then send it again."))
        return _contact(request, form, status=429)
    if not form.is_of_a_program:
        form.save()
    return HttpResponseRedirect(f"{reverse('pages:contact')}?sent", status=303)


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
def security(request: HttpRequest) -> HttpResponse:
    """
    Where to write about a hole.

    Source: RFC 9116.
    """
    contact = conf.security_contact() or request.build_absolute_uri(reverse("pages:contact"))
    # The same for all of a day, and never further away than the year that the RFC allows.
    expires = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=180)
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {request.build_absolute_uri(reverse('pages:security'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put Gruveo on its home screen."""
    drawn = [
        {"src": static("img/favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        {"src": static("img/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "maskable"},
    ]
    in_pixels = [
        {
            "src": reverse("pages:icon", args=[side]),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": "maskable",
        }
        for side in _ICON_SIDES
    ]
    return JsonResponse({**_MANIFEST, "icons": drawn + in_pixels}, content_type="application/manifest+json")


@require_safe
def icon(request: HttpRequest, side: int) -> HttpResponse:
    if side not in _ICON_SIDES:
        return not_found(request)
    return _picture(icons.png(side), "image/png")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return _picture(icons.ico(), "image/x-icon")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "pages/not_found.html", _code_form(), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Needs neither a database nor a session: either may be what has failed."""
    return HttpResponse(render_to_string("pages/server_error.html"), status=500)


def _contact(request: HttpRequest, form: MessageForm, *, is_sent: bool = False, status: int = 200) -> HttpResponse:
    page = Page.objects.shown().filter(slug="contact").first()
    context = {"section": "contact", "page": page, "form": form, "is_sent": is_sent}
    response = render(request, "pages/contact.html", context, status=status)
    if request.method == "POST":
        patch_cache_control(response, no_store=True)
    return response


def _faq_data(entries: list[FaqEntry]) -> SafeString:
    """
    Source: schema.org, FAQPage.
    """
    questions = [
        {"@type": "Question", "name": entry.question, "acceptedAnswer": {"@type": "Answer", "text": entry.text}}
        for entry in entries
    ]
    return mark_safe(linked_data.script({"@type": "FAQPage", "mainEntity": questions}))  # escaped in `script`


def _picture(data: bytes, kind: str) -> HttpResponse:
    return HttpResponse(data, content_type=kind, headers={"Cache-Control": f"public, max-age={_DAY}"})


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
