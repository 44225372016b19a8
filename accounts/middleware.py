"""What every request to the admin passes through."""

import zoneinfo
from collections.abc import Callable

from csp.constants import NONCE
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control

_PREFIX = "/admin/"
_ZONE_COOKIE = "zone"  # set by js/desk/zone.js


def desk(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """
    Pages of the admin, and no others: times in the editor's zone, a nonce for the import map and the style of the text editor, and
    nothing of them stored by a cache.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(_PREFIX):
            return get_response(request)
        with timezone.override(_zone(request)):
            response = get_response(request)
        response._csp_update = {"script-src": [NONCE], "style-src": [NONCE]}
        response["X-Robots-Tag"] = "noindex"
        patch_cache_control(response, no_store=True, private=True)
        return response

    return middleware


def _zone(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(request.COOKIES.get(_ZONE_COOKIE, "UTC"))
    except (KeyError, ValueError, OSError):  # no such zone, or a path
        return None
