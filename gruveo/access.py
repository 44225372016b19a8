"""What is noted of each request over HTTP: an id for all lines of the log that belong to it, one line, and a number in the metrics."""

import logging
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram
from structlog.contextvars import bind_contextvars

from gruveo.logs import route_name

logger = logging.getLogger("gruveo.access")

registry = CollectorRegistry()
_requests = Counter(
    "gruveo_http_requests", "Requests that were answered.", ["route", "method", "status"], registry=registry
)
_seconds = Histogram(
    "gruveo_http_request_seconds",
    "Time until an answer was ready.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)
# Asked every few seconds; gruveo.health says when an answer changes.
_PROBES = {"healthz", "healthz-sessions", "readyz"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # any other word is the client's own


class Access:
    """Middleware; the outermost, so that it sees every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        bind_contextvars(request_id=secrets.token_hex(8))  # in the context of this request alone
        began = time.perf_counter()
        answer = self._get_response(request)
        self._note(request, answer.status_code, time.perf_counter() - began)
        return answer

    @staticmethod
    def _note(request: HttpRequest, status: int, seconds: float) -> None:
        route = route_name(request)
        method = request.method if request.method in _METHODS else "other"
        _requests.labels(route, method, status).inc()
        _seconds.labels(route).observe(seconds)
        if route in _PROBES:
            return
        logger.info(
            "request",
            extra={
                "route": route,
                "method": method,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "address": request.META.get("REMOTE_ADDR"),
            },
        )
