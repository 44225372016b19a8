"""Chromium with its fake camera, and people who use it."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.editors import MAKE_ACCOUNTS, Editor
from tests.browser.people import FLAGS, Person
from tests.browser.site import Site
from tests.nodes import Node

_codes = (f"browser-test-{number}" for number in count())
_ACCOUNTS = 4  # of editors; the tests need as many


@pytest.fixture(scope="package")
def playwright():
    # No longer than this package: its event loop would be in the way of the asynchronous tests.
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def chromium(playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def code() -> str:
    """A code of its own for each test."""
    return next(_codes)


@pytest.fixture
def person(chromium, server) -> Iterator[Callable[..., Person]]:
    """
    Makes people: `person("Alice")`, each in a browser context of their own; all are gone after the test.

    A page error, a refused resource or a violation of the Content Security Policy fails the test.
    """
    people: list[Person] = []

    def make(name: str, *, url: str = server.url, permissions=("camera", "microphone"), **context) -> Person:
        people.append(Person(chromium, name, url, permissions=list(permissions), **context))
        return people[-1]

    yield make
    complaints = [complaint for one in people for complaint in one.complaints]
    for one in people:
        one.close()
    assert complaints == []


@pytest.fixture(scope="package")
def accounts(server) -> Iterator[str]:
    """The names of administrators who have never been here; made all at once, because to start a command takes seconds."""
    names = [f"editor-{number}" for number in range(_ACCOUNTS)]
    made = server.manage("shell", "--no-imports", "-c", MAKE_ACCOUNTS.format(names=names))
    assert made.returncode == 0, made.stderr
    return iter(names)


@pytest.fixture(scope="package")
def enrolled() -> dict[str, Editor]:
    """Editors whose browsers are gone, by what the tests call them."""
    return {}


@pytest.fixture
def newcomer(person, accounts) -> Callable[..., Editor]:
    """Makes administrators who have given their password and are asked to enrol: `newcomer("ada").enrol()`."""

    def make(name: str, **context) -> Editor:
        one = Editor(person(name, **context), next(accounts))
        one.open("/admin/")
        one.give_password()
        one.page.wait_for_url("**/enrol/**", wait_until="load")
        return one

    return make


@pytest.fixture
def editor(person, newcomer, enrolled) -> Callable[..., Editor]:
    """
    Makes editors who are signed in with both factors. Of one name they are one account, which enrols the first time; later tests begin
    with the session that it had, in a browser that knows nothing else of it.
    """

    def make(name: str, **context) -> Editor:
        if name not in enrolled:
            enrolled[name] = newcomer(name, **context).enrol()
            return enrolled[name]
        return enrolled[name].again(person(name, **context))

    return make


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def node(site) -> Iterator[Node]:
    """One more node of the site, which the test may end."""
    with site.node() as running:
        yield running
