"""What clients outside the browser fetch before they open a socket, and what tells phones which links are an app's."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control, set_response_etag
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from signaling import conf, native, protocol
from turnauth import ice

_VERSION = 1  # of the document: raised when a client that reads this one would misread the next
_CONFIG_SECONDS = 5 * 60
_LINKS_SECONDS = 60 * 60


@csrf_exempt  # else a POST is told 403 and not 405
@require_safe
def config(request: HttpRequest) -> HttpResponse:
    """How to reach the signaling, and within which limits; docs/native.md is the paper."""
    document = {
        "version": _VERSION,
        "signaling": {"url": _socket_address(request), "subprotocols": [protocol.SUBPROTOCOL]},
        "limits": conf.limits().for_config(),
        "features": list(protocol.FEATURES),
        "turn": reverse("turnauth:turn")
        if ice.has_relays()
        else None,  # for programs with a key; others get theirs by `welcome`
        "min_client_versions": conf.least_versions(),
    }
    response = _document(request, document, seconds=_CONFIG_SECONDS)
    # Nothing here is secret, and all get the same, cookie or not: a page of any origin may read it. The socket still asks for the Origin.
    response["Access-Control-Allow-Origin"] = "*"
    return response


@csrf_exempt
@require_safe
def apple_app_site_association(request: HttpRequest) -> HttpResponse:
    """Which links open the iOS app."""
    if not conf.apple_app_ids():
        return _no_apps()
    return _document(request, native.apple_app_site_association(conf.apple_app_ids()), seconds=_LINKS_SECONDS)


@csrf_exempt
@require_safe
def asset_links(request: HttpRequest) -> HttpResponse:
    """Which Android apps may open links."""
    if not conf.android_apps():
        return _no_apps()
    return _document(request, native.asset_links(conf.android_apps()), seconds=_LINKS_SECONDS)


def _socket_address(request: HttpRequest) -> str:
    """
    Attack stopped: a request with a Host of its own leaves an answer in a shared cache that sends others to a foreign socket, or to a
    port where nobody listens.

    Raises:
        DisallowedHost: the site has no such address (400).
    """
    address = conf.socket_address(request.get_host())
    if address is None:
        raise DisallowedHost("The host is none of SITE_ORIGINS.")
    return address


def _no_apps() -> HttpResponse:
    """Not the page that people get, which asks the database: these two addresses are asked by machines, app or no app."""
    return HttpResponse("This site has no such app.\n", status=404, content_type="text/plain; charset=utf-8")


def _document(request: HttpRequest, document: dict | list, *, seconds: int) -> HttpResponse:
    """JSON that caches may keep; 304 for whoever has it already."""
    response = JsonResponse(document, safe=False)
    patch_cache_control(response, public=True, max_age=seconds)
    set_response_etag(response)
    return get_conditional_response(request, etag=response["ETag"], response=response)
