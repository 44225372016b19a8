"""The pages as a Django application: what visitors have written, on the admin's front page."""

from django.apps import AppConfig, apps
from django.urls import reverse
from django.utils import timezone

from accounts import front

_ROWS = 6


class PagesConfig(AppConfig):
    name = "pages"

    def ready(self) -> None:
        from library import freshness  # noqa: PLC0415 - models can be read only now
        from pages import found  # noqa: PLC0415
        from search import index  # noqa: PLC0415

        freshness.watch(*(apps.get_model("pages", name) for name in ("Page", "FaqTopic", "FaqEntry")))
        index.register(apps.get_model("pages", "Page"), found.describe_page)
        index.register(apps.get_model("pages", "FaqEntry"), found.describe_question)
        front.add(front.Block("Messages", "pages.change_message", _messages, "Nobody waits for an answer."))


def _messages(request) -> list[front.Row]:
    waiting = apps.get_model("pages", "Message").objects.filter(done=False)[:_ROWS]
    return [
        front.Row(
            str(message),
            reverse("admin:pages_message_change", args=[message.pk]),
            f"{timezone.localtime(message.created):%-d %B %Y, %H:%M}",
        )
        for message in waiting
    ]
