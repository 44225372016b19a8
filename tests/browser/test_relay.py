"""Calls through a real coturn, and through nothing else: the switch that hides addresses, and credentials that run out meanwhile."""

from collections.abc import Iterator

import pytest

from tests.browser.people import Person
from tests.browser.test_nodes import is_calm, ufrag
from tests.coturn import SECRET, Coturn
from tests.server import Server

pytestmark = pytest.mark.browser

HIDE = "Hide my IP address"
# The types of both ends of each path in use, and whether anything but relayed candidates was ever told to the other one.
PATHS = """
async () => {
  const seen = [];
  for (const connection of window.watched.connections) {
    if (connection.connectionState !== "connected") continue;
    const reports = await connection.getStats();
    for (const report of reports.values()) {
      if (report.type !== "transport") continue;
      const pair = reports.get(report.selectedCandidatePairId);
      seen.push([reports.get(pair.localCandidateId).candidateType, reports.get(pair.remoteCandidateId).candidateType]);
    }
  }
  return seen;
}
"""
TOLD = """() => window.watched.connections.flatMap((one) =>
  [...one.localDescription.sdp.matchAll(/a=candidate:.* typ (\\S+)/g)].map((match) => match[1]))"""
USERNAMES = "() => window.watched.connections.at(-1).getConfiguration().iceServers.map((one) => one.username)"


@pytest.fixture(scope="module")
def relay() -> Iterator[Coturn]:
    with Coturn() as running:
        yield running


def served(relay: Coturn, **env) -> Server:
    return Server(TURN_SERVERS=f"{relay.uri('udp')},{relay.uri('tcp')}", TURN_SECRETS=SECRET, **env)


def call_hidden(one: Person, code: str) -> Person:
    one.open()
    one.page.get_by_role("switch", name=HIDE).check()
    one.page.get_by_label("Code", exact=True).fill(code)
    one.press("Video call")
    return one


class HiddenTests:
    def test_who_hides_the_address_tells_nobody_of_it_and_the_call_has_picture_and_sound(self, person, relay, code):
        with served(relay) as site:
            alice = call_hidden(person("Alice", url=site.url), code).sees_phase("waiting")
            bob = call_hidden(person("Bob", url=site.url), code)

            for one in (alice, bob):
                one.is_in_a_call_with(1)
                assert one.page.evaluate(PATHS) == [["relay", "relay"]]
                assert set(one.page.evaluate(TOLD)) == {"relay"}
                one.sees_words("Your IP address is hidden")

    def test_the_switch_is_remembered_and_works_by_the_keyboard(self, person, relay, code):
        with served(relay) as site:
            alice = person("Alice", url=site.url).open()
            switch = alice.page.get_by_role("switch", name=HIDE)
            assert not switch.is_checked()
            switch.focus()
            alice.page.keyboard.press("Space")

            alice.open(f"/{code}")

            assert alice.page.get_by_role("switch", name=HIDE).is_checked()

    def test_a_site_without_a_relay_offers_no_switch(self, person):
        alice = person("Alice").open()

        assert alice.page.get_by_role("switch", name=HIDE).count() == 0


class RenewalTests:
    def test_a_call_outlives_its_credentials_and_then_restarts_ice_with_fresh_ones(self, person, relay, code):
        with served(relay, TURN_TTL=6) as site:
            alice = call_hidden(person("Alice", url=site.url), code).sees_phase("waiting")
            bob = call_hidden(person("Bob", url=site.url), code)
            for one in (alice, bob):
                one.is_in_a_call_with(1)
            (first,) = alice.page.evaluate(USERNAMES)
            expires = int(first.partition(":")[0])

            alice.until(lambda: int(alice.page.evaluate(USERNAMES)[0].partition(":")[0]) > expires, "fresh credentials")
            alice.until(lambda: alice.page.evaluate("Date.now() / 1000") > expires + 1, "the first ones to expire")
            before = ufrag(alice)
            alice.page.evaluate("window.watched.connections.at(-1).restartIce()")

            alice.until(lambda: ufrag(alice) != before and is_calm(alice), "its ICE restart")
            for one in (alice, bob):
                one.is_in_a_call_with(1)
                assert one.page.evaluate(PATHS) == [["relay", "relay"]]
                assert one.page.evaluate("window.watched.connections.length") == 1
