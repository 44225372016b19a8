"""People in the two homes who call each other, and what they can tell of their call."""

from playwright.sync_api import Browser

from tests.browser.people import Person

_SMALL = {"width": 480, "height": 480}  # what is painted costs time, and nobody looks at it

# When the first peer connection was up, and what the page has said of the call, one after the other.
_NOTE = """
{
window.noted = {connectedAt: null, phases: [], titles: []};
const Watched = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Watched {
  constructor(...given) {
    super(...given);
    this.addEventListener('connectionstatechange', () => {
      if (this.connectionState === 'connected') window.noted.connectedAt ??= performance.now();
    });
  }
};
const note = (list, value) => value && list.at(-1) !== value && list.push(value);
new MutationObserver(() => {
  note(window.noted.phases, document.querySelector('main')?.dataset.phase);
  note(window.noted.titles, document.querySelector('.notices')?.innerText);
}).observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
}
"""

# The own end of the path that is in use: a type of candidate, and by what a relay is spoken to.
_END = """
async () => {
  for (const connection of window.watched.connections) {
    if (connection.connectionState !== 'connected') continue;
    const stats = await connection.getStats();
    const transport = [...stats.values()].find((one) => one.type === 'transport' && one.selectedCandidatePairId);
    const own = stats.get(stats.get(transport?.selectedCandidatePairId)?.localCandidateId);
    if (own) return {type: own.candidateType, by: own.relayProtocol ?? own.protocol};
  }
  return null;
}
"""

_ROUND_TRIP = """
async () => {
  const stats = await window.watched.connections.at(-1).getStats();
  const transport = [...stats.values()].find((one) => one.type === 'transport');
  return stats.get(transport.selectedCandidatePairId).currentRoundTripTime;
}
"""

_TIMES = """
() => {
  const mark = (name) => performance.getEntriesByName(name)[0]?.startTime ?? null;
  return {join: mark('gruveo:join'), connected: window.noted.connectedAt, frame: mark('gruveo:first-frame')};
}
"""


class Caller(Person):
    """Somebody in front of the browser of one home."""

    def __init__(self, browser: Browser, name: str, url: str) -> None:
        permissions = ["camera", "microphone"]
        super().__init__(browser, name, url, init_script=_NOTE, permissions=permissions, viewport=_SMALL)

    def begin(self) -> None:
        """Asks for the home page, and does not wait for it."""
        self.page.goto(self.url, wait_until="commit")

    def has_opened(self) -> None:
        """The page is there, and its modules."""
        self.page.wait_for_load_state("domcontentloaded")

    def dial(self, code: str) -> None:
        """Types the code and presses the button, once the page is all there: before, the button leads to the lobby."""
        self.has_opened()
        self.page.get_by_label("Code", exact=True).fill(code)
        self.press("Video call")

    @property
    def sees_somebody(self) -> bool:
        return self.others.count() > 0

    @property
    def is_connected(self) -> bool:
        """As the page says it."""
        return self.phase == "connected"

    @property
    def frames(self) -> int:
        """How many pictures of the other have been decoded so far."""
        return self.heard()["framesDecoded"]

    def own_end(self) -> str:
        """Such as `srflx/udp` or `relay/tls`; `?` while no path is chosen."""
        end = self.page.evaluate(_END)
        return f"{end['type']}/{end['by']}" if end else "?"

    def times(self) -> tuple[int, int | None]:
        """Milliseconds from joining to the connection, and to the first picture of the other if there was one."""
        at = self.page.evaluate(_TIMES)
        return round(at["connected"] - at["join"]), round(at["frame"] - at["join"]) if at["frame"] else None

    def round_trip_ms(self) -> float:
        """To the other and back, as the path that is in use has measured it last."""
        return 1000 * self.page.evaluate(_ROUND_TRIP)

    def forget_what_was_said(self) -> None:
        self.page.evaluate("noted.phases = [], noted.titles = []")

    def phases(self) -> list[str]:
        """All that the call has been, in order."""
        return self.page.evaluate("noted.phases")

    def titles(self) -> list[str]:
        """All that the page has said of the call, in order."""
        return self.page.evaluate("noted.titles")
