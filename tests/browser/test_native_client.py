"""A call between the page and a program that is no browser: signaling.client for the protocol, aiortc for the media."""

import array
import asyncio
import math
import threading
from collections.abc import Callable, Coroutine, Iterator
from fractions import Fraction
from typing import Any

import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame

from signaling.client import Client, Times
from signaling.events import Body, Opened
from tests.browser.people import SECONDS

pytestmark = pytest.mark.browser

RATE = 48_000  # Hz
FRAME = RATE // 50  # samples in 20 ms
LOUD = 1000  # of 32,767


class NativeClientTests:
    def test_a_newcomer_without_a_browser_offers(self, person, native, code):
        alice = person("Alice").call(code).sees_phase("waiting")
        bob = native(code, "Bob")

        alice.is_in_a_call_with(1, video=False)
        alice.sees_words("Bob")
        bob.hears()
        bob.is_answered_on_the_data_channel()

    def test_one_who_waits_without_a_browser_answers(self, person, native, code):
        bob = native(code, "Bob")
        alice = person("Alice").call(code)

        alice.is_in_a_call_with(1, video=False)
        bob.hears()
        bob.is_answered_on_the_data_channel()

    def test_the_page_sees_the_native_client_leave(self, person, native, code):
        alice = person("Alice").call(code).sees_phase("waiting")
        bob = native(code, "Bob")
        alice.sees_others(1)

        bob.leave()

        alice.until(lambda: alice.others.count() == 0, "nobody")

    def test_a_goodbye_on_the_data_channel_is_enough(self, person, native, code):
        alice = person("Alice").call(code).sees_phase("waiting")
        bob = native(code, "Bob")
        alice.sees_others(1)
        bob.hears()

        bob.says_bye_without_a_socket()

        alice.until(lambda: alice.others.count() == 0, "nobody")

    def test_a_call_through_two_nodes(self, person, native, site, node, code):
        site.lead_to(site.lasting)
        alice = person("Alice", url=site.url).call(code).sees_phase("waiting")
        bob = native(code, "Bob", url=node.ws_url)

        alice.is_in_a_call_with(1, video=False)
        alice.sees_words("Bob")
        bob.hears()
        bob.is_answered_on_the_data_channel()


@pytest.fixture
def native(server) -> Iterator[Callable[[str, str], "NativePerson"]]:
    """Makes people without a browser: `native(code, "Bob")`, in a call with whoever is there or comes; all are gone after the test."""
    people: list[NativePerson] = []

    def make(code: str, name: str, *, url: str = server.ws_url) -> NativePerson:
        people.append(NativePerson(url, code, name))
        return people[-1]

    yield make
    for one in people:
        one.close()


class NativePerson:
    """Somebody in a thread with a loop of its own: Playwright's loop runs in the main one."""

    def __init__(self, url: str, code: str, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()
        self._talk = self._run(_enter(url, code, name))

    def hears(self) -> None:
        """Frames of sound that are not silent have come."""
        self._run(self._talk.loud.wait())

    def is_answered_on_the_data_channel(self) -> None:
        self._run(self._talk.asks_on_the_data_channel())

    def says_bye_without_a_socket(self) -> None:
        self._run(self._talk.says_bye_without_a_socket())

    def leave(self) -> None:
        self._run(self._talk.client.leave())

    def close(self) -> None:
        self._run(self._talk.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def _run(self, work: Coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, SECONDS), self._loop).result()


async def _enter(url: str, code: str, name: str) -> "Talk":
    client = Client(url, code=code, name=name, times=Times(backoff=(SECONDS,)), jitter=lambda: 1.0)
    await client.__aenter__()
    return Talk(client)


class Talk:
    """One call with one other: sound both ways and the data channel."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.loud = asyncio.Event()
        self._peer = ""
        self._connection: RTCPeerConnection | None = None
        self._tasks = {asyncio.create_task(self._follow())}

    async def close(self) -> None:
        await self.client.leave()
        if self._connection:
            await self._connection.close()
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def asks_on_the_data_channel(self) -> None:
        """The other acknowledges a body that it cannot know, while we have no socket that could carry it (section 8)."""
        stream = self.client._others.pairs[self._peer].stream
        await self._open_channel()
        while stream.unacknowledged:  # noqa: ASYNC110 - the client has no event for it
            await asyncio.sleep(0.01)
        await self._lose_socket()
        await self.client.send(self._peer, {"unknown": True})
        while stream.unacknowledged:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert self.client.socket is None

    async def says_bye_without_a_socket(self) -> None:
        await self._open_channel()
        await self._lose_socket()
        await self.client.send(self._peer, {"bye": True})

    async def _open_channel(self) -> None:
        while self._channel.readyState != "open":  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _lose_socket(self) -> None:
        self.client.socket.transport.abort()
        while self.client.socket:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _follow(self) -> None:
        for peer in self.client.members:
            await self._connect(peer)
            await self._offer()
        async for event in self.client:
            match event:
                case Opened(peer, _):
                    await self._connect(peer)
                case Body(_, {"description": description}):
                    await self._take(RTCSessionDescription(**description))
                case Body(_, {"candidates": candidates}):
                    for candidate in candidates:
                        await self._add(candidate)

    async def _connect(self, peer: str) -> None:
        if self._connection:
            await self._connection.close()
        self._peer = peer
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.addTrack(Tone())
        self._connection.on("track", lambda track: self._tasks.add(asyncio.create_task(self._listen(track))))
        self._channel = self._connection.createDataChannel("gruveo.v1", negotiated=True, id=0)
        self._channel.on("message", lambda text: self.client.hear(peer, text))
        self._channel.on("open", lambda: self.client.add_path(peer, self._channel.send))
        self._channel.on("close", lambda: self.client.remove_path(peer))

    async def _offer(self) -> None:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        await self._tell_description()

    async def _take(self, description: RTCSessionDescription) -> None:
        if description.type == "offer" and self._connection.signalingState != "stable":
            return  # it crosses ours, and we are the later one
        await self._connection.setRemoteDescription(description)
        if description.type == "offer":
            await self._connection.setLocalDescription(await self._connection.createAnswer())
            await self._tell_description()

    async def _tell_description(self) -> None:
        """aiortc has gathered before: its candidates are in the description."""
        local = self._connection.localDescription
        await self.client.send(self._peer, {"description": {"type": local.type, "sdp": local.sdp}})

    async def _add(self, told: dict) -> None:
        if not told["candidate"]:
            return await self._connection.addIceCandidate(None)
        candidate = candidate_from_sdp(told["candidate"].removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = told["sdpMid"], told["sdpMLineIndex"]
        await self._connection.addIceCandidate(candidate)

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "audio" and max(array.array("h", bytes(frame.planes[0]))) > LOUD:
                self.loud.set()


class Tone(MediaStreamTrack):
    """440 Hz."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._at = 0  # samples

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(FRAME / RATE)
        samples = (int(8000 * math.sin(math.tau * 440 * (self._at + n) / RATE)) for n in range(FRAME))
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(array.array("h", samples).tobytes())
        frame.pts, frame.sample_rate, frame.time_base = self._at, RATE, Fraction(1, RATE)
        self._at += FRAME
        return frame
