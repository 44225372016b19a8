"""
What the server does when nobody says anything: sections 5, 9, 10 and 12.

A test here begins with `wait_`. All of them begin together when the first is asked for, each in a thread with people of its own, so that
the file takes as long as the longest. No time is held to be short: a machine may be slow, a server may be far.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.conformance.wire import People

pytestmark = pytest.mark.server
promise = pytest.mark.promise
_waits: list[Callable[[People, str], None]] = []


def together(wait: Callable[[People, str], None]) -> Callable[[People, str], None]:
    _waits.append(wait)
    return wait


@pytest.fixture(scope="module")
def waiting(hasty_url) -> Iterator[dict[str, Future]]:
    def run(wait):
        with People(hasty_url) as people:
            wait(people, f"conformance-{secrets.token_hex(8)}")

    with ThreadPoolExecutor(len(_waits)) as threads:
        yield {wait.__name__: threads.submit(run, wait) for wait in _waits}


@together
@promise("5", "`hello` MUST be the first message, within 5 seconds of the accepted upgrade (`hello-timeout`, 4002).")
@promise("12", "| time to `hello` | 5 s | `hello-timeout` |")
@promise("11", "| `hello-timeout` | 4002 | no `hello` within 5 s |")
def wait_for_a_hello_that_does_not_come(people, code):
    began = time.monotonic()
    client = people.open()

    assert client.closing() == ("hello-timeout", 4002)
    assert time.monotonic() - began >= 4.9


@together
@promise(
    "10",
    "The server closes a socket on which it has heard nothing for `limits.silence` seconds with `silent` (4014); the member is then away.",
)
@promise("12", "| silence | 20 s | `silent` |")
@promise("11", "| `silent` | 4014 | nothing heard for `limits.silence` seconds |")
@promise("11", "When an error closes the socket, the `error` comes first and the close code follows.")
def wait_for_a_word_of_who_is_silent(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")
    began = time.monotonic()
    bob.beats = False

    assert bob.closing() == ("silent", 4014)
    assert time.monotonic() - began >= alice.answer["limits"]["silence"] - 1.1  # a beat may have come just before
    assert (alice.hear()["type"], people.resume(bob.token).answer["resumed"]) == ("away", True)


@together
@promise("10", "WebSocket ping frames are answered, but do not count as something heard.")
def wait_for_a_word_of_who_sends_ping_frames_only(people, code):
    alice = people.join(code)
    alice.beats = False

    answered = 0
    while alice.socket.state == 1:  # open
        try:
            answered += alice.socket.ping().wait(0.5)
        except Exception as error:
            assert "4014" in str(error)
    assert answered
    assert alice.closing() == ("silent", 4014)


@together
@promise("5", "`limits.silence`: how long the server waits for any message before it calls the socket dead.")
def wait_with_who_says_anything_at_all(people, code):
    """Even what is refused is a word."""
    alice = people.join(code)
    alice.beats = False
    silence = alice.answer["limits"]["silence"]

    ends = time.monotonic() + 2 * silence
    while time.monotonic() < ends:
        alice.send("rubbish")
        assert alice.hear()["code"] == "bad-message"
        time.sleep(silence / 8)


@together
@promise("9", "the member is `away` and keeps its place for `limits.place` seconds.")
@promise("6", "`lost` (did not come back in time)")
@promise("5", "`limits.place`: how long the place of a lost socket is kept.")
@promise(
    "9",
    "**`resumed: false`**: the place had run out, or the server has lost its memory, and there was a free one; the others get `joined`",
)
def wait_for_who_comes_back_too_late_but_finds_a_place(people, code):
    alice, bob = people.join(code), people.join(code, state={"name": "Bob"})
    alice.hear("joined")
    began = time.monotonic()
    bob.vanish()
    revision = alice.hear()["revision"]

    assert alice.hear("left") == {"type": "left", "revision": revision + 1, "peer": bob.peer, "reason": "lost"}
    assert time.monotonic() - began >= alice.answer["limits"]["place"] - 0.1
    again = people.resume(bob.token, state={"name": "Bob"})
    welcome = again.answer
    assert (welcome["resumed"], welcome["peer"], welcome["stamp"]) == (False, bob.peer, bob.answer["stamp"])
    joined = alice.hear()
    assert (joined["type"], joined["revision"]) == ("joined", revision + 2)
    assert (joined["member"]["peer"], joined["member"]["state"]["name"]) == (bob.peer, "Bob")


@together
@promise(
    "9",
    "It is said again, without a second `joined`, to who comes back with a token from before that, because the `welcome` was lost.",
)
def wait_for_who_does_not_hear_that_it_comes_back_too_late(people, code):
    alice, bob = people.join(code), people.join(code)
    bob.vanish()
    alice.hear("left")
    unheard = people.resume(bob.token)
    alice.hear("joined")
    unheard.vanish()
    alice.hear("away")

    again = people.resume(bob.token)

    assert (unheard.answer["resumed"], again.answer["resumed"]) == (False, False)
    assert [alice.hear()["type"], alice.settle()] == ["back", []]
    again.vanish()
    assert people.resume(again.token).answer["resumed"] is True


@together
@promise("9", "`replaced` (4009): the place could not be kept and the room is full or locked now.")
@promise("11", "| `replaced` | 4009 | the place is taken |")
def wait_for_who_comes_back_too_late_to_a_full_room(people, code):
    alice, bob = people.join(code), people.join(code)
    bob.vanish()
    alice.hear("left")
    for _ in range(alice.answer["capacity"] - 1):
        people.join(code)

    again = people.hello(resume=bob.token)

    assert again.answer["code"] == "replaced"
    assert again.end() == ([], 4009)


@together
@promise("9", "`replaced` (4009): the place could not be kept and the room is full or locked now.")
def wait_for_who_comes_back_too_late_to_a_locked_room(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.say("lock", locked=True)
    alice.hear("lock")
    bob.vanish()
    alice.hear("left")

    again = people.hello(resume=bob.token)

    assert again.answer["code"] == "replaced"
    assert again.end() == ([], 4009)


@together
@promise("9", "the new one is let into a locked room for `limits.place` seconds, once, if there is a free place.")
@promise("9", "`gone` (4011): this member has left.")
def wait_for_who_reloads_too_late(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.say("lock", locked=True)
    alice.hear("lock")
    bob.close(1001)
    alice.hear("left")
    time.sleep(alice.answer["limits"]["place"] + 2)  # nobody tells when that has passed

    assert people.hello(code=code, replaces=bob.token).answer["code"] == "locked"
    assert people.hello(resume=bob.token).answer["code"] == "gone"


@pytest.mark.parametrize("name", [pytest.param(wait.__name__, marks=wait.pytestmark) for wait in _waits])
def test_waiting(waiting, name):
    waiting[name].result()
