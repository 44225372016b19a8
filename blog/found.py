"""What of a post is found by the search."""

from blog.models import Post
from library import markup
from search.index import Document


def describe(post: Post) -> Document | None:
    if not post.is_for_visitors:
        return None
    return Document(
        "Blog", post.title, post.summary, markup.plain(post.body), post.get_absolute_url(), post.published_at
    )
