"""The blog as a Django application: its share of the admin's front page."""

from django.apps import AppConfig, apps
from django.urls import reverse
from django.utils import timezone

from accounts import front

_ROWS = 6


class BlogConfig(AppConfig):
    name = "blog"

    def ready(self) -> None:
        from blog import found  # noqa: PLC0415 - models can be read only now
        from library import freshness  # noqa: PLC0415
        from search import index  # noqa: PLC0415

        freshness.watch(*(apps.get_model("blog", name) for name in ("Post", "Tag", "Author")))
        index.register(apps.get_model("blog", "Post"), found.describe)
        freshness.moments.append(lambda: _posts().scheduled().values_list("published_at", flat=True).first())
        front.add(front.Block("Drafts", "blog.change_post", _drafts, "No drafts. A new post begins as one."))
        front.add(front.Block("Scheduled", "blog.change_post", _scheduled, "Nothing waits for its day."))
        front.add(front.Block("Published last", "blog.change_post", _published, "Nothing is published yet."))


def _drafts(request) -> list[front.Row]:
    return [_row(post, post.updated) for post in _posts().drafts()[:_ROWS]]


def _scheduled(request) -> list[front.Row]:
    return [_row(post, post.published_at) for post in _posts().scheduled()[:_ROWS]]


def _published(request) -> list[front.Row]:
    return [_row(post, post.published_at) for post in _posts().published()[:_ROWS]]


def _posts():
    return apps.get_model("blog", "Post").objects


def _row(post, moment) -> front.Row:
    url = reverse("admin:blog_post_change", args=[post.pk])
    return front.Row(post.title, url, f"{timezone.localtime(moment):%-d %B %Y, %H:%M}")
