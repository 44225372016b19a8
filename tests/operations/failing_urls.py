"""Addresses for test_logs and test_sentry: the site, with a call page that fails."""

import logging

from django.urls import path

from gruveo import health, urls


def fail(request, code):
    raise RuntimeError(f"broken at {code!r}")


def complain(request, code):
    """As libraries do, that put what happened into their words."""
    logging.getLogger("asyncio").error(f"Task exception was never retrieved: {code}")
    logging.getLogger("signaling").error("lost %s", code, extra={"address": code})
    raise UnicodeError(code)


urlpatterns = [
    path("healthz", health.alive),
    path("complain/<str:code>", complain),
    path("<str:code>", fail),
    *urls.urlpatterns,
]
handler404, handler500 = urls.handler404, urls.handler500
