"""Addresses at the root: fixed ones first, and last, whatever is left: a code."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path, re_path
from django.views.generic import RedirectView

from library.kept import kept
from pages import views
from pages.models import Page
from pages.sitemaps import SITEMAPS

app_name = "pages"
urlpatterns = [
    path("", kept(views.home, unless=["code"]), name="home"),
    path("faq/", kept(views.faq, unless=["q", "answered"]), name="faq"),
    path("faq/<slug:slug>/helpful/", views.helpful, name="helpful"),
    path("contact/", kept(views.contact, unless=["about", "report", "sent"]), name="contact"),
    *(path(f"{slug}/", kept(views.page), {"slug": slug}, name=slug) for slug in Page.AT_ROOT if slug != "contact"),
    path("p/<slug:slug>/", kept(views.page), name="page"),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security, name="security"),
    path("security.txt", RedirectView.as_view(pattern_name="pages:security", permanent=True)),
    path("sitemap.xml", kept(views.sitemap_index), name="sitemap"),
    path("sitemap-pages.xml", kept(sitemap, query=["p"]), {"sitemaps": SITEMAPS}, name="sitemap-pages"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("icon-<int:side>.png", views.icon, name="icon"),
    # What iOS asks for by itself.
    path("apple-touch-icon.png", views.icon, {"side": 180}, name="apple-touch-icon"),
    path("apple-touch-icon-precomposed.png", views.icon, {"side": 180}),
    # Last. A code may hold anything but a slash; what it may not hold is told in words.
    re_path(r"^(?P<typed>[^/]+)/?\Z", views.call_page, name="call"),
]
