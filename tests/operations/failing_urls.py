"""Addresses for test_logs: the site, with a call page that fails."""

from django.urls import path

from gruveo import urls


def fail(request, code):
    raise RuntimeError(f"broken at {code!r}")


urlpatterns = [path("<str:code>", fail), *urls.urlpatterns]
handler404, handler500 = urls.handler404, urls.handler500
