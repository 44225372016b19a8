"""
Credentials over HTTP; docs/turn-rest.md is the paper.

Source: draft-uberti-behave-turn-rest-00.
"""

import math
import time
from threading import Lock

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse, QueryDict
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt

from turnauth import conf, ice
from turnauth.limits import Meter, counted_as
from turnauth.models import ApiKey

_LONGEST_USERNAME = 256
_BEARER = "bearer "
_DATABASE_SECONDS = 5
_addresses, _keys = Meter(), Meter()
_one_at_a_time = Lock()  # requests are answered in threads


class Refusal(Exception):
    """Why there are no credentials: a code of docs/turn-rest.md."""

    _STATUS = {
        "bad-service": 400,
        "bad-username": 400,
        "bad-key": 401,
        "forbidden": 403,
        "no-turn": 404,
        "bad-method": 405,
        "rate-limited": 429,
        "unavailable": 503,
    }

    def __init__(self, code: str, text: str, *, retry_after: float = 0) -> None:
        super().__init__(text)
        self.code = code
        self.retry_after = math.ceil(retry_after)

    def response(self) -> JsonResponse:
        document = {"code": self.code, "text": str(self)}
        if self.retry_after:
            document["retry_after"] = self.retry_after
        response = JsonResponse({"error": document}, status=self._STATUS[self.code])
        if self.retry_after:
            response["Retry-After"] = self.retry_after
        if self.code == "bad-key":
            response["WWW-Authenticate"] = "Bearer"  # RFC 6750 section 3
        if self.code == "bad-method":
            response["Allow"] = "GET, POST"
        return response


@csrf_exempt  # a POST changes nothing, and programs have no cookies
def turn(request: HttpRequest) -> JsonResponse:
    """Relays, and credentials for them, for a page of ours or the holder of a key."""
    try:
        response = JsonResponse(_answer(request))
    except Refusal as refusal:
        response = refusal.response()
    except DatabaseError:
        response = Refusal("unavailable", "Please ask again later.", retry_after=_DATABASE_SECONDS).response()
    patch_cache_control(response, no_store=True)
    return response


def _answer(request: HttpRequest) -> dict:
    asked = _asked(request)
    if asked.get("service", "turn") != "turn":
        raise Refusal("bad-service", "The only service is turn.")
    user = _caller(request, asked)
    region = asked.get("region") or request.headers.get(conf.region_header(), "")
    servers, lifetime = ice.ice_servers(user=user, now=time.time(), room=user, region=region)
    if not servers:
        raise Refusal("no-turn", "This site has no relays.")
    (server,) = servers
    return {
        "username": server["username"],
        "password": server["credential"],
        "ttl": lifetime,
        "uris": server["urls"],
        "iceServers": servers,
    }


def _asked(request: HttpRequest) -> QueryDict:
    """The parameters, of the query or of a form; the draft posts them in the query."""
    if request.method not in {"GET", "POST"}:
        raise Refusal("bad-method", "GET or POST.")
    asked = request.GET.copy()
    asked.update(request.POST)
    return asked


def _caller(request: HttpRequest, asked: QueryDict) -> str:
    """
    Who asks, counted: as one by the relays, and by our own limits.

    Raises:
        Refusal: they may not ask, or not so often.
    """
    key = _bearer(request) or asked.get("key")
    address = counted_as(request.META.get("REMOTE_ADDR", ""))
    if key:
        entry = ApiKey.objects.serving(key, now=timezone.now())
        if entry:
            _take(_keys, str(entry.pk), conf.requests_per_key())
            return f"key {entry.pk} {_username(asked)}"
    elif not _is_from_our_page(request):
        raise Refusal("forbidden", "A key is needed here; pages of this site do without.")
    _take(_addresses, address, conf.requests_per_address())
    if key:
        raise Refusal("bad-key", "This key is not known, or was revoked.")
    return _visitor(request, address)


def _take(meter: Meter, caller: str, per_minute: float) -> None:
    with _one_at_a_time:
        wait = meter.take(caller, now=time.monotonic(), per_minute=per_minute)
    if wait:
        raise Refusal("rate-limited", "Too many requests.", retry_after=wait)


def _bearer(request: HttpRequest) -> str:
    """Source: RFC 6750 section 2.1; the name of the scheme is not case-sensitive (RFC 9110 section 11.1)."""
    given = request.headers.get("Authorization", "")
    return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""


def _username(asked: QueryDict) -> str:
    """Any name that the holder of a key has for one of their people: it is hashed before a relay sees it."""
    name = asked.get("username", "")
    if len(name) > _LONGEST_USERNAME:
        raise Refusal("bad-username", f"A username has at most {_LONGEST_USERNAME} characters.")
    return name


def _is_from_our_page(request: HttpRequest) -> bool:
    """
    Attack stopped: a foreign page that has its visitors' browsers fetch credentials for it.

    Source: W3C Fetch Metadata Request Headers; browsers without them send an Origin with a POST.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin not in conf.origins():
        return False
    return site == "same-origin" if site is not None else origin is not None


def _visitor(request: HttpRequest, address: str) -> str:
    """By the session where there is one. Callers have none, for they get no cookies: they are counted by their address."""
    session = request.session
    if session.session_key and session.exists(session.session_key):
        return f"session {session.session_key}"
    return f"address {address}"
