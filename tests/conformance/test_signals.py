"""Section 7: what the server does with signals and acknowledgements. It hands on; the rest is between the two ends."""

import json

import pytest

from tests.conformance.wire import MOST

pytestmark = pytest.mark.server
promise = pytest.mark.promise

BODIES = [
    "null", "true", "17", "-0.0", "1.50e+1", "123456789012345678901234567890", '""', "[ ]", '{"a" : 1,"a":2}',
    '"\\u00e4\\/\\ud83c\\udfa5 ä🎥\u2028"', '{"description":{"type":"offer","sdp":"v=0\\r\\n"}, "to": "x", "type": "leave"}',
    "[" * 200 + "]" * 200,
]  # fmt: skip


@promise("7", "and the other gets it with `from` in place of `to`, everything else unchanged, the `body` byte for byte")
@promise("7", "| `body` | any JSON value | section 8; not read by the server |")
@pytest.mark.parametrize("body", BODIES)
def test_a_body_arrives_byte_for_byte(pair, body):
    alice, bob = pair

    bob.send(f'{{"type":"signal","to":"{alice.peer}","stream":"q1W9eR","seq":1,"ack":0,"body":{body}}}')

    text = alice.hear_text()
    assert f'"body":{body}' in text.replace('"body": ', '"body":')
    message = json.loads(text)
    message.pop("body")
    assert message == {"type": "signal", "from": bob.peer, "stream": "q1W9eR", "seq": 1, "ack": 0}
    assert bob.settle() == []


@promise("7", "the highest `seq` of the other's messages on this stream up to which all have arrived; may be missing")
@promise("7", "| `stream` | 1 to 32 of `A-Z a-z 0-9 - _` |")
@promise("7", "| `seq` | 1 to 2^53 − 1 |")
@promise("7", "| `ack` | 0 to 2^53 − 1 |")
@pytest.mark.parametrize(
    "members",
    [{"stream": "-", "seq": 1}, {"stream": "aZ09_-" * 5 + "xx", "seq": MOST}, {"stream": "q", "seq": 9, "ack": MOST}],
)
def test_the_envelope_arrives_as_it_was(pair, members):
    alice, bob = pair

    alice.say("signal", to=bob.peer, body={}, **members)

    assert bob.hear() == {"type": "signal", "from": alice.peer, "body": {}, **members}


@promise("7", "says the same as an `ack` in a signal, and arrives with `from`.")
@promise("4", "how far signals have arrived")
def test_an_ack_arrives_with_its_sender(pair):
    alice, bob = pair

    alice.say("ack", to=bob.peer, stream="q1W9eR", ack=3)

    assert bob.hear() == {"type": "ack", "from": alice.peer, "stream": "q1W9eR", "ack": 3}


@promise("4", "something for another member, in order")
def test_signals_arrive_once_and_in_order_also_when_both_talk(pair):
    alice, bob = pair
    for seq in range(1, 91):
        alice.signal(bob.peer, seq)
        bob.signal(alice.peer, seq)

    for client, other in ((alice, bob), (bob, alice)):
        heard = [client.hear() for _ in range(90)]
        assert [message["seq"] for message in heard] == list(range(1, 91))
        assert {message["from"] for message in heard} == {other.peer}
        assert client.settle() == []


@promise("7", "| `to`, `from` | peer id | a member of the same room |")
@promise("7", "| `stream` | 1 to 32 of `A-Z a-z 0-9 - _` |")
@promise("7", "| `seq` | 1 to 2^53 − 1 |")
@promise("7", "| `ack` | 0 to 2^53 − 1 |")
@promise("11", "`about` (the `type` of the message that was refused, where it could be read)")
@pytest.mark.parametrize(
    "change",
    [
        {"to": None}, {"to": 17}, {"to": ""}, {"to": "x" * 15}, {"to": "x" * 17}, {"to": "x" * 15 + "!"}, {"to": "x" * 16 + "\n"},
        {"stream": None}, {"stream": 1}, {"stream": ""}, {"stream": "x" * 33}, {"stream": "a b"}, {"stream": "é"}, {"stream": "q\n"},
        {"seq": None}, {"seq": 0}, {"seq": -1}, {"seq": MOST + 1}, {"seq": 1.5}, {"seq": "1"}, {"seq": True}, {"seq": 10**400},
        {"ack": None}, {"ack": -1}, {"ack": MOST + 1}, {"ack": 0.5}, {"ack": "0"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["signal", "ack"])
def test_an_envelope_of_the_wrong_kind_is_refused(pair, name, change):
    alice, bob = pair
    if name == "ack" and "seq" in change:
        change = {"ack": change["seq"] or -1}
    alice.say(name, **{"to": bob.peer, "stream": "q", "seq": 1, "ack": 0, "body": {}, **change})

    error = alice.refusal()

    assert (error["code"], error["about"]) == ("bad-message", name)
    assert bob.settle() == []


@promise("7", "| `to`, `from` | peer id | a member of the same room |")
@promise("11", "a member of the wrong type or size")
@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("signal", "to"),
        ("signal", "stream"),
        ("signal", "seq"),
        ("signal", "body"),
        ("ack", "to"),
        ("ack", "stream"),
        ("ack", "ack"),
    ],
)
def test_an_envelope_that_lacks_a_member_is_refused(pair, name, missing):
    alice, bob = pair
    members = {"to": bob.peer, "stream": "q", "seq": 1, "ack": 0, "body": {}}
    del members[missing]

    alice.say(name, **members)

    assert alice.refusal()["code"] == "bad-message"
    assert bob.settle() == []


@promise(
    "7",
    "A signal or an ack to somebody who is not a member is answered with `error` `unknown-peer` and its `to`, and the socket stays open.",
)
@promise("11", "| `unknown-peer` | – | `to` is not a member of the room |")
@promise("11", "`to` (with `unknown-peer`)")
def test_a_signal_to_who_is_not_in_the_room_is_refused(people, pair, code):
    alice, bob = pair
    stranger = people.join(code)

    for name in ("signal", "ack"):
        for to in (stranger.peer, "x" * 16):
            alice.say(name, to=to, stream="q", seq=1, ack=0, body={})
            error = alice.refusal()
            assert (error["code"], error["to"], error["about"]) == ("unknown-peer", to, name)
    assert stranger.settle() == bob.settle() == []


@promise("7", "A signal or an ack to somebody who is not a member is answered with `error` `unknown-peer` and its `to`")
def test_a_signal_to_who_has_left_is_refused(people, code):
    alice, bob = people.join(code), people.join(code)
    bob.say("leave")
    alice.hear("left")

    alice.signal(bob.peer)

    assert alice.refusal()["code"] == "unknown-peer"


@promise("7", "A signal to somebody who is away is dropped by the server")
def test_a_signal_to_who_is_away_is_dropped_without_a_word(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")
    bob.vanish()
    alice.hear("away")

    alice.signal(bob.peer)
    alice.say("ack", to=bob.peer, stream="q1W9eR", ack=1)

    assert alice.settle() == []
    again = people.resume(bob.token)
    assert alice.hear()["type"] == "back"
    assert again.settle() == []
    alice.signal(bob.peer)
    assert again.hear()["type"] == "signal"
