"""What a call shows, and goes on showing, while the nodes behind it come and go."""

import signal
from itertools import pairwise

import pytest

from tests.browser.people import Person
from tests.browser.test_pages import faults

pytestmark = pytest.mark.browser

# How many frames were decoded, five times a second. A machine that is busy elsewhere stretches samples and frames alike.
COUNT_FRAMES = """
window.frameCounts = [];
setInterval(async () => {
  let frames = 0;
  for (const connection of window.watched.connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") frames += report.framesDecoded ?? 0;
    }
  }
  window.frameCounts.push(frames);
}, 200);
"""

# All that the page shows of how the call is, whenever that changes.
NOTE_WORDS = """
() => {
  window.shown = [];
  const main = document.querySelector("main");
  const note = () => {
    const said = main.querySelectorAll("[data-words=call] .words-title, .tile[data-peer] .tile-words");
    const words = [...said].map((part) => part.textContent);
    const links = [...main.querySelectorAll(".tile[data-peer]")].map((tile) => tile.dataset.link);
    window.shown.push([main.dataset.phase, main.dataset.socket, ...links, ...words.filter(Boolean)].join(" "));
  };
  new MutationObserver(note).observe(main, {subtree: true, attributes: true, childList: true, characterData: true});
}
"""
STILL_MOST = 8  # samples in a row without a new frame
CALM = {"connected up connected", "connected up connected Connected"}


@pytest.fixture
def apart(person, site, node, code) -> tuple[Person, Person]:
    """Two people in a call, one by the node that the test may end, the other by the one that stays."""
    site.lead_to(node)
    alice = person("Alice", url=site.url, init_script=COUNT_FRAMES).call(code).sees_phase("waiting")
    site.lead_to(site.lasting)
    bob = person("Bob", url=site.url, init_script=COUNT_FRAMES).call(code)
    for one in (alice, bob):
        one.is_in_a_call_with(1)
    return alice, bob


def longest_still(one: Person) -> int:
    """Of the samples since the first frame, how many in a row showed no new one."""
    counts = [count for count in one.page.evaluate("frameCounts") if count]
    assert len(counts) > 1
    longest = still = 0
    for before, now in pairwise(counts):
        still = still + 1 if now == before else 0
        longest = max(longest, still)
    return longest


def ufrag(one: Person) -> str:
    return one.page.evaluate("/a=ice-ufrag:(\\S+)/.exec(watched.connections.at(-1).localDescription.sdp)[1]")


def is_calm(one: Person) -> bool:
    return one.page.evaluate("watched.connections.at(-1).signalingState") == "stable"


def forget_refused_sockets(one: Person) -> None:
    """What Chromium itself says of a socket that nobody took."""
    one.complaints = [complaint for complaint in one.complaints if "WebSocket connection to" not in complaint]


class KilledNodeTests:
    def test_the_call_goes_on_by_another_node(self, apart, site, node):
        alice, bob = apart
        before = ufrag(alice)
        site.lead_to()

        node.kill()

        alice.sees_phase("reconnecting")
        alice.sees_words("You can go on talking meanwhile")
        for one in (alice, bob):
            one.sees_video_of(1)
        assert alice.phase == "reconnecting"
        site.lead_to(site.lasting)
        for one in (alice, bob):
            one.is_in_a_call_with(1)
        alice.until(lambda: ufrag(alice) != before and is_calm(alice), "its own ICE restart")
        self.restarts_ice(bob, alice)
        alice.press("Mute microphone")
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()
        for one in (alice, bob):
            assert longest_still(one) <= STILL_MOST
            assert one.page.evaluate("watched.connections.length") == 1
        forget_refused_sockets(alice)

    def restarts_ice(self, one: Person, other: Person) -> None:
        before = ufrag(one), ufrag(other)
        one.page.evaluate("watched.connections[0].restartIce()")
        for who, was in zip((one, other), before, strict=True):
            who.until(lambda who=who, was=was: ufrag(who) != was and is_calm(who), "new ICE credentials")
        for who in (one, other):
            who.is_in_a_call_with(1)


class LostWelcomeTests:
    DEAF = """
    {
    const Real = window.WebSocket;
    window.WebSocket = class extends Real {
      addEventListener(type, handle, ...more) {
        super.addEventListener(type, (event) => type === 'message' && window.isDeaf || handle(event), ...more);
      }
    };
    }
    """

    def test_who_reloads_before_the_welcome_meets_no_ghost_and_is_let_into_a_locked_room(
        self, person, site, node, code
    ):
        site.lead_to(site.lasting)
        alice = person("Alice", url=site.url).call(code)
        bob = person("Bob", url=site.url, init_script=self.DEAF).call(code)
        for one in (alice, bob):
            one.sees_others(1)
        alice.press("Lock call")
        bob.page.get_by_role("button", name="Unlock call").wait_for()
        bob.page.reload()
        alice.sees_phase("waiting")
        site.lead_to(node)
        bob.page.evaluate("window.isDeaf = true")
        bob.press("Video call")
        alice.sees_phase("connecting")
        assert bob.phase == "joining"
        node.send_signal(signal.SIGSTOP)  # and hears of no reload
        site.lead_to(site.lasting)

        bob.page.reload()
        bob.press("Video call")

        for one in (alice, bob):
            one.is_in_a_call_with(1)
        forget_refused_sockets(bob)


class DrainTests:
    def test_the_call_moves_and_nobody_sees_anything_of_it(self, apart, site, node):
        alice, bob = apart
        before = ufrag(alice)
        for one in (alice, bob):
            one.page.evaluate(NOTE_WORDS)

        node.send_signal(signal.SIGTERM)

        assert node.wait() == 0
        alice.until(lambda: ufrag(alice) != before and is_calm(alice), "its own ICE restart")
        for one in (alice, bob):
            one.is_in_a_call_with(1)
            assert set(one.page.evaluate("shown")) <= CALM
            assert longest_still(one) <= STILL_MOST
            assert one.page.evaluate("watched.connections.length") == 1
        alice.press("Mute microphone")
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()


class RedisAwayTests:
    def test_a_visitor_is_told_to_stay_and_comes_in_by_itself(self, person, site, code):
        site.lead_to(site.lasting)
        site.redis.freeze()

        alice = person("Alice", url=site.url).call(code)

        alice.sees_words("Gruveo is busy")
        alice.sees_words("Stay here: the call tries again by itself in a moment.")
        assert alice.phase == "joining"
        assert faults(alice.page) == []
        site.redis.thaw()
        alice.sees_phase("waiting")

    def test_a_call_goes_on_while_redis_is_away(self, apart, site):
        alice, bob = apart
        for one in (alice, bob):
            one.page.evaluate(NOTE_WORDS)

        site.redis.freeze()

        for one in (alice, bob):
            one.is_in_a_call_with(1)
            assert set(one.page.evaluate("shown")) <= CALM
        alice.press("Mute microphone")
        site.redis.thaw()
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()
        for one in (alice, bob):
            assert longest_still(one) <= STILL_MOST
