"""A call over both environments of Elastic Beanstalk, each with its own host, while the nodes of one machine stop one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from playwright.sync_api import Browser

from tests.browser.people import FLAGS, Person
from tests.browser.test_nodes import CALM, COUNT_FRAMES, NOTE_WORDS, STILL_MOST, is_calm, longest_still
from tests.environments import SIGNALING, WEB, Environments
from tests.instances import get
from tests.traces import MARK, everything_in, is_in_none, rows_of

pytestmark = pytest.mark.browser
HOSTS = ", ".join(f"MAP {host} 127.0.0.1" for host in (WEB, SIGNALING))
NODES = ("web", "node2")


@pytest.fixture(scope="module")
def environments(bundles, aws_api) -> Iterator[Environments]:
    """One node for pages, two for sockets."""
    runs = {"web": ("web",), "signaling": NODES}
    with Environments(bundles, aws=aws_api, runs=runs, DRAIN_SECONDS="5") as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright) -> Iterator[Browser]:
    flags = [*FLAGS, f"--host-resolver-rules={HOSTS}"]
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
    yield browser
    browser.close()


@contextmanager
def calling(browser: Browser, environments: Environments, code: str) -> Iterator[tuple[Person, Person]]:
    """Two people in a call, each connected by whichever node nginx has chosen."""
    people = []
    for name in ("Alice", "Bob"):
        one = Person(
            browser,
            name,
            environments.url,
            init_script=COUNT_FRAMES,
            ignore_https_errors=True,  # the authority is the test's own
            permissions=["camera", "microphone"],
        )
        people.append(one)
        one.call(code)
    for one in people:
        one.is_in_a_call_with(1)
        one.page.evaluate(NOTE_WORDS)
    yield tuple(people)
    complaints = [complaint for one in people for complaint in one.complaints]
    for one in people:
        one.close()
    assert complaints == []


@pytest.fixture
def pair(browser, environments, code) -> Iterator[tuple[Person, Person]]:
    with calling(browser, environments, code) as people:
        yield people


def counts(environments: Environments) -> dict[str, int]:
    """How many people each node serves."""
    return {node: int(environments.signaling.get("/healthz/sessions", node=node)[1]) for node in NODES}


def goes_on(pair: tuple[Person, Person]) -> None:
    """As if nothing had been: moving pictures, sound, no word of trouble, the same connection."""
    for one in pair:
        one.is_in_a_call_with(1)
        assert set(one.page.evaluate("shown")) <= CALM
        assert longest_still(one) <= STILL_MOST
        assert one.page.evaluate("watched.connections.length") == 1


def hear_each_other(pair: tuple[Person, Person]) -> None:
    """A word from one still reaches the other, by way of the nodes."""
    alice, bob = pair
    alice.press("Mute microphone")
    bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()
    alice.press("Unmute microphone")
    bob.page.locator(".tile[data-peer][data-muted=false]").wait_for()


class CallTests:
    def test_each_node_stops_in_turn_and_the_call_goes_on(self, pair, environments):
        assert sum(counts(environments).values()) == 2

        for name, other in (NODES, NODES[::-1]):
            node = environments.signaling.processes[name]
            node.terminate()
            assert node.wait() == 0
            pair[0].until(lambda other=other: _served(environments, other) == 2, f"both to be served by {other}")
            goes_on(pair)
            hear_each_other(pair)
            environments.signaling.start(name).until_it_says("Gruveo serves at")

        for one in pair:
            one.until(lambda one=one: is_calm(one), "no negotiation under way")

    def test_a_database_that_is_away_leaves_the_call_alone(self, pair, environments):
        environments.postgres.kill()
        try:
            for instance in (environments.web, environments.signaling):
                assert instance.get("/readyz")[:2] == (503, "database\n")
                assert instance.get("/healthz")[0] == 200
            goes_on(pair)
            hear_each_other(pair)
        finally:
            environments.postgres.start()

        pair[0].until(lambda: environments.signaling.get("/readyz")[0] == 200, "the nodes to be ready again")
        goes_on(pair)


class TraceTests:
    def test_a_call_leaves_its_code_nowhere(self, browser, environments):
        web, signaling = environments.web, environments.signaling
        rows = partial(rows_of, web.env["DATABASE_URL"])
        with calling(browser, environments, f"märked-{MARK}") as (alice, bob):
            alice.page.reload()
            alice.press("Video call")
            for one in (alice, bob):
                one.is_in_a_call_with(1)
            stored = everything_in(environments.redis) + environments.redis.on_disk
            bob.press("Hang up")
            alice.sees_phase("waiting")
            alice.press("Hang up")
            alice.until(lambda: "signaling_call (" in rows(), "the call to be recorded")
        stored += everything_in(environments.redis) + environments.redis.on_disk

        told = "".join(
            get(f"http://127.0.0.1:{port}/metrics", Authorization=f"Bearer {instance.env['METRICS_TOKEN']}")[1]
            for instance in (web, signaling)
            for port in instance.number_ports[: len(instance.nodes)]
        )
        places = {
            "logs of the nodes": web.log + signaling.log,
            "logs of nginx": web.nginx.logs + signaling.nginx.logs,
            "Redis": stored,
            "PostgreSQL": rows(),
            "metrics": told,
        }
        is_in_none(places)
        signs = ("pages:call", " signaling 101 ", "room:", "signaling_call (", "gruveo_joins_total")
        for sign, (where, text) in zip(signs, places.items(), strict=True):
            assert sign in text, where


def _served(environments: Environments, node: str) -> int:
    return int(environments.signaling.get("/healthz/sessions", node=node)[1])
