"""Sections 4 and 5: the first message, and what it is answered with."""

import json

import pytest

from tests.conformance.wire import MOST

pytestmark = pytest.mark.server
promise = pytest.mark.promise

RELAYS = {
    "TURN_SERVERS": "eu=turn-eu.example.org;us=turn-us.example.org",
    "TURN_DEFAULT_REGION": "eu",
    "TURN_SECRETS": "a-secret-of-the-relays-0123456789-abc",
}

STATE = {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False}


@promise("11", "| `hello-expected` | 4003 | the first message was no well-formed `hello` |")
@promise("5", "Anything else first, or a `hello` that is not well-formed, is `hello-expected` (4003).")
@promise("4", "first, and only first")
@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "ping", "id": 1}', '{"type": "leave"}', '{"type": "members"}', '{"type": "knock"}', '{"type": "nope"}',
        "rubbish", "[]", "", b"\x00", '{"code": "heron"}',
    ],
)  # fmt: skip
def test_anything_else_first_is_refused(people, frame):
    client = people.open()

    client.send(frame)

    assert client.closing() == ("hello-expected", 4003)


@promise("5", "Anything else first, or a `hello` that is not well-formed, is `hello-expected` (4003).")
@promise("5", "Exactly one of `code` and `resume` is given.")
@promise("5", "| `code` | string, at most 1,024 | the room, as typed |")
@promise("5", "| `replaces` | string, with `code` |")
@promise("5", "| `nonce` | 16 to 64 characters of `A-Z a-z 0-9 - _`, with `code` and `attempt` |")
@promise("5", "| `resume` | string, not empty | instead of `code`")
@promise("5", "| `attempt` | 0 to 2^53 − 1 |")
@promise("5", "| `client` | string, at most 64 |")
@promise("5", "| `region` | string, at most 64 |")
@promise("6", "| `name` | string, at most 64 |")
@pytest.mark.parametrize(
    "members",
    [
        {}, {"code": "heron", "resume": "token"}, {"code": 17}, {"code": ["heron"]}, {"code": "x" * 1025}, {"resume": 17}, {"resume": ""},
        {"resume": "token", "replaces": "token"}, {"code": "heron", "replaces": 17}, {"replaces": "token"},
        {"code": "heron", "nonce": "n" * 16}, {"resume": "token", "attempt": 1, "nonce": "n" * 16}, {"nonce": "n" * 16, "attempt": 1},
        *({"code": "heron", "attempt": 1, "nonce": nonce} for nonce in ("n" * 15, "n" * 65, "n" * 15 + "!", "n" * 16 + "\n", 17)),
        {"code": "heron", "attempt": -1}, {"code": "heron", "attempt": MOST + 1}, {"code": "heron", "attempt": 1.5},
        {"code": "heron", "attempt": "1"}, {"code": "heron", "attempt": True}, {"code": "heron", "client": "x" * 65},
        {"code": "heron", "region": "x" * 65}, {"code": "heron", "region": 7},
        {"code": "heron", "client": 1}, {"code": "heron", "state": []}, {"code": "heron", "state": "Ada"},
        {"code": "heron", "state": {"name": "🎥" * 65}}, {"code": "heron", "state": {"name": 1}},
        {"code": "heron", "state": {"muted": "no"}}, {"code": "heron", "state": {"hand": 0}},
        {"code": "heron", "state": {"camera": None}},
    ],
)  # fmt: skip
def test_a_hello_that_is_not_well_formed_is_refused(people, members):
    client = people.open()

    client.say("hello", **members)

    assert client.closing() == ("hello-expected", 4003)


@promise("5", "A second `hello` on a socket is `bad-message`.")
def test_a_second_hello_is_refused_and_the_socket_stays(pair, code):
    pair[0].say("hello", code=code)
    error = pair[0].refusal()

    assert (error["code"], error["about"]) == ("bad-message", "hello")


@pytest.mark.own_server
@promise("5", "one of the site's regions of relays, for `ice_servers` nearby.")
@promise("5", "an unknown one is the site's default |")
def test_relays_are_of_the_region_that_is_named(make_server, asking, code):
    people = asking(make_server(**RELAYS).ws_url)

    for chosen, relay in [("us", "turn-us"), ("eu", "turn-eu"), ("mars", "turn-eu"), ("", "turn-eu")]:
        near, *_ = people.join(f"{code}-{chosen}", region=chosen).answer["ice_servers"]
        assert near["urls"] and all(f":{relay}.example.org" in url for url in near["urls"])


@pytest.mark.own_server
@promise("5", "Without it the site goes by what stands in front of it, if anything does")
def test_without_a_region_relays_are_of_the_one_that_the_edge_names(make_server, asking, code):
    alice = asking(make_server(**RELAYS, TURN_REGION_HEADER="X-Region").ws_url).open(
        additional_headers={"X-Region": "us"}
    )

    alice.say("hello", code=code)

    near, *_ = alice.hear("welcome")["ice_servers"]
    assert all(":turn-us.example.org" in url for url in near["urls"])


@promise("5", '{"type": "welcome", "version": 1')
@promise("5", "`members` are the others, not the receiver.")
@promise("5", "`token` is a bearer secret of at most 1,024 characters")
@promise("5", "`ice_servers` is ready for `RTCPeerConnection`; it may be empty.")
@promise(
    "5", "`ice_lifetime` is `null` when it holds no credentials, else how long they serve to *begin* an allocation."
)
@promise("5", "`features` lists what this server can do beyond joining, signaling and leaving.")
@promise("5", "`limits.silence`: how long the server waits for any message before it calls the socket dead.")
@promise("12", "Operators can change the figures; `welcome` tells those that a client needs.")
def test_welcome_tells_all_that_the_paper_shows(people, code):
    welcome = people.join(code, client="conformance 1").answer

    kinds = {name: type(value) for name, value in welcome.items() if name not in ("ice_lifetime", "limits")}
    assert kinds.items() >= {
        "type": str, "version": int, "peer": str, "stamp": int, "resumed": bool, "capacity": int, "locked": bool,
        "revision": int, "members": list, "token": str, "token_lifetime": int, "ice_servers": list, "features": list,
    }.items()  # fmt: skip
    assert (welcome["version"], welcome["resumed"], welcome["locked"], welcome["members"]) == (1, False, False, [])
    assert 2 <= welcome["capacity"] <= 6 and 0 < len(welcome["token"]) <= 1024 and welcome["token_lifetime"] > 0
    assert set(welcome["features"]) >= {"lock", "resume", "state"}
    limits = welcome["limits"]
    assert limits["message_bytes"] == 65_536
    assert all(
        type(limits[name]) is int and limits[name] > 0
        for name in ("messages_per_second", "messages_at_once", "silence", "place")
    )
    has_credentials = any("credential" in server for server in welcome["ice_servers"])
    assert all(server["urls"] for server in welcome["ice_servers"])
    assert type(welcome["ice_lifetime"]) is (int if has_credentials else type(None))


@promise("5", 'missing members are `false`, a missing name is `""`.')
@promise("5", "| `state` | object | section 6;")
@promise("5", '"members": [{"peer": "b7Rw2LqXn0uE5sHd", "stamp": 1763873001000042, "away": false,')
@promise("4", "Lengths are in code points unless bytes are named")
def test_the_state_in_hello_is_filled_up_and_shown_to_who_comes(people, code):
    name = "🎥" * 64
    alice = people.join(code, state={"name": name, "camera": True, "unknown": 1}, attempt=MOST, client="é" * 64)
    bob = people.join(code)

    state = {**STATE, "name": name, "camera": True}
    assert bob.answer["members"] == [
        {"peer": alice.peer, "stamp": alice.answer["stamp"], "away": False, "state": state}
    ]
    assert alice.hear("joined")["member"]["state"] == STATE


@promise("5", "or an `error`: `bad-code`, `room-full`, `locked`")
@promise("11", "| `room-full` | 4005 | no free place |")
@promise("1", "where everybody with the same code meets; it has a capacity, a lock and a revision")
def test_nobody_is_let_in_beyond_the_capacity_and_the_others_hear_nothing(people, code):
    alice = people.join(code)
    for _ in range(alice.answer["capacity"] - 1):
        bob = people.join(code)
    alice.settle()

    charlie = people.hello(code=code)

    assert charlie.answer["code"] == "room-full"
    assert charlie.end() == ([], 4005)
    assert alice.settle() == []
    bob.say("leave")
    assert alice.hear()["peer"] == bob.peer
    assert len(people.join(code).answer["members"]) == alice.answer["capacity"] - 1


@promise("5", "Nothing but `welcome` or `error` comes before it.")
def test_welcome_comes_first_while_others_are_talking(people, pair, code):
    alice = people.join(code)
    for turn in range(5):
        for _ in range(20):
            alice.say("state", hand=True)
            alice.say("state", hand=False)
        bob = people.open()
        bob.say("hello", code=code)
        first = json.loads(bob.hear_text())
        bob.close()
        assert first["type"] in ("welcome", "error"), turn


@promise("4", "| `knock` `knocking` `admit` `refuse` | – | reserved; answered with `not-supported` |")
@promise("13", "is what it gets if it does, and the socket stays open.")
@promise("11", "| `not-supported` | – | a reserved `type`, or a feature that `welcome` did not list |")
@pytest.mark.parametrize("name", ["knock", "knocking", "admit", "refuse"])
def test_reserved_types_are_not_supported(pair, name):
    pair[0].say(name, code="heron", peer=17)
    error = pair[0].refusal()

    assert (error["code"], error["about"]) == ("not-supported", name)
