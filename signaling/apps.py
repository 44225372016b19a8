"""The signaling as a Django application: its share of the admin's front page."""

from django.apps import AppConfig
from django.urls import reverse

from accounts import front


class SignalingConfig(AppConfig):
    name = "signaling"

    def ready(self) -> None:
        front.add(front.Block("Calls", "signaling.view_call", _pages, ""))


def _pages(request) -> list[front.Row]:
    # Without figures: to count them takes seconds where there are millions of calls.
    return [
        front.Row("Growth", reverse("admin:signaling_growth"), "minutes, calls, length and relays by month"),
        front.Row("All calls", reverse("admin:signaling_call_changelist")),
    ]
