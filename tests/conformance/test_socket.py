"""Sections 1 and 2: the words, and what a socket is."""

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

import pytest
import websockets

from tests.conformance.wire import MOST, SECONDS, Client

pytestmark = pytest.mark.server
promise = pytest.mark.promise


@promise("2", "is accepted, with the first subprotocol it offered")
@promise("2", 'gets `error` `unsupported-version` with `supported: ["gruveo.v1"]`, and is closed with 4001')
@promise("11", "| `unsupported-version` | 4001 | no subprotocol that this server speaks |")
@promise("11", "`supported` (with `unsupported-version`)")
@pytest.mark.parametrize("offered", [("gruveo.v9",), ("gruveo.v0", "chat"), ("Gruveo.v1",), ()])
def test_a_socket_of_another_version_is_told_what_is_supported(people, offered):
    client = people.open(subprotocols=offered)

    assert client.socket.subprotocol == next(iter(offered), None)
    error = client.hear()
    assert (error["type"], error["code"], error["supported"]) == ("error", "unsupported-version", ["gruveo.v1"])
    assert client.end() == ([], 4001)


@promise("13", "a client offers all versions that it speaks, the server picks the highest that both know")
@pytest.mark.parametrize("offered", [("gruveo.v1", "gruveo.v9"), ("gruveo.v9", "chat", "gruveo.v1")])
def test_version_1_is_picked_among_others(people, offered):
    assert people.open(subprotocols=offered).socket.subprotocol == "gruveo.v1"


@promise("2", "A browser's `Origin` MUST be one of the site's.")
def test_a_page_of_the_site_is_let_in(people, origin):
    assert people.open(origin=origin).socket.subprotocol == "gruveo.v1"


@promise("2", "A client that sends no `Origin` is a native one, and welcome.")
@promise("2", "It sends no cookie and no query: everything is said in messages.")
def test_a_client_without_an_origin_is_welcome(people, code):
    client = people.open()
    assert "Origin" not in client.socket.request.headers

    assert people.join(code).answer["type"] == "welcome"


@promise("2", "`Origin: null` and all others are refused with HTTP 403 before the upgrade.")
@pytest.mark.parametrize(
    "foreign", ["null", "https://evil.example", "", "{origin}.evil.example", "{origin}/", "{host}"]
)
def test_foreign_pages_are_refused_before_the_upgrade(people, origin, foreign):
    foreign = foreign.format(origin=origin, host=origin.partition("//")[2])

    with pytest.raises(websockets.InvalidStatus) as refusal:
        people.open(additional_headers={"Origin": foreign})

    assert refusal.value.response.status_code == 403


@promise("11", "HTTP 403 for an `Origin` or an address that is not allowed")
def test_a_socket_at_another_address_is_refused_before_the_upgrade(url):
    with pytest.raises(websockets.InvalidStatus) as refusal:
        Client(url + "-elsewhere")

    assert refusal.value.response.status_code == 403


@promise(
    "11", "400 for an upgrade that is not as RFC 6455 (section 4.1) has it, 405 for one with another method than `GET`"
)
@pytest.mark.parametrize(
    ("method", "change", "status"),
    [
        ("GET", {"Sec-WebSocket-Key": None}, 400),
        ("GET", {"Sec-WebSocket-Key": "short"}, 400),
        ("GET", {"Sec-WebSocket-Version": "12"}, 400),
        ("POST", {}, 405),
    ],
)
def test_an_upgrade_that_is_none_is_refused(url, method, change, status):
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "wss" else HTTPConnection
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **change,
    }  # fmt: skip
    with closing(connect(parts.hostname, parts.port, timeout=SECONDS)) as server:
        server.request(method, parts.path, headers={name: value for name, value in headers.items() if value})

        assert server.getresponse().status == status


@promise("2", "No compression is negotiated.")
def test_nothing_is_compressed(people):
    assert "Sec-WebSocket-Extensions" not in people.open(compression="deflate").socket.response.headers


@promise("2", "Binary messages are answered with `bad-message`.")
@pytest.mark.parametrize("frame", [b"", b"\x00\xff", b'{"type": "ping", "id": 1}'])
def test_binary_messages_are_refused(pair, frame):
    pair[0].send(frame)

    assert pair[0].refusal()["code"] == "bad-message"


@promise("2", "Each message is one text message with one JSON object (RFC 8259) in UTF-8, at most 65,536 bytes long.")
@promise("11", "not JSON, not an object, a member of the wrong type or size, binary, or not in place here")
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "rubbish", "{", "[]", '["ping"]', '"ping"', "null", "17", "{'type': 'ping'}", '{"type": "ping"} {}',
        '{"type": "ping",}', '{"type": "ping", "id": 01}', '{"type": "ping", "id": NaN}', '{"type": "\ud83d\ude00', "{}",
        '{"type": null}', '{"type": 1}', '{"type": ["ping"]}', '{"Type": "ping"}', '\ufeff{"type": "ping"}',
        '{"type": "ping", "x": "\t"}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_with_a_type_is_refused(pair, text):
    pair[0].send(text.encode("utf-16", "surrogatepass").decode("utf-16"))
    error = pair[0].refusal()

    assert (error["code"], error.get("about")) == ("bad-message", None if '"ping"' not in text else error.get("about"))


@promise("11", "| `unknown-type` | – | a `type` that version 1 does not have |")
@promise("2", "answers `unknown-type` and ignores unknown members (the server)")
@promise("13", "Within version 1 there may be new types, new members, new features and new error codes.")
@pytest.mark.parametrize("name", ["nope", "", "PING", "ping ", "welcome", "joined", "pong", "error", "x" * 10_000])
def test_an_unknown_type_is_answered_and_the_socket_stays(pair, name):
    pair[0].say(name, id=1)

    assert pair[0].refusal()["code"] == "unknown-type"


@promise("2", "answers `unknown-type` and ignores unknown members (the server)")
def test_unknown_members_are_ignored(pair):
    pair[0].say("ping", id=4, to=17, hello={"type": "leave"}, seq=None)

    assert pair[0].hear() == {"type": "pong", "id": 4}


@promise("2", "The order of members carries no meaning.")
def test_the_type_may_come_last(pair):
    pair[0].send('{"id": 5, "x": {"type": "leave"}, "type": "ping"}')

    assert pair[0].hear() == {"type": "pong", "id": 5}


@promise("2", "Where a name appears twice, the last one counts")
def test_the_last_of_two_members_counts(pair):
    pair[0].send('{"type": "ping", "id": 5, "id": 6}')

    assert pair[0].hear() == {"type": "pong", "id": 6}


@promise("2", "a message with two different `type`s is `bad-message`")
@pytest.mark.parametrize(
    "text", ['{"type": "leave", "id": 6, "type": "ping"}', '{"id": 6, "type": "ping", "type": "leave"}']
)
def test_a_message_has_one_type(pair, text):
    pair[0].send(text)

    assert pair[0].refusal()["code"] == "bad-message"


@promise("2", "Each must be well-formed.")
@pytest.mark.parametrize("text", ['{"type": "ping", "id": "5", "id": 6}', '{"type": 5, "type": "ping", "id": 6}'])
def test_both_of_two_members_must_be_well_formed(pair, text):
    pair[0].send(text)

    assert pair[0].refusal()["code"] == "bad-message"


@promise("2", 'An escape that is half of a surrogate pair (`"\\ud800"`) is no JSON here (RFC 7493, section 2.1).')
@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\udc00\\ud800"])
def test_half_a_surrogate_pair_is_refused(pair, escape):
    alice, bob = pair

    alice.send(f'{{"type": "signal", "to": "{bob.peer}", "stream": "q", "seq": 1, "body": "{escape}"}}')

    assert alice.refusal()["code"] == "bad-message"
    assert bob.settle() == []


@promise("2", "Each message is one text message with one JSON object (RFC 8259) in UTF-8, at most 65,536 bytes long.")
@promise("2", "What the server sends may be up to 66,000 bytes long.")
@promise("7", "everything else unchanged, the `body` byte for byte")
@pytest.mark.parametrize("letter", ["x", "é", "🎥"])
def test_a_message_of_65536_bytes_goes_through(pair, letter):
    alice, bob = pair
    message = {"type": "signal", "to": alice.peer, "stream": "q", "seq": 1, "ack": 0, "body": ""}
    room = 65_536 - len(json.dumps(message))
    message["body"] = letter * (room // len(letter.encode())) + "." * (room % len(letter.encode()))
    text = json.dumps(message, ensure_ascii=False)
    assert len(text.encode()) == 65_536

    bob.send(text)

    heard = alice.hear_text()
    assert json.loads(heard)["body"] == message["body"]
    assert len(heard.encode()) <= 66_000


@promise("12", "| bytes in a message | 65,536 | 1009 |")
@promise("11", "| 1009 | a message was longer than 65,536 bytes |")
def test_a_longer_message_closes_the_socket(people, code):
    client = people.join(code)

    client.say("ping", id=1, x="x" * 65_536)

    assert client.end() == ([], 1009)


@promise("12", "| bytes in a message | 65,536 | 1009 |")
@promise("11", "| 1009 | a message was longer than 65,536 bytes |")
@pytest.mark.parametrize("parts", [2, 30])
def test_a_longer_message_in_fragments_closes_the_socket_too(people, code, parts):
    client = people.join(code)
    text = json.dumps({"type": "ping", "id": 1, "x": ""})
    text = text[:-2] + "x" * (65_537 - len(text)) + text[-2:]
    step = -(-len(text) // parts)

    client.send_parts([text[at : at + step] for at in range(0, len(text), step)])

    assert client.end() == ([], 1009)


@promise("11", "| 1007 | a text message was not UTF-8 |")
@pytest.mark.parametrize("frame", [b"\xff", b'{"type": "ping", "x": "\xc3"}', b'{"type": "ping", "x": "\xed\xa0\x80"}'])
def test_text_that_is_not_utf_8_closes_the_socket(people, code, frame):
    client = people.open()

    client.socket.send(frame, text=True)

    assert client.end() == ([], 1007)


@promise("2", "Each message is one text message with one JSON object (RFC 8259) in UTF-8, at most 65,536 bytes long.")
def test_a_message_may_come_in_fragments(pair):
    pair[0].send_parts(['{"type": "pi', 'ng", "id', '": 7}'])

    assert pair[0].hear() == {"type": "pong", "id": 7}


@promise("1", "16 characters of `A-Z a-z 0-9 - _`, made by the server, new at each admission, kept through a resume")
@promise("1", "a whole number below 2^53: when this member was first admitted.")
@promise("1", "of two members, the one with the higher (stamp, peer id)")
@promise("5", "the client makes the first offer to each of its `members` (it is later than they are)")
@promise("1", "a whole number that each change of the room raises by one")
def test_members_have_an_id_and_a_stamp_and_who_comes_later_is_the_later_one(people, code):
    alice, bob = people.join(code), people.join(code)

    for client in (alice, bob):
        assert len(client.peer) == 16
        assert not set(client.peer) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        assert type(client.answer["stamp"]) is int and 0 <= client.answer["stamp"] <= MOST
    assert (alice.answer["stamp"], alice.peer) < (bob.answer["stamp"], bob.peer)
    assert [member["peer"] for member in bob.answer["members"]] == [alice.peer]
    assert bob.answer["revision"] == alice.answer["revision"] + 1
    bob.say("leave")
    assert bob.end()[1] == 1000
    assert people.join(code).peer not in (alice.peer, bob.peer)


@promise("1", "No two members of a room compare alike")
def test_many_at_the_same_moment_have_one_order(people, code):
    waiting = [people.open() for _ in range(4)]
    for client in waiting:
        client.say("hello", code=code)
    for client in waiting:
        client.answer = client.hear()

    welcomed = [client for client in waiting if client.answer["type"] == "welcome"]  # others may have joined too often
    ordered = sorted(welcomed, key=lambda client: (client.answer["stamp"], client.peer))
    for place, client in enumerate(ordered):
        earlier = {other.peer for other in ordered[:place]}
        assert {member["peer"] for member in client.answer["members"]} == earlier
