"""Pages that are the same for everybody are made once for each version of the content, and kept."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import NamedTuple
from urllib.parse import urlencode

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from redis.exceptions import RedisError

from library import conf, freshness

logger = logging.getLogger(__name__)

_OUTAGE = 10.0  # seconds for which a cache that is away is not asked again
_PERSONAL = (conf.session_cookie(), "messages")  # cookies of those whose pages may differ
_making = [threading.Lock() for _ in range(64)]
_asks_at = 0.0


class _Page(NamedTuple):
    body: bytes
    content_type: str
    headers: dict[str, str]
    etag: str


def kept(view: Callable[..., HttpResponse], *, query: Iterable[str] = (), unless: Iterable[str] = ()) -> Callable:
    """
    A view whose answer is kept for each path, language and value of the parameters in `query`; all others but those in `unless` are taken
    from the request, and with one of those nothing is kept. Nor is anything that was made for somebody who is signed in.
    """
    query, unless = sorted(query), frozenset(unless)

    @wraps(view)
    def answer(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if (
            request.method not in {"GET", "HEAD"}
            or not conf.kept_seconds()
            or not unless.isdisjoint(request.GET)
            or any(name in request.COOKIES for name in _PERSONAL)
        ):
            return view(request, *args, **kwargs)
        _strip(request, query)
        version = freshness.current()
        key = _key(request, version) if version else None
        page = _find(key)
        if page is None:
            with _making[hash(key) % len(_making)]:  # when many come at once one makes it, and the others wait
                page = _find(key)
                if page is None:
                    response = view(request, *args, **kwargs)
                    page = _take(request, response)
                    if page is None:
                        return response
                    _keep(key, page, version)
        return _shown(request, page)

    return answer


def _strip(request: HttpRequest, query: list[str]) -> None:
    """What the page does not look at cannot come to stand in it."""
    left = urlencode([(name, request.GET[name]) for name in query if name in request.GET])
    request.META["QUERY_STRING"] = left
    request.GET = QueryDict(left, encoding=request.encoding)


def _key(request: HttpRequest, version: freshness.Version) -> str:
    # Pages of another release name other static files.
    release = getattr(staticfiles_storage, "manifest_hash", "")
    address = (request.scheme, request.get_host(), request.path, request.META["QUERY_STRING"])
    parts = (release, *address, get_language(), str(version))
    return f"page:{hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"


def _take(request: HttpRequest, response: HttpResponse) -> _Page | None:
    """The answer, ready to be kept, or None when it is not for everybody."""
    if response.status_code != 200 or response.streaming:
        return None
    if hasattr(response, "render"):
        response.render()
    if response.cookies or request.META.get("CSRF_COOKIE_NEEDS_UPDATE") or hasattr(request, "_csp_nonce"):
        logger.error("%s is to be kept, and holds something of one visitor", request.resolver_match.view_name)
        return None
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    etag = hashlib.blake2b(response.content, digest_size=12).hexdigest()
    return _Page(response.content, response["Content-Type"], headers, f'"{etag}"')


def _shown(request: HttpRequest, page: _Page) -> HttpResponse:
    response = HttpResponse(page.body, content_type=page.content_type, headers=page.headers)
    response["ETag"] = page.etag
    patch_vary_headers(response, ["Cookie"])
    if "Cache-Control" not in response:
        patch_cache_control(response, no_cache=True)
    return get_conditional_response(request, etag=page.etag, response=response)


def _find(key: str | None) -> _Page | None:
    global _asks_at
    if key is None or time.monotonic() < _asks_at:
        return None
    try:
        found = cache.get(key)
    except RedisError as error:
        _asks_at = time.monotonic() + _OUTAGE
        logger.warning("the cache is away, pages are made anew: %r", error)
        return None
    return _Page(*found) if found else None


def _keep(key: str | None, page: _Page, version: freshness.Version | None) -> None:
    global _asks_at
    if key is None or time.monotonic() < _asks_at:
        return
    seconds = conf.kept_seconds()
    if version.next_at:
        seconds = min(seconds, (version.next_at - timezone.now()).total_seconds())
    if seconds <= 0:
        return
    try:
        cache.set(key, tuple(page), seconds)
    except RedisError as error:
        _asks_at = time.monotonic() + _OUTAGE
        logger.warning("the cache is away, pages are made anew: %r", error)
