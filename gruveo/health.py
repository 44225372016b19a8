"""Whether this process is alive, and whether it is ready for visitors."""

import logging
import threading

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from signaling.node import switchboard

logger = logging.getLogger("gruveo.health")


@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; what load balancers ask."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
def sessions(request: HttpRequest) -> HttpResponse:
    """How many people this node serves at the moment, for who asks on this machine: whoever comes through a proxy finds nothing."""
    if "X-Forwarded-For" in request.headers:
        raise Http404
    return HttpResponse(f"{switchboard.sessions}\n", content_type="text/plain")


@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when newcomers should be sent here: the database answers, Redis does, and this node is not about to stop; else 503."""
    missing = _missing()
    _state.note(missing)
    answer = HttpResponse(f"{missing or 'ready'}\n", status=503 if missing else 200, content_type="text/plain")
    # Django's own mark; else it would write an error of a request for each probe.
    answer._has_been_logged = True
    return answer


class _State:
    """Says in the log when the answer becomes another one, however often it is asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._missing: str | None = None

    def note(self, missing: str | None) -> None:
        with self._lock:
            before, self._missing = self._missing, missing
        if missing == before:
            return
        if missing:
            # Whoever asked it to stop knows that it does.
            level = logging.INFO if missing == "draining" else logging.WARNING
            logger.log(level, "not ready", extra={"reason": missing})
        else:
            logger.info("ready again", extra={"reason": before})


_state = _State()


def _missing() -> str | None:
    if switchboard.is_draining:
        return "draining"
    if not switchboard.is_ready:
        return "redis"
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "database"
    return None
