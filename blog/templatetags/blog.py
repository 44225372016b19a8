"""The newest posts, for pages of other apps."""

from django import template

from blog.models import Post

register = template.Library()


@register.simple_tag
def latest_posts(count: int) -> list[Post]:
    return list(Post.objects.published()[:count])
