"""What is sent by forms that stand on pages without anything of one visitor: where it comes from, and how much of it."""

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from pages import conf
from turnauth.limits import counted_as

_HOUR = 3600


def is_from_here(request: HttpRequest) -> bool:
    """
    Whether a page of this site has sent it. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; who says neither is none.

    Attack stopped: a page elsewhere has its visitors send forms to us.

    Source: Fetch Metadata Request Headers (W3C), section 2.3; RFC 6454 section 7.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") in conf.origins()


def is_too_much(request: HttpRequest, what: str, *, an_hour: int) -> bool:
    """
    Counts one more of these from the client's address, under a keyed hash that is forgotten after an hour. Without a cache nothing is
    counted: better a little too much than a visitor who is not heard.
    """
    caller = counted_as(request.META.get("REMOTE_ADDR", ""))
    key = "pages.posted." + salted_hmac("pages.posted", f"{what} {caller}", algorithm="sha256").hexdigest()[:32]
    try:
        cache.add(key, 0, _HOUR)
        return cache.incr(key) > an_hour
    except (RedisError, ValueError):  # away; or it has run out just now
        return False
