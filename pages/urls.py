"""Addresses at the root: fixed ones first, and last, whatever is left: a code."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path, re_path

from pages import views
from pages.models import Page
from pages.sitemaps import SITEMAPS

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("faq/", views.faq, name="faq"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap_index, name="sitemap"),
    path("sitemap-pages.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap-pages"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    *(path(f"{slug}/", views.page, {"slug": slug}, name=slug) for slug in Page.SLUGS),
    # Last. A code may hold anything but a slash; what it may not hold is told in words.
    re_path(r"^(?P<typed>[^/]+)/?\Z", views.call_page, name="call"),
]
