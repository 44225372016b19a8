"""The blog for feed readers, in full: all of it, and each tag's posts."""

import re

from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed

from blog import article, conf
from blog.models import Post, Tag
from library import filling, markup

_POSTS = 20
_OUR_ADDRESS = re.compile(r'( (?:href|src)=")/(?!/)')


class _Rss(Rss201rev2Feed):
    """
    With the whole text of each post.

    Source: RSS 2.0, and the RSS 1.0 content module (content:encoded).
    """

    def rss_attributes(self) -> dict:
        return {**super().rss_attributes(), "xmlns:content": "http://purl.org/rss/1.0/modules/content/"}

    def add_item_elements(self, handler, item: dict) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content:encoded", item["text"])


class _Atom(Atom1Feed):
    """
    With the whole text of each post.

    Source: RFC 4287 section 4.1.3.
    """

    def add_item_elements(self, handler, item: dict) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["text"], {"type": "html"})


class Rss(Feed):
    """Of a tag when the address names one; of one without posts it is empty, for a reader that follows it is not to lose it."""

    feed_type = _Rss
    language = "en"  # of what stands around the posts

    def get_object(self, request: HttpRequest, slug: str | None = None) -> Tag | None:
        return get_object_or_404(Tag, slug=slug) if slug else None

    def title(self, tag: Tag | None) -> str:
        return f"Gruveo blog: {tag.name}" if tag else "Gruveo blog"

    def description(self, tag: Tag | None) -> str:
        return "How Gruveo is made, and what we learn on the way."

    subtitle = description

    def link(self, tag: Tag | None) -> str:
        return tag.get_absolute_url() if tag else reverse("blog:list")

    def items(self, tag: Tag | None) -> list[Post]:
        posts = Post.objects.published().whole()
        posts = list((posts.filter(tags=tag) if tag else posts)[:_POSTS])
        texts = [article.for_feeds(markup.clean(post.body), draw=_draw) for post in posts]
        for post, text in zip(posts, filling.fill_all(texts, template="library/picture_plain.html"), strict=True):
            post.text_for_feeds = _OUR_ADDRESS.sub(rf"\1{conf.origin()}/", text)
        return posts

    def item_title(self, post: Post) -> str:
        return post.title

    def item_description(self, post: Post) -> str:
        return post.summary

    def item_extra_kwargs(self, post: Post) -> dict:
        return {"text": post.text_for_feeds}

    def item_guid(self, post: Post) -> str:
        """
        Stays when the address changes, so that no reader shows a post twice.

        Source: RFC 4151 (tag: URIs).
        """
        return f"tag:{conf.host()},{post.created:%Y-%m-%d}:blog/{post.pk}"

    item_guid_is_permalink = False

    def item_pubdate(self, post: Post):
        return post.published_at

    def item_updateddate(self, post: Post):
        return max(post.updated, post.published_at)

    def item_author_name(self, post: Post) -> str:
        return ", ".join(author.name for author in post.authors.all()) or "Gruveo"

    def item_categories(self, post: Post) -> list[str]:
        return [tag.name for tag in post.tags.all()]


class Atom(Rss):
    feed_type = _Atom


def _draw(layout: dict) -> str:
    return render_to_string("library/chart_table.html", layout).strip()
