"""The newest posts, for pages of other apps, and the ways into the blog."""

from datetime import datetime
from typing import NamedTuple

from django import template

from blog.models import Post, Tag

register = template.Library()

_MONTHS = 12  # with a link of their own; of earlier ones the years have one


@register.simple_tag
def latest_posts(count: int) -> list[Post]:
    return list(Post.objects.published()[:count])


class Ways(NamedTuple):
    tags: list[Tag]
    months: list[datetime]
    years: list[int]


@register.simple_tag
def ways_into_blog() -> Ways:
    months = Post.objects.months()
    years = sorted({month.year for month in months[_MONTHS:]}, reverse=True)
    return Ways(list(Tag.objects.used()), months[:_MONTHS], years)
