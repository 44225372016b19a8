"""Sections 10 to 13: staying alive, how errors look, and the limits of one socket."""

import time
from contextlib import suppress

import pytest
import websockets

from tests.conformance.wire import MOST, SECONDS

pytestmark = pytest.mark.server
promise = pytest.mark.promise

BYTES_A_SECOND, BYTES_AT_ONCE = 512 * 1024, 2 * 1024 * 1024
LARGE = 60_000  # bytes of a message


@promise("10", "`id`: a whole number from 0 to 2^53 − 1, given back")
@promise("4", "the socket is alive")
@pytest.mark.parametrize("number", [0, 17, MOST - 2])
def test_a_ping_is_answered_with_its_id(pair, number):
    pair[0].say("ping", id=number)

    pong = pair[0].hear()
    assert (pong["type"], pong["id"]) == ("pong", number)


@promise("10", "`id`: a whole number from 0 to 2^53 − 1, given back")
@promise("4", "Whole numbers are written without a fraction or an exponent: `1`, not `1.0`.")
@pytest.mark.parametrize("number", [-1, MOST + 1, 1.0, 1e20, 1.5, "17", None, True, [], 10**300])
def test_a_ping_of_the_wrong_kind_is_refused(pair, number):
    pair[0].say("ping", id=number)
    error = pair[0].refusal()

    assert (error["code"], error["about"]) == ("bad-message", "ping")


@promise("10", "WebSocket ping frames are answered")
def test_ping_frames_are_answered(pair):
    assert pair[0].socket.ping(b"17").wait(30)


@promise("11", '{"type": "error", "code": "room-full", "text": "The room has no free place."}')
@promise("11", "`text` is English, for the people who read logs")
def test_an_error_has_a_code_and_a_text(pair):
    pair[0].send("rubbish")
    error = pair[0].refusal()

    assert error.keys() == {"type", "code", "text"}
    assert error["text"]


@promise("11", "When an error closes the socket, the `error` comes first and the close code follows.")
def test_nothing_is_done_after_an_error_that_closes(people, code):
    client = people.open()
    client.send_at_once({"type": "ping", "id": 1}, {"type": "hello", "code": code})

    heard, close = client.end()

    assert ([message["type"] for message in heard], heard[0]["code"], close) == (["error"], "hello-expected", 4003)


@promise(
    "12",
    "| messages of a socket, without `ack`, `ping` and repeats | 50 a second on average, 200 at once | `rate-limited`;",
)
@promise("11", "| `rate-limited` ↻ | – | more messages than the limit; this one was dropped |")
@promise("11", "`retry_after` (whole seconds, with those marked ↻)")
@promise("11", "What was refused with `rate-limited` is not done")
def test_more_messages_than_the_limit_are_refused_and_not_done(people, code):
    alice, bob = people.join(code), people.join(code)
    most = alice.answer["limits"]["messages_at_once"] - 1  # `hello` was one
    alice.keeps_limits = False
    bob.settle()

    for seq in range(1, most + 201):
        alice.signal(bob.peer, seq)

    told = alice.settle()
    refused = [message for message in told if message["type"] == "error"]
    assert {(error["code"], error["about"], type(error["retry_after"])) for error in refused} == {
        ("rate-limited", "signal", int)
    }
    assert all(error["retry_after"] >= 1 for error in refused)
    arrived = [message["seq"] for message in bob.settle()]
    assert arrived[:most] == list(range(1, most + 1))
    assert len(arrived) + len(refused) == most + 200


@promise(
    "12",
    "| messages of a socket, without `ack`, `ping` and repeats | 50 a second on average, 200 at once | `rate-limited`;",
)
@promise("7", "A client stays below `limits.messages_per_second` and `limits.messages_at_once`")
def test_who_stays_below_the_limit_is_not_refused(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")
    most = alice.answer["limits"]["messages_at_once"] + 2 * alice.answer["limits"]["messages_per_second"]

    for seq in range(1, most + 1):
        alice.signal(bob.peer, seq)

    assert alice.settle() == []
    assert [message["seq"] for message in bob.settle()] == list(range(1, most + 1))


@promise("12", "| `ack`, `ping` and repeats (a `seq` up to 128 below the highest of its stream) of a socket |")
def test_what_lies_further_below_counts_as_a_message(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")
    most = alice.answer["limits"]["messages_at_once"] - 1  # `hello` was one
    alice.keeps_limits = False
    repeat = {"type": "signal", "to": bob.peer, "stream": "q1W9eR", "seq": most - 129, "body": {}}

    for seq in range(1, most + 1):
        alice.signal(bob.peer, seq)
    alice.send_at_once(*[repeat] * 200)

    assert {(error["code"], error["about"]) for error in alice.settle()} == {("rate-limited", "signal")}


@promise("12", "| `ack`, `ping` and repeats (a `seq` up to 128 below the highest of its stream) of a socket |")
def test_acks_pings_and_repeats_do_not_count_as_messages(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")
    most = alice.answer["limits"]["messages_at_once"] - 1  # `hello` was one
    alice.keeps_limits = False

    for seq in range(1, most + 1):
        alice.signal(bob.peer, seq)
    for number in range(most):
        alice.say("ack", to=bob.peer, stream="q1W9eR", ack=number)
        alice.say("ping", id=number)
        alice.signal(bob.peer, most - number % 129)

    assert {message["type"] for message in alice.settle()} == {"pong"}
    assert len(bob.settle()) == 3 * most


@promise("12", "of a socket | 200 a second on average, 1,000 at once | the same |")
def test_as_many_acks_and_pings_as_are_let_through_at_once_cost_nobody_a_socket(people, code):
    """However they are written: a server that reads them all before it writes must not take their receiver for deaf."""
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")
    most = 4 * alice.answer["limits"]["messages_at_once"]  # of a thousand, where that is two hundred

    alice.send_at_once(*({"type": "ack", "to": bob.peer, "stream": "q", "ack": number} for number in range(most)))
    bob.send_at_once(*({"type": "ping", "id": number} for number in range(most)))

    assert [bob.hear()["type"] for _ in range(2 * most)].count("ack") == most
    assert alice.settle() == bob.settle() == []


@promise("12", "of a socket | 200 a second on average, 1,000 at once | the same |")
def test_more_acks_and_pings_than_the_limit_are_refused(people, code):
    alice = people.join(code)
    alice.keeps_limits = False
    refused = []

    for _ in range(20):
        alice.send_at_once(*({"type": "ping", "id": number} for number in range(400)))
        refused = [answer for answer in (alice.hear() for _ in range(400)) if answer["type"] != "pong"]
        if refused:
            break

    assert {(error["code"], error["about"]) for error in refused} == {("rate-limited", "ping")}


@promise("12", "who has more than 500 refused, one a second forgiven, gets `flood`")
@promise("11", "| `flood` | 4015 | went on sending after `rate-limited` |")
def test_who_goes_on_sending_is_closed_and_may_resume(people, code):
    alice = people.join(code)
    alice.keeps_limits = False
    answers = []

    while "flood" not in answers:
        with suppress(websockets.ConnectionClosed):  # what came before the end can still be read
            for _ in range(50):
                alice.say("members")
        for _ in range(50):
            answers.append(alice.hear().get("code"))
            if answers[-1] == "flood":
                break

    assert answers.count("rate-limited") >= 500
    assert alice.end() == ([], 4015)
    assert people.resume(alice.token).answer["resumed"] is True


@pytest.mark.own_server  # needs a line that takes more than the limit
@promise("12", "| bytes of a socket | 512 KiB a second on average, 2 MiB at once | the same |")
def test_more_bytes_than_the_limit_are_refused(people, code):
    alice = people.join(code)
    alice.keeps_limits = False

    for number in range(100):
        alice.say("ping", id=number, padding="x" * 65_000)

    answers = [alice.hear() for _ in range(100)]
    assert [answer["type"] for answer in answers[:32]] == ["pong"] * 32
    assert "rate-limited" in {answer.get("code") for answer in answers}


@promise(
    "12",
    "| nesting in a message | what fits in 65,536 bytes; depth beyond the parser's own limit is refused | `bad-message` |",
)
@pytest.mark.parametrize("depth", [500, 5_000, 32_000])
def test_deep_nesting_is_handed_on_or_refused(pair, depth):
    alice, bob = pair
    body = "[" * depth + "]" * depth

    bob.send(f'{{"type":"signal","to":"{alice.peer}","stream":"q","seq":1,"body":{body}}}')

    refused = bob.settle()
    if refused:
        assert [error["code"] for error in refused] == ["bad-message"]
        assert alice.settle() == []
    else:
        assert body in alice.hear_text()


@pytest.mark.own_server  # `welcome` does not tell how many bytes may be said
@promise(
    "12", "| unsent bytes for a socket | 256 KiB or 512 messages, or 10 s without progress | the socket is cut off |"
)
def test_who_reads_nothing_is_cut_off_and_nobody_else_waits(people, code):
    """The deaf one goes on saying pings, so it is not its silence; what is sent to it is within the limits of its sender."""
    alice = people.join(code)
    deaf = people.open(max_queue=1)
    deaf.say("hello", code=code)
    deaf.answer, deaf.beats = deaf.hear(), True
    alice.hear("joined")

    begin, sent, heard = time.monotonic(), 0, []
    while not heard:
        allowed = BYTES_AT_ONCE + BYTES_A_SECOND * (time.monotonic() - begin)
        if (sent + 1) * LARGE < 0.9 * allowed:
            sent += 1
            alice.signal(deaf.peer, sent, body="x" * (LARGE - 200))
        heard = alice.settle()

    assert [(message["type"], message["peer"]) for message in heard] == [("away", deaf.peer)]
    assert time.monotonic() - begin < SECONDS
    assert deaf.end()[1] == 1006


@pytest.mark.own_server
@promise("12", "60 a minute on average, 60 at once; what was `unavailable` does not count")
@promise("12", "a resume only if its token is not valid | `too-many-joins` |")
@promise("12", "| joins from one address (IPv6: one /64), with those refused for their code |")
@promise("11", "| `too-many-joins` ↻ | 4008 | too many joins from this address |")
def test_joins_of_one_address_are_limited_and_resumes_are_not(make_server, asking, code):
    people = asking(make_server(JOINS_PER_MINUTE=3).ws_url)
    alice = people.join(code)
    bob = people.join(code)
    assert people.hello(code="a/b").answer["code"] == "bad-code"

    charlie = people.open()
    charlie.say("hello", code=code)
    error = charlie.hear()

    assert (error["code"], 1 <= error["retry_after"] <= 20) == ("too-many-joins", True)
    assert charlie.end() == ([], 4008)
    bob.vanish()
    alice.hear("away")
    assert people.resume(bob.token).answer["resumed"] is True
    guesses = people.open()
    guesses.say("hello", resume="no token at all")
    assert guesses.hear()["code"] == "too-many-joins"


@pytest.mark.own_server
@promise("12", "| sockets from one address (IPv6: one /64) to one server | 200 | `too-many-sockets` |")
@promise("11", "| `too-many-sockets` ↻ | 4016 | too many sockets from this address |")
def test_sockets_of_one_address_are_limited_and_closed_ones_count_no_more(make_server, asking, code):
    people = asking(make_server(SOCKETS_PER_ADDRESS=2).ws_url)
    alice, bob = people.join(code), people.join(code)

    charlie = people.open()
    error = charlie.hear()

    assert (error["code"], error["retry_after"] >= 1) == ("too-many-sockets", True)
    assert charlie.end() == ([], 4016)
    bob.close()
    alice.hear("left")
    assert people.join(code)


@pytest.mark.own_server
@promise("10", "brings fresh credentials when half of `ice_lifetime` has passed.")
@promise("4", "fresh ICE servers")
@promise(
    "5", "`ice_lifetime` is `null` when it holds no credentials, else how long they serve to *begin* an allocation."
)
def test_fresh_ice_servers_come_in_time(make_server, asking, code):
    settings = {
        "TURN_SERVERS": "turn.example.org",
        "TURN_SECRETS": "a-secret-of-the-relays-0123456789-abc",
        "TURN_TTL": 2,
    }
    alice = asking(make_server(**settings).ws_url).join(code)
    assert (alice.answer["ice_lifetime"], alice.answer["ice_servers"][0].keys()) == (
        2,
        {"urls", "username", "credential"},
    )

    fresh = alice.hear("ice")

    assert fresh.keys() == {"type", "ice_servers", "ice_lifetime"}
    assert fresh["ice_lifetime"] == 2
    assert fresh["ice_servers"][0]["credential"] != alice.answer["ice_servers"][0]["credential"]


@pytest.mark.own_server
@promise(
    "9",
    "A token serves for `token_lifetime` seconds. Each time a twelfth of that has passed (an hour) a `pong` carries a fresh `token`.",
)
@promise("9", "`bad-token` (4012): not a token of this site, or too old.")
def test_a_pong_brings_a_fresh_token_and_an_old_one_ends(make_server, asking, code):
    people = asking(make_server(TOKEN_SECONDS=3).ws_url)
    alice = people.join(code)
    assert alice.answer["token_lifetime"] == 3
    fresh = old = alice.token
    while fresh == old:
        alice.say("ping", id=1)
        fresh = alice.hear("pong").get("token", old)
        time.sleep(0.05)  # the server's clock has to go on

    assert people.resume(fresh).peer == alice.peer
    answers = []
    while "bad-token" not in answers:
        answers.append(people.hello(resume=old).answer.get("code"))
        time.sleep(0.2)


@pytest.mark.own_server
@promise("9", "and closes with 1012 what is still open after that.")
@promise("11", "| 1012 | the server restarts: resume |")
def test_a_server_that_stops_closes_with_1012(make_server, asking, code):
    server = make_server()
    alice = asking(server.ws_url).join(code)

    server.stop()

    assert alice.end() == ([], 1012)
