"""What the blog tells search engines."""

from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from blog.models import Author, Post, Tag


class PostSitemap(Sitemap):
    def items(self):
        return Post.objects.published()

    def lastmod(self, post: Post):
        return max(post.updated, post.published_at)


class ListSitemap(Sitemap):
    """The list, and its months; years lead to nothing that those do not show."""

    def items(self) -> list[str]:
        months = [reverse("blog:month", args=[month.year, month.month]) for month in Post.objects.months()]
        return [reverse("blog:list"), *months]

    def location(self, path: str) -> str:
        return path


class TagSitemap(Sitemap):
    def items(self):
        return Tag.objects.used()


class AuthorSitemap(Sitemap):
    def items(self):
        return Author.objects.used()


SITEMAPS = {"lists": ListSitemap, "posts": PostSitemap, "tags": TagSitemap, "authors": AuthorSitemap}
