"""Words at which something of the site stood: no codes any more, over the socket and in the form."""

import asyncio

import pytest

from library.models import Redirect
from signaling.client import Client, Refused
from signaling.elsewhere import Elsewhere


async def test_the_first_who_joins_waits_for_the_answer():
    async def ask():
        await asyncio.sleep(0.01)
        return ["/Old-Page/", "caf%C3%A9"]

    elsewhere = Elsewhere(ask)

    assert await asyncio.gather(*map(elsewhere.has, ["old-page", "café", "other"])) == [True, True, False]


async def test_a_site_that_says_nothing_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr("signaling.elsewhere._PATIENCE", 0.01)
    elsewhere = Elsewhere(asyncio.Event().wait)

    assert not await elsewhere.has("old-page")


async def test_while_the_first_question_hangs_no_other_is_asked_and_nobody_waits_again(monkeypatch):
    monkeypatch.setattr("signaling.elsewhere._PATIENCE", 0.01)
    monkeypatch.setattr("signaling.elsewhere._FRESH", 0)
    asked = []

    async def ask():
        asked.append(1)
        await asyncio.Event().wait()

    elsewhere = Elsewhere(ask)
    await elsewhere.has("old-page")
    monkeypatch.setattr("signaling.elsewhere._PATIENCE", 3600)
    for _ in range(3):
        assert not await elsewhere.has("old-page")

    assert len(asked) == 1


async def test_what_was_known_stays_when_the_database_is_away(monkeypatch):
    monkeypatch.setattr("signaling.elsewhere._FRESH", 0)
    answers = iter([["old-page"], OSError("away")])

    async def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    elsewhere = Elsewhere(ask)
    assert await elsewhere.has("old-page")
    elsewhere.ask = ask
    await elsewhere.has("old-page")
    await asyncio.sleep(0)

    elsewhere.ask = None
    assert await elsewhere.has("old-page")


async def test_without_a_site_every_word_may_be_a_code():
    assert not await Elsewhere().has("old-page")


@pytest.mark.server
async def test_a_running_server_refuses_what_another_process_has_moved(make_server):
    server = make_server(JOINS_PER_MINUTE=6000)
    assert await _hint(server, "old-page") is None
    made = server.manage(
        "shell", "-c", "from library import redirects; redirects.moved('/Old-Page/', '/blog/')", NO_COLOR="1"
    )
    assert made.returncode == 0, made.stderr

    async with asyncio.timeout(20):
        while (hint := await _hint(server, "old-page")) is None:  # noqa: ASYNC110 - it asks again after some seconds
            await asyncio.sleep(0.2)
    assert hint == "taken"


@pytest.mark.django_db
def test_the_form_without_javascript_says_that_the_word_is_taken(client):
    Redirect.objects.create(old_path="/Old-Page/", new_path="/blog/")

    answer = client.get("/", {"code": "Old page"})

    assert "This word is reserved" in answer.text
    assert client.get("/", {"code": "other"}).status_code == 303


async def _hint(server, code: str) -> str | None:
    client = Client(server.ws_url, code=code)
    try:
        async with client:
            return None
    except Refused as refused:
        return refused.hint
