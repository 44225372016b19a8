"""Requests that come at once are answered at once, by threads that stay."""

import asyncio
import threading
import time

import pytest
from django.http import HttpResponse
from django.urls import include, path

from gruveo.handler import OneThreadHandler
from tests.cast import until

used: list[int] = []
running: list[int] = []
most: list[int] = []
counting = threading.Lock()
together = threading.Barrier(20, timeout=20)
hanging: list[str] = []
may_end = threading.Event()


def slow(request):
    together.wait()  # which none passes alone
    used.append(threading.get_ident())
    return HttpResponse("slow")


def broken(request):
    raise RuntimeError("on purpose")


def counted(request):
    with counting:
        running.append(len(running) + 1)
    time.sleep(0.01)
    with counting:
        most.append(len(running))
        running.pop()
    return HttpResponse("counted")


def hang(request):
    hanging.append(request.path)
    may_end.wait(30)
    return HttpResponse("at last")


async def later(request):
    return HttpResponse("a coroutine")


urlpatterns = [
    path("slow/", slow),
    path("counted/", counted),
    path("broken/", broken),
    path("later/", later),
    path("hang/", hang),
    path("", include("gruveo.urls")),
]
handler500 = "pages.views.server_error"


@pytest.fixture
def handler(settings):
    settings.ROOT_URLCONF = __name__
    settings.LOGGING_CONFIG = None
    used.clear()
    return OneThreadHandler()


async def ask(handler: OneThreadHandler, path: str) -> tuple[int, bytes]:
    sent = []
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"localhost")], "query_string": b""}
    scope |= {"http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1)}
    waits = asyncio.Event()

    async def receive():
        if not sent and not waits.is_set():
            waits.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await handler(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.asyncio
async def test_many_at_once_wait_for_none_of_the_others(handler):
    answers = await asyncio.gather(*(ask(handler, "/slow/") for _ in range(20)))

    assert answers == [(200, b"slow")] * 20
    assert len(set(used)) == 20
    assert len(handler._idle) == 8


@pytest.mark.asyncio
async def test_one_after_the_other_have_the_same_thread(handler, monkeypatch):
    monkeypatch.setattr(f"{__name__}.together", threading.Barrier(1))

    for _ in range(3):
        await ask(handler, "/slow/")

    assert len(set(used)) == 1


@pytest.mark.asyncio
async def test_what_breaks_is_answered_and_the_thread_goes_on(handler, monkeypatch):
    monkeypatch.setattr(f"{__name__}.together", threading.Barrier(1))

    status, body = await ask(handler, "/broken/")
    after = await ask(handler, "/slow/")

    assert (status, after) == (500, (200, b"slow"))
    assert b"Something broke on our side" in body
    assert len(handler._idle) == 1


@pytest.mark.asyncio
async def test_a_view_that_is_a_coroutine_is_answered_too(handler):
    assert await ask(handler, "/later/") == (200, b"a coroutine")


@pytest.mark.asyncio
async def test_of_very_many_at_once_some_wait_and_all_are_answered(handler):
    most.clear()

    answers = await asyncio.gather(*(ask(handler, "/counted/") for _ in range(100)))

    assert answers == [(200, b"counted")] * 100
    assert max(most) <= 32


@pytest.mark.asyncio
async def test_whether_the_process_lives_is_told_although_all_views_hang(handler):
    """As they do when the database neither answers nor refuses; a balancer must not take that for a dead process."""
    asked = [asyncio.create_task(ask(handler, "/hang/")) for _ in range(40)]
    await until(lambda: len(hanging) == 32)

    try:
        async with asyncio.timeout(20):
            assert await ask(handler, "/healthz") == (200, b"alive\n")
            assert await ask(handler, "/healthz/sessions") == (200, b"0\n")
    finally:
        may_end.set()
        await asyncio.gather(*asked)
