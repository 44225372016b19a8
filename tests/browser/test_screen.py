"""What the call page says, where the focus is, and what a press does there: by finger, by key, and in a small window."""

import json
import re

import pytest

from tests.browser.test_nodes import forget_refused_sockets
from tests.browser.test_pages import faults
from tests.scale import scaled
from tests.server import Server

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}

# A socket that ends when the test says so, and none that opens after it until the test says so.
CUT = """
const Real = window.WebSocket;
class Dead extends EventTarget { readyState = 0; send() {} close() {} }
window.sockets = [];
window.WebSocket = class extends Real {
  constructor(...given) {
    if (window.isCut) return new Dead();
    super(...given);
    window.sockets.push(this);
  }
};
window.cut = () => { window.isCut = true; window.sockets.at(-1).close(); };
window.mend = () => { window.isCut = false; window.dispatchEvent(new Event('online')); };
"""

# Connections that may use a relay only, of which there is none: they never come about.
UNREACHABLE = """
{
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real { constructor(given) { super({...given, iceTransportPolicy: 'relay'}); } };
}
"""

NO_CAMERA = """
{
const ask = navigator.mediaDevices.getUserMedia;
navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (wanted.video) throw new DOMException('no', 'NotAllowedError');
  return ask(wanted);
};
}
"""


def named(name: str) -> str:
    """An init script: this browser remembers a name."""
    return f"if (location.protocol === 'http:') localStorage.setItem('gruveo.name', JSON.stringify({name!r}));"


def title(one, about: str = "call") -> str:
    return one.page.locator(f"[data-words={about}] .words-title").inner_text()


def seconds_in(text: str) -> int:
    return int(re.search(r"in (\d+) seconds", text)[1])


def focused(one) -> str:
    return one.page.evaluate("document.activeElement.textContent.trim()")


def types_told_to(one) -> list[str]:
    """The types of the messages that the sockets which this page will open are going to hear."""
    heard = []
    one.page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda text: heard.append(json.loads(text)["type"])),
    )
    return heard


class BarTests:
    def test_a_tap_where_the_bar_has_stepped_back_only_brings_it_back(self, person, playwright, code):
        alice = person("Alice", **playwright.devices["Pixel 7"]).call(code)
        bob = person("Bob").call(code)
        alice.is_in_a_call_with(1)
        hang_up = alice.page.locator("[data-control=hang-up]")
        where = hang_up.bounding_box()
        middle = where["x"] + where["width"] / 2, where["y"] + where["height"] / 2
        alice.page.locator("main[data-still]").wait_for()

        alice.page.touchscreen.tap(*middle)

        alice.page.locator("main:not([data-still])").wait_for()
        alice.is_in_a_call_with(1)
        alice.page.touchscreen.tap(*middle)
        alice.sees_phase("ended")
        bob.sees_phase("waiting")

    def test_a_key_presses_the_control_of_a_bar_that_has_stepped_back(self, person, playwright, code):
        alice = person("Alice", **playwright.devices["Pixel 7"]).call(code)
        bob = person("Bob").call(code)
        alice.is_in_a_call_with(1)
        alice.page.locator("[data-control=microphone]").tap()
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()
        alice.page.locator("main[data-still]").wait_for()

        alice.page.keyboard.press("Enter")

        bob.page.locator(".tile[data-peer][data-muted=false]").wait_for()

    def test_with_text_twice_as_large_every_control_is_on_a_small_screen(self, person, code):
        alice = person("Alice", **PHONE).call(code)
        person("Bob").call(code).sees_others(1)
        alice.sees_phase("connected")

        alice.page.evaluate("document.documentElement.style.fontSize = '200%'")

        for control in alice.page.locator(".control:visible").all():
            box = control.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
            assert box["y"] + box["height"] <= 740


class KeysTests:
    def test_letters_act_only_while_the_focus_is_in_the_call(self, person, code):
        alice = person("Alice").call(code).sees_phase("waiting")
        microphone = alice.page.locator("[data-control=microphone]")

        alice.page.keyboard.press("m")
        assert microphone.get_attribute("data-state") == "off"
        alice.page.evaluate("document.activeElement.blur()")
        alice.page.keyboard.press("m")
        assert microphone.get_attribute("data-state") == "off"
        alice.page.locator("main").focus()
        alice.page.keyboard.press("m")
        assert microphone.get_attribute("data-state") == "on"

    @pytest.mark.parametrize("modifier", ["Control", "Shift", "Alt", "Meta"][: scaled(4)])
    def test_letters_with_a_modifier_belong_to_the_browser(self, person, code, modifier):
        alice = person("Alice").call(code).sees_phase("waiting")

        alice.page.keyboard.press(f"{modifier}+m")

        assert alice.page.locator("[data-control=microphone]").get_attribute("data-state") == "on"

    def test_c_copies_the_link(self, person, code):
        alice = person("Alice", permissions=("camera", "microphone", "clipboard-read", "clipboard-write")).call(code)
        alice.sees_phase("waiting")

        alice.page.keyboard.press("c")

        alice.until(lambda: alice.page.evaluate("navigator.clipboard.readText()") == f"{alice.url}/{code}", "the link")

    def test_there_is_no_way_to_skip_what_is_not_there(self, person, code):
        alice = person("Alice").open(f"/{code}")

        assert alice.page.locator(".skip-link").count() == 0


class AgainTests:
    def test_who_was_muted_and_unseen_comes_back_muted_and_unseen(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        bob.is_in_a_call_with(1)
        bob.press("Mute microphone")
        bob.press("Turn camera off")
        alice.page.locator(".tile[data-peer][data-muted=true][data-video=off]").wait_for()
        bob.press("Hang up")
        bob.sees_phase("ended")

        bob.press("Call again")

        bob.sees_others(1)
        alice.page.locator(".tile[data-peer][data-muted=true][data-video=off][data-link=connected]").wait_for()
        live = "watched.tracks.filter((track) => track.readyState === 'live').map(({kind, enabled}) => `${kind} ${enabled}`)"
        assert bob.page.evaluate(live) == ["audio false"]
        assert bob.page.get_by_role("button", name="Unmute microphone").is_visible()
        assert bob.page.get_by_role("button", name="Turn camera on").is_visible()

    def test_a_page_that_comes_back_says_that_it_was_left(self, person, code):
        alice = person("Alice").call(code).sees_phase("waiting")

        alice.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")

        alice.sees_phase("ended")
        assert title(alice) == "You left this page"


class WordsTests:
    def test_who_cannot_connect_is_told_what_to_try(self, person, code):
        alice = person("Alice", init_script=UNREACHABLE).call(code)
        person("Bob", init_script=UNREACHABLE).call(code)
        alice.sees_phase("connecting")

        alice.sees_words("One of you can try another network, such as mobile data.")
        alice.press("Hang up")

        alice.sees_phase("ended")
        alice.sees_words("You were not connected yet.")

    def test_who_comes_while_the_other_is_cut_off_is_told_of_that_and_not_of_networks(self, person, code):
        alice = person("Alice", init_script=CUT).call(code).sees_phase("waiting")
        alice.page.evaluate("cut()")
        alice.sees_words("Not connected to Gruveo right now")

        bob = person("Bob").call(code)

        bob.sees_words("The line to the other person was lost")
        bob.sees_words("If they come back, the call goes on here.")
        assert bob.phase == "connecting"
        assert faults(bob.page) == []

    def test_the_seconds_until_the_next_attempt_pass_and_are_gone_when_it_fails(self, person, code, tmp_path):
        with Server(var_dir=tmp_path, JOINS_PER_MINUTE=1) as server:
            alice = person("Alice", url=server.url).call(code).sees_phase("waiting")
            bob = person("Bob", url=server.url).call(code)
            text = bob.page.locator("[data-words=call] .words-text")
            bob.sees_words("Too many calls from your network")
            first = seconds_in(text.inner_text())
            aloud = bob.page.get_by_role("status").inner_text()

            bob.until(lambda: seconds_in(text.inner_text()) < first, "fewer seconds", show=text.inner_text)
            assert bob.page.get_by_role("status").inner_text() == aloud
            server.stop()
            bob.page.evaluate("window.dispatchEvent(new Event('online'))")

            bob.until(lambda: title(bob) == "Joining the call", "another reason")
            assert text.inner_text() in ("", "This takes longer than usual. Check that you are online.")
            for one in (alice, bob):
                forget_refused_sockets(one)

    def test_who_loses_the_server_before_the_call_has_begun_is_not_told_that_it_goes_on(self, person, code):
        alice = person("Alice", init_script=CUT + UNREACHABLE).call(code)
        person("Bob", init_script=UNREACHABLE).call(code)
        alice.sees_phase("connecting")

        alice.page.evaluate("cut()")

        alice.sees_words("Not connected to Gruveo right now")
        assert alice.phase == "connecting"
        assert alice.page.locator("[data-layout=alone]").count() == 1
        assert faults(alice.page) == []

    def test_hanging_up_before_the_camera_was_allowed_does_not_speak_of_others(self, person, code):
        never = "navigator.mediaDevices.getUserMedia = () => new Promise(() => {});"
        alice = person("Alice", init_script=never).call(code)
        alice.sees_words("Allow the camera and the microphone")

        alice.press("Hang up")

        alice.sees_words("The call had not begun.")

    def test_what_is_pressed_while_the_browser_asks_counts(self, person, code):
        slow = """
        {
        const ask = navigator.mediaDevices.getUserMedia;
        const allowed = new Promise((resolve) => (window.allow = resolve));
        navigator.mediaDevices.getUserMedia = async (wanted) => { await allowed; return ask(wanted); };
        }
        """
        alice = person("Alice", init_script=slow).call(code)
        alice.press("Mute microphone")
        alice.press("Turn camera off")

        alice.page.evaluate("allow()")

        alice.sees_phase("waiting")
        assert alice.page.get_by_role("button", name="Unmute microphone").is_visible()
        assert alice.page.get_by_role("button", name="Turn camera on").is_visible()

    def test_who_waits_without_the_server_keeps_the_code_and_the_link(self, person, code):
        alice = person("Alice", init_script=CUT).call(code).sees_phase("waiting")

        alice.page.evaluate("cut()")

        alice.sees_words("Not connected to Gruveo right now")
        assert alice.phase == "waiting"
        assert alice.page.locator(".words .call-code").is_visible()
        assert alice.page.get_by_role("button", name="Copy link").is_visible()

    def test_a_refused_camera_is_told_again_when_it_is_wanted_again(self, person, code):
        alice = person("Alice", init_script=NO_CAMERA).call(code).sees_phase("waiting")
        notice = alice.page.locator("[data-words=devices]")
        notice.get_by_role("button", name="Close").click()
        notice.wait_for(state="hidden")

        alice.press("Turn camera on")

        notice.wait_for()
        assert title(alice, "devices") == "Your browser may not use the camera"

    def test_somebody_with_a_dead_socket_and_a_moving_face_has_nothing_written_on_it(self, person, code):
        alice = person("Alice")
        heard = types_told_to(alice)
        alice.call(code)
        bob = person("Bob", init_script=CUT).call(code)
        alice.is_in_a_call_with(1)

        bob.page.evaluate("cut()")

        bob.sees_phase("reconnecting")
        assert faults(bob.page) == []
        alice.until(lambda: "away" in heard, "news of it")
        assert alice.page.locator(".tile[data-peer] .tile-words").is_hidden()
        alice.sees_video_of(1)

    @pytest.mark.parametrize("cut_off", ["who turns it off", "who watches"])
    def test_a_camera_that_goes_off_while_the_server_is_away_leaves_no_last_picture_behind(self, person, code, cut_off):
        alice = person("Alice", init_script=CUT).call(code)
        bob = person("Bob", init_script=CUT).call(code)
        alice.is_in_a_call_with(1)
        one = bob if cut_off == "who turns it off" else alice
        one.page.evaluate("cut()")
        one.sees_phase("reconnecting")

        bob.press("Turn camera off")

        alice.page.locator(".tile[data-peer][data-video=off]").wait_for()
        assert one.phase == "reconnecting"
        bob.press("Turn camera on")
        alice.page.locator(".tile[data-peer][data-video=on]").wait_for()
        alice.sees_video_of(1)

    def test_what_is_said_is_said_in_a_status_that_is_never_hidden(self, person, code):
        alice = person("Alice", init_script=NO_CAMERA).call(code).sees_phase("waiting")

        status = alice.page.get_by_role("status")

        assert status.count() == 1  # hidden ones have no role
        assert "Waiting for the other person" in status.inner_text()
        assert "Your browser may not use the camera" in status.inner_text()
        assert alice.page.locator("[role=status]").count() == 1

    def test_a_link_that_cannot_be_copied_is_told_for_a_moment(self, person, code):
        refuse = "navigator.clipboard.writeText = async () => { throw new Error('no'); };"
        alice = person("Alice", init_script=refuse).call(code).sees_phase("waiting")
        notice = alice.page.locator("[data-words=copy]")
        alice.press("Copy link")
        notice.wait_for()
        notice.wait_for(state="hidden")

        alice.press("Copy link")
        notice.wait_for()
        person("Bob").call(code)

        alice.sees_phase("connected")
        notice.wait_for(state="hidden", timeout=3000)


class LockTests:
    def test_who_is_alone_in_a_locked_call_can_unlock_it_where_it_is_said(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        alice.sees_others(1)
        alice.press("Lock call")
        alice.page.get_by_role("button", name="Unlock call").wait_for()
        bob.press("Hang up")
        alice.sees_phase("waiting")
        unlock = alice.page.get_by_role("button", name="Unlock call")
        assert unlock.get_attribute("class") == "button button-primary"
        assert alice.page.get_by_role("button", name="Copy link").count() == 0

        unlock.click()

        alice.page.get_by_role("button", name="Copy link").wait_for()
        person("Charlie").call(code).sees_others(1)

    def test_whose_place_ran_out_in_a_locked_call_is_not_told_that_somebody_else_came(self, person, make_server, code):
        url = make_server(PLACE_SECONDS=1, JOINS_PER_MINUTE=600).url
        alice = person("Alice", url=url)
        heard = types_told_to(alice)
        alice.call(code)
        bob = person("Bob", url=url, init_script=CUT).call(code)
        alice.sees_others(1)
        alice.press("Lock call")
        bob.page.get_by_role("button", name="Unlock call").wait_for()
        bob.page.evaluate("cut()")
        alice.until(lambda: "left" in heard, "the end of Bob's place")

        bob.page.evaluate("mend()")

        bob.sees_phase("refused")
        assert title(bob) == "Your place could not be kept"
        bob.sees_words("You were away for too long, and the call is full or locked now.")
        bob.page.keyboard.press("Tab")
        bob.page.keyboard.press("Enter")
        bob.sees_words("This call is locked")


class NamesTests:
    def test_the_lobby_asks_for_a_name_and_remembers_it(self, person, code):
        alice = person("Alice").call(code)
        bob = person("Bob").open(f"/{code}")
        assert focused(bob) == "Video call"

        bob.page.get_by_label("Your name (optional)").fill("  Bob  ")
        bob.page.keyboard.press("Enter")

        bob.is_in_a_call_with(1)
        assert alice.page.locator(".tile[data-peer] .tile-name").inner_text() == "Bob"
        bob.open("/another-code")
        assert bob.page.get_by_label("Your name (optional)").input_value() == "Bob"

    def test_a_phone_does_not_move_the_focus_by_itself(self, person, playwright, code):
        alice = person("Alice", **playwright.devices["Pixel 7"]).open(f"/{code}")
        alice.sees_phase("lobby")

        assert alice.page.evaluate("document.activeElement === document.body")

    def test_three_without_names_are_numbered_and_who_leaves_is_somebody(self, person, code):
        alice, bob, charlie = [person(name).call(code) for name in ("Alice", "Bob", "Charlie")]
        alice.sees_others(2)
        assert alice.page.locator(".tile[data-peer] .tile-name").all_inner_texts() == ["Person 2", "Person 3"]

        charlie.press("Hang up")

        alice.sees_words("Somebody left")
        bob.sees_others(1)
        assert bob.page.get_by_role("group", name="The other person").is_visible()

    def test_a_long_name_stays_inside_its_pill_and_beside_ones_own_picture(self, person, code):
        alice = person("Alice", **PHONE).call(code)
        bob = person("Bob", init_script=named("W" * 64)).call(code)
        alice.sees_others(1)
        label = alice.page.locator(".tile[data-peer] .tile-label").bounding_box()
        own = alice.page.locator(".tile[data-self]").bounding_box()
        assert label["x"] + label["width"] <= own["x"] or label["y"] >= own["y"] + own["height"]

        bob.press("Hang up")

        alice.sees_words("left")
        words = alice.page.locator("[data-words=call] .words-title")
        assert words.evaluate("(words) => words.scrollWidth <= words.clientWidth")
        assert words.bounding_box()["x"] >= 0
