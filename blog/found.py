"""What of a post is found by the search."""

from django.utils.translation import gettext_noop

from blog.models import Post
from library import markup
from search.index import Document


def describe(post: Post) -> Document | None:
    if not post.is_for_visitors:
        return None
    body, url = markup.plain(post.body), post.get_absolute_url()
    return Document(gettext_noop("Blog"), post.title, post.summary, body, url, post.published_at, post.language)
