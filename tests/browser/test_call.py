"""Calls in real Chromium, through the real server process."""

import json

import pytest

from tests.scale import scaled
from tests.server import Server

pytestmark = pytest.mark.browser


class TwoPeopleTests:
    def test_two_who_type_the_same_code_see_and_hear_each_other(self, person, code, capsys):
        alice = person("Alice", small_camera=False).call(code.upper()).sees_phase("waiting")
        bob = person("Bob", small_camera=False).call(f" {code} ")

        for one in (alice, bob):
            one.is_in_a_call_with(1)

        first_frame = bob.page.evaluate(
            "performance.getEntriesByName('gruveo:first-frame')[0].startTime - performance.getEntriesByName('gruveo:join')[0].startTime"
        )
        with capsys.disabled():
            print(f"\nfrom the second person's click to the first frame of the other: {first_frame:.0f} ms")

    def test_the_server_hears_that_the_call_came_about_and_by_which_path(self, person, code):
        reports = []

        def read(frame: str) -> None:
            message = json.loads(frame)
            if message["type"] == "report":
                reports.append(message)

        alice, bob = person("Alice"), person("Bob")
        for one in (alice, bob):
            one.page.on("websocket", lambda socket: socket.on("framesent", read))
            one.call(code)
        alice.sees_others(1)

        bob.until(lambda: len(reports) == 2, "two reports", show=lambda: reports)
        assert reports == [{"type": "report", "path": "direct"}] * 2

    def test_hanging_up_tells_the_other_and_releases_camera_and_microphone(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        for one in (alice, bob):
            one.sees_others(1)

        bob.press("Hang up")

        bob.sees_phase("ended")
        bob.until(lambda: bob.live_tracks() == 0 and bob.open_connections() == 0, "released devices")
        alice.sees_phase("waiting")
        alice.sees_others(0)
        assert alice.live_tracks() == 2

    def test_who_hung_up_can_call_again(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        bob.sees_others(1)
        bob.press("Hang up")

        bob.press("Call again")

        for one in (alice, bob):
            one.is_in_a_call_with(1)

    def test_who_hung_up_is_let_back_into_a_locked_room(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        alice.sees_others(1)
        alice.press("Lock call")
        bob.page.get_by_role("button", name="Unlock call").wait_for()
        bob.press("Hang up")

        bob.press("Call again")

        for one in (alice, bob):
            one.sees_others(1)

    # The browser shows its question, and nobody answers.
    ASK = "void (navigator.mediaDevices.getUserMedia = () => new Promise(() => {}))"
    ANSWER = "delete navigator.mediaDevices.getUserMedia"

    @pytest.mark.parametrize("goes", ["reloads again", "hangs up"])
    def test_who_reloads_and_goes_while_the_browser_asks_is_let_back_into_a_locked_room(self, person, code, goes):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        alice.sees_others(1)
        alice.press("Lock call")
        bob.page.get_by_role("button", name="Unlock call").wait_for()
        bob.page.reload()
        bob.page.evaluate(self.ASK)
        bob.press("Video call")
        bob.sees_phase("joining")

        if goes == "hangs up":
            bob.press("Hang up")
            bob.page.evaluate(self.ANSWER)
            bob.press("Call again")
        else:
            bob.page.reload()
            bob.press("Video call")

        for one in (alice, bob):
            one.sees_others(1)

    def test_a_locked_room_refuses_a_stranger_in_words(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        alice.sees_others(1)
        alice.press("Lock call")
        bob.page.get_by_role("button", name="Unlock call").wait_for()

        charlie = person("Charlie").call(code)

        charlie.sees_phase("refused")
        charlie.sees_words("locked")

    def test_closing_the_tab_is_leaving(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        alice.sees_others(1)

        bob.page.close(run_before_unload=True)

        alice.sees_phase("waiting")
        alice.sees_others(0)

    def test_a_reload_ends_with_one_call_and_no_ghost(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        alice.sees_others(1)

        bob.page.reload()
        bob.press("Video call")

        for one in (alice, bob):
            one.is_in_a_call_with(1)

    def test_a_duplicated_tab_is_one_more_who_is_there_and_leaves_no_ghost(self, person, code):
        """Copied after a reload, when both may take the place of the page before."""
        alice, bob = person("Alice").call(code, button="Voice call"), person("Bob").call(code, button="Voice call")
        alice.sees_others(1)
        bob.page.reload()
        twin = bob.duplicate()

        for one in (bob, twin):
            one.press("Voice call")

        for one in (alice, bob, twin):
            one.sees_others(2)
        twin.page.close(run_before_unload=True)
        for one in (alice, bob):
            one.is_in_a_call_with(1, video=False)

    def test_who_comes_by_link_is_asked_how_to_begin(self, person, code):
        alice = person("Alice").call(code)
        bob = person("Bob").open(f"/{code}")

        bob.press("Video call")

        for one in (alice, bob):
            one.is_in_a_call_with(1)

    def test_a_voice_call_carries_sound_and_no_picture(self, person, code):
        alice, bob = person("Alice").call(code, button="Voice call"), person("Bob").call(code, button="Voice call")

        for one in (alice, bob):
            one.is_in_a_call_with(1, video=False)
            assert one.heard()["framesDecoded"] == 0
            assert one.live_tracks() == 1

    @pytest.mark.parametrize("shows", ["no picture", "the browser's question"])
    def test_a_call_in_which_nothing_is_to_be_seen_does_not_keep_the_tab_loading(self, person, code, shows):
        never = "navigator.mediaDevices.getUserMedia = () => new Promise(() => {});"
        asked = shows == "the browser's question"
        alice = person("Alice", init_script=never if asked else "")

        alice.call(code, button="Video call" if asked else "Voice call").sees_phase("joining" if asked else "waiting")

        alice.page.wait_for_load_state("load")

    def test_a_code_of_emoji_and_letters_of_any_language_works(self, person, code):
        alice = person("Alice").call(f"Żółw 🐢 {code}")
        bob = person("Bob").call(f"żółw-🐢-{code}")

        for one in (alice, bob):
            one.sees_others(1)


class OffersThatCrossTests:
    """The newcomer alone makes the first offer; later offers can cross, and must still end with one call."""

    SLOW_SOCKET = """
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (text) { setTimeout(() => this.readyState === 1 && send.call(this, text), 400); };
    window.crossed = window.answered = 0;
    const set = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
      if (description.type === 'offer' && this.signalingState === 'have-local-offer') window.crossed += 1;
      if (description.type === 'answer') window.answered += 1;
      return set.call(this, description);
    };
    """

    def test_both_negotiate_at_the_same_moment(self, person, code):
        alice = person("Alice", init_script=self.SLOW_SOCKET).call(code)
        bob = person("Bob", init_script=self.SLOW_SOCKET).call(code)
        for one in (alice, bob):
            one.is_in_a_call_with(1)

        for one in (alice, bob):
            one.page.evaluate("watched.connections[0].restartIce()")
        for one in (alice, bob):
            one.until(lambda one=one: one.page.evaluate("crossed + answered") > 0, "the other's offer")

        for one in (alice, bob):
            one.until(lambda one=one: one.page.evaluate("watched.connections[0].signalingState") == "stable", "peace")
            one.is_in_a_call_with(1)
            assert one.page.evaluate("watched.connections.length") == 1
        assert alice.page.evaluate("crossed") + bob.page.evaluate("crossed") == 1, (
            "the polite one yields, the other does not"
        )

    def test_both_turn_the_camera_on_at_the_same_moment(self, person, code):
        alice, bob = person("Alice").call(code, button="Voice call"), person("Bob").call(code, button="Voice call")
        for one in (alice, bob):
            one.sees_others(1)

        for one in (alice, bob):
            one.press("Turn camera on")

        for one in (alice, bob):
            one.is_in_a_call_with(1)
            assert one.open_connections() == 1

    def test_only_the_newcomer_makes_the_first_offer(self, person, code):
        count = """
        window.offers = 0;
        const set = RTCPeerConnection.prototype.setLocalDescription;
        RTCPeerConnection.prototype.setLocalDescription = async function (...given) {
          await set.apply(this, given);
          if (this.localDescription?.type === 'offer') window.offers += 1;
        };
        """
        alice = person("Alice", init_script=count).call(code).sees_phase("waiting")
        bob = person("Bob", init_script=count).call(code)
        for one in (alice, bob):
            one.is_in_a_call_with(1)

        assert (alice.page.evaluate("offers"), bob.page.evaluate("offers")) == (0, 1)


class ThreePeopleTests:
    def test_three_make_a_mesh_and_when_one_leaves_the_others_go_on(self, person, code):
        alice, bob, charlie = [person(name).call(code) for name in ("Alice", "Bob", "Charlie")]
        for one in (alice, bob, charlie):
            one.is_in_a_call_with(2)
            assert one.heard()["connected"] == 2

        charlie.press("Hang up")

        for one in (alice, bob):
            one.is_in_a_call_with(1)


class RefusedTests:
    def test_a_full_room_refuses_politely_and_the_call_goes_on(self, person, make_server, code):
        url = make_server(ROOM_CAPACITY=2, JOINS_PER_MINUTE=600).url
        alice, bob = person("Alice", url=url).call(code), person("Bob", url=url).call(code)
        bob.sees_others(1)

        charlie = person("Charlie", url=url).call(code)

        charlie.sees_phase("refused")
        assert charlie.live_tracks() == 0
        for one in (alice, bob):
            one.is_in_a_call_with(1)

    def test_a_code_that_is_none_is_said_next_to_the_field(self, person):
        alice = person("Alice").open()
        alice.page.get_by_label("Code", exact=True).fill("a/b")
        alice.press("Video call")

        alice.page.get_by_role("alert").wait_for()
        assert alice.page.url == alice.url + "/"


class DevicesTests:
    REFUSED = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };"
    NO_CAMERA = """
    const ask = navigator.mediaDevices.getUserMedia;
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      if (wanted.video) throw new DOMException('no', '@ERROR@');
      return ask(wanted);
    };
    """

    @pytest.mark.parametrize("error", ["NotAllowedError", "NotFoundError", "NotReadableError"][: scaled(3)])
    def test_without_a_camera_the_call_is_joined_by_voice(self, person, code, error):
        alice = person("Alice").call(code)
        bob = person("Bob", init_script=self.NO_CAMERA.replace("@ERROR@", error)).call(code)

        bob.is_in_a_call_with(1)
        alice.hears()
        assert alice.heard()["framesDecoded"] == 0

    def test_a_refused_camera_says_what_to_do_about_it(self, person, code):
        bob = person("Bob", init_script=self.NO_CAMERA.replace("@ERROR@", "NotAllowedError")).call(code)

        bob.sees_words("Your browser may not use the camera")

    def test_without_any_device_one_can_still_see_and_hear(self, person, code):
        alice = person("Alice").call(code)
        bob = person("Bob", init_script=self.REFUSED).call(code)

        bob.is_in_a_call_with(1)
        alice.sees_others(1)

    def test_a_browser_that_cannot_make_calls_is_told_so(self, person, code):
        alice = person("Alice", init_script="delete window.RTCPeerConnection;").open(f"/{code}")

        alice.page.locator("main[data-phase=unsupported]").wait_for()


class ControlsTests:
    def test_mute_is_seen_by_the_other_and_silences(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        bob.is_in_a_call_with(1)

        alice.press("Mute microphone")
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()
        alice.press("Unmute")
        bob.page.locator(".tile[data-peer][data-muted=false]").wait_for()
        bob.hears()

    def test_the_camera_goes_out_and_on_again(self, person, code):
        alice, bob = person("Alice").call(code), person("Bob").call(code)
        bob.is_in_a_call_with(1)

        alice.press("Turn camera off")
        bob.page.locator(".tile[data-peer][data-video=off]").wait_for()
        alice.until(lambda: alice.live_tracks() == 1, "a camera that is off")
        alice.press("Turn camera on")
        bob.page.locator(".tile[data-peer][data-video=on]").wait_for()
        bob.sees_video_of(1)

    def test_the_whole_call_works_with_the_keyboard_alone(self, person, code):
        alice = person("Alice").open()
        alice.page.get_by_label("Code", exact=True).focus()
        alice.page.keyboard.type(code)
        alice.page.keyboard.press("Enter")
        bob = person("Bob").call(code)
        for one in (alice, bob):
            one.sees_others(1)

        alice.page.keyboard.press("m")
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()
        for _ in range(12):
            alice.page.keyboard.press("Tab")
            if alice.page.evaluate("document.activeElement.textContent.trim()") == "Hang up":
                break
        alice.page.keyboard.press("Enter")

        alice.sees_phase("ended")
        bob.sees_phase("waiting")

    def test_the_link_is_copied(self, person, code):
        alice = person("Alice", permissions=("camera", "microphone", "clipboard-read", "clipboard-write")).call(code)
        alice.sees_phase("waiting")

        alice.page.get_by_role("button", name="Copy link").first.click()

        alice.until(lambda: alice.page.evaluate("navigator.clipboard.readText()") == f"{alice.url}/{code}", "the link")


class LostSocketTests:
    SOCKETS = """
    window.sockets = [];
    const Real = window.WebSocket;
    window.WebSocket = class extends Real { constructor(...given) { super(...given); window.sockets.push(this); } };
    """

    def test_the_picture_goes_on_while_signaling_comes_back(self, person, code):
        alice = person("Alice", init_script=self.SOCKETS).call(code)
        bob = person("Bob").call(code)
        alice.is_in_a_call_with(1)
        connections = alice.page.evaluate("watched.connections.length")

        alice.page.evaluate("sockets.at(-1).close()")

        alice.until(
            lambda: alice.page.evaluate("sockets.length > 1 && sockets.at(-1).readyState === 1"), "a new socket"
        )
        for one in (alice, bob):
            one.is_in_a_call_with(1)
        assert alice.page.evaluate("watched.connections.length") == connections
        alice.press("Mute microphone")
        bob.page.locator(".tile[data-peer][data-muted=true]").wait_for()

    def test_a_server_that_restarts_and_has_forgotten_all_finds_everybody_again(self, person, code, tmp_path):
        with Server(var_dir=tmp_path) as server:
            alice, bob = [person(name, url=server.url).call(code) for name in ("Alice", "Bob")]
            for one in (alice, bob):
                one.is_in_a_call_with(1)
            before = [one.page.evaluate("watched.connections.length") for one in (alice, bob)]
            server.stop()
            alice.sees_phase("reconnecting")

            with Server(var_dir=tmp_path, port=server.port):
                for one in (alice, bob):
                    one.is_in_a_call_with(1)
                    one.page.locator(".tile[data-peer][data-video=on]").wait_for()
                assert [one.page.evaluate("watched.connections.length") for one in (alice, bob)] == before
                person("Charlie", url=server.url).call(code).is_in_a_call_with(2)
                for one in (alice, bob):  # what Chromium says of sockets that nobody answered
                    one.complaints = [
                        complaint for complaint in one.complaints if "WebSocket connection to" not in complaint
                    ]

    def test_a_locked_call_that_the_server_has_forgotten_is_locked_again(self, person, code, tmp_path):
        with Server(var_dir=tmp_path) as server:
            alice, bob = [person(name, url=server.url).call(code) for name in ("Alice", "Bob")]
            for one in (alice, bob):
                one.is_in_a_call_with(1)
            alice.press("Lock call")
            bob.page.get_by_role("button", name="Unlock call").wait_for()
            server.stop()
            for one in (alice, bob):
                one.sees_phase("reconnecting")

            with Server(var_dir=tmp_path, port=server.port):
                for one in (alice, bob):
                    one.is_in_a_call_with(1)
                    one.page.get_by_role("button", name="Unlock call").wait_for()
                person("Charlie", url=server.url).call(code).sees_phase("refused")
                for one in (alice, bob):
                    one.is_in_a_call_with(1)
                    one.complaints = [
                        complaint for complaint in one.complaints if "WebSocket connection to" not in complaint
                    ]
