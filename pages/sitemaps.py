"""What the pages tell search engines; calls are never listed."""

from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from pages.models import Page


class FixedSitemap(Sitemap):
    def items(self) -> list[str]:
        return ["pages:home", "pages:faq", "pages:contact"]

    def location(self, name: str) -> str:
        return reverse(name)


class PageSitemap(Sitemap):
    def items(self):
        return Page.objects.shown().exclude(slug="contact")  # which is there without it

    def lastmod(self, page: Page):
        return page.updated


SITEMAPS = {"fixed": FixedSitemap, "pages": PageSitemap}
