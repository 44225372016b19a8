"""What the blog tells search engines."""

from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from blog.models import Post


class PostSitemap(Sitemap):
    def items(self):
        return Post.objects.published()

    def lastmod(self, post: Post):
        return post.updated


class ListSitemap(Sitemap):
    def items(self) -> list[str]:
        return ["blog:list"]

    def location(self, name: str) -> str:
        return reverse(name)


SITEMAPS = {"list": ListSitemap, "posts": PostSitemap}
