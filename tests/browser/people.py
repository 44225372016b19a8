"""Somebody in front of a browser: what they type and press, and what they see and hear."""

import copy
import os
import time

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

SECONDS = 30  # what a slow machine may need; nothing waits that long when all is well

FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
]

# Keeps every RTCPeerConnection and local track that the page makes, so that a test can ask them.
_WATCH = """
{
window.watched = {connections: [], tracks: []};
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...given) { super(...given); window.watched.connections.push(this); }
};
const devices = navigator.mediaDevices;
if (devices) {
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    window.watched.tracks.push(...stream.getTracks());
    return stream;
  };
}
}
"""

# Asks the camera for less than the page wants: with no graphics card, encoding takes half of the time that a test does.
_SMALL_CAMERA = """
{
const devices = navigator.mediaDevices;
if (devices) {
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => real(wanted.video ? {...wanted, video: {...wanted.video, width: 320, height: 180}} : wanted);
}
}
"""

_HEARD = """
async () => {
  const sum = {framesDecoded: 0, audioEnergy: 0, audioPackets: 0, connected: 0};
  for (const connection of window.watched.connections) {
    if (connection.connectionState !== "connected") continue;
    sum.connected += 1;
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") sum.framesDecoded += report.framesDecoded ?? 0;
      if (report.kind === "audio") {
        sum.audioEnergy += report.totalAudioEnergy ?? 0;
        sum.audioPackets += report.packetsReceived ?? 0;
      }
    }
  }
  return sum;
}
"""


class Person:
    """One browser context with one page on the site."""

    def __init__(
        self, browser: Browser, name: str, url: str, *, small_camera: bool = True, init_script: str = "", **context
    ) -> None:
        self.name = name
        self.url = url
        self.complaints: list[str] = []
        self._context = browser.new_context(**context)
        self._context.set_default_timeout(SECONDS * 1000)
        self._context.add_init_script(_WATCH + (_SMALL_CAMERA if small_camera else "") + init_script)
        self._look_at(self._context.new_page())

    def _look_at(self, page: Page) -> None:
        self.page = page
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(f"{self.name}: {error}"))

    def duplicate(self) -> "Person":
        """The same person at one more tab, which begins with a copy of what this one keeps for itself."""
        twin = copy.copy(self)
        with self._context.expect_page() as opened:
            self.page.evaluate("void window.open(location.href)")
        twin._look_at(opened.value)
        return twin

    def close(self) -> None:
        self._context.close()

    # What they do

    def open(self, path: str = "/") -> "Person":
        self.page.goto(self.url + path)
        return self

    def call(self, code: str, *, button: str = "Video call") -> "Person":
        """Types the code on the home page and presses the button."""
        self.open()
        self.page.get_by_label("Code", exact=True).fill(code)
        self.press(button)
        return self

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    # What they see and hear

    @property
    def phase(self) -> str | None:
        return self.page.locator("main").get_attribute("data-phase")

    def sees_phase(self, phase: str) -> "Person":
        self.page.locator(f"main[data-phase={phase}]").wait_for()
        return self

    def sees_words(self, words: str) -> None:
        self.page.get_by_text(words).first.wait_for()

    @property
    def others(self) -> Locator:
        return self.page.locator(".tile[data-peer]")

    def sees_others(self, number: int) -> None:
        """Exactly so many others, each connected."""
        self.until(
            lambda: self.page.locator(".tile[data-peer][data-link=connected]").count() == number == self.others.count(),
            f"{number} others",
        )

    def heard(self) -> dict:
        """Sums over all connections that are up: framesDecoded, audioEnergy, audioPackets, connected."""
        return self.page.evaluate(_HEARD)

    def sees_video_of(self, number: int = 1) -> None:
        """The pictures of so many others move: the frames that were decoded go on rising."""
        before = self.heard()
        self.until(
            lambda: self.heard()["framesDecoded"] >= before["framesDecoded"] + 5 * number, "video", show=self.heard
        )

    def hears(self) -> None:
        before = self.heard()
        self.until(
            lambda: (
                (now := self.heard())["audioPackets"] > before["audioPackets"]
                and now["audioEnergy"] > before["audioEnergy"]
            ),
            "sound",
            show=self.heard,
        )

    def is_in_a_call_with(self, number: int, *, video: bool = True) -> None:
        """Words, tiles, moving pictures and sound."""
        self.sees_phase("connected")
        self.sees_others(number)
        if video:
            self.sees_video_of(number)
        self.hears()

    def live_tracks(self) -> int:
        """How many tracks of this person's camera and microphone are running."""
        return self.page.evaluate("window.watched.tracks.filter((track) => track.readyState === 'live').length")

    def open_connections(self) -> int:
        return self.page.evaluate("window.watched.connections.filter((one) => one.connectionState !== 'closed').length")

    def until(self, is_so, what: str, *, show=lambda: "") -> None:
        """Polls: Playwright's own wait_for_function does not await a predicate, and so passes at once."""
        deadline = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < deadline, f"{self.name} waited in vain for {what}: {show()} {self.describe()}"
            self.page.wait_for_timeout(100)

    def describe(self) -> str:
        return f"[phase {self.phase}; {self.page.locator('main').inner_text()!r}]"

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{self.name}: {message.text}")
