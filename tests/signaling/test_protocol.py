"""The messages of docs/protocol.md: read, refused, written."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import protocol
from signaling.protocol import ProtocolError, State
from tests.cast import ALICE, BOB

PAPER = (Path(__file__).parent.parent.parent / "docs" / "protocol.md").read_text()
SIGNAL = {"type": "signal", "to": BOB, "stream": "q1", "seq": 1, "ack": 0, "body": {"candidates": []}}
CLIENTS = {"hello", "signal", "ack", "state", "lock", "members", "report", "ping", "leave"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refused(text) -> str:
    with pytest.raises(ProtocolError) as refusal:
        message = protocol.parse(text)
        if isinstance(message, protocol.Signal):
            protocol.check_names(message)
    return refusal.value.code


class ParseTests:
    def test_a_hello_with_a_code_is_read(self):
        hello = protocol.parse('{"type": "hello", "code": "Blue Heron", "state": {"name": "Ada", "muted": true}}')

        assert hello.code == "Blue Heron"
        assert hello.shown == State(name="Ada", muted=True)

    def test_a_hello_without_a_state_says_so(self):
        assert protocol.parse('{"type": "hello", "code": "a"}').shown is None

    def test_unknown_members_are_ignored(self):
        assert protocol.parse('{"type": "ping", "id": 7, "colour": ["blue"]}') == protocol.Ping(7)

    def test_of_a_name_that_appears_twice_the_last_counts(self):
        assert protocol.parse('{"type": "ping", "id": 1, "id": 2}') == protocol.Ping(2)

    @pytest.mark.parametrize("types", [("ping", "leave"), ("leave", "ping"), ("ping", "nonsense")])
    def test_two_types_are_refused(self, types):
        with pytest.raises(ProtocolError):
            protocol.parse('{{"type": "{}", "type": "{}"}}'.format(*types))

    def test_a_change_of_state_changes_only_what_it_names(self):
        change = protocol.parse('{"type": "state", "muted": true}')

        assert change.onto(State(name="Ada", camera=True)) == State(name="Ada", camera=True, muted=True)

    @pytest.mark.parametrize("path", ["direct", "relayed"])
    def test_a_report_says_the_path(self, path):
        assert protocol.parse(json.dumps({"type": "report", "path": path})) == protocol.Report(path)

    @given(json_values)
    def test_the_body_of_a_signal_stays_as_it_was(self, body):
        written = json.dumps(body, ensure_ascii=False)

        message = protocol.parse(json.dumps({**SIGNAL, "body": 0})[:-2] + written + "}")

        assert protocol.forwarded(ALICE, message).endswith(f'"body":{written}}}'.encode())

    def test_a_forwarded_signal_has_its_sender_and_all_else_unchanged(self):
        forwarded = json.loads(protocol.forwarded(ALICE, protocol.parse(json.dumps(SIGNAL))))

        assert forwarded == {**{k: v for k, v in SIGNAL.items() if k != "to"}, "from": ALICE}

    def test_a_signal_without_an_ack_is_forwarded_without_one(self):
        message = protocol.parse(json.dumps({k: v for k, v in SIGNAL.items() if k != "ack"}))

        assert "ack" not in json.loads(protocol.forwarded(ALICE, message))

    @given(st.text() | st.binary())
    def test_no_input_raises_anything_but_a_protocol_error(self, text):
        try:
            protocol.parse(text)
        except ProtocolError as refusal:
            assert refusal.code in protocol.ERRORS

    @given(
        st.sampled_from(sorted(CLIENTS)),
        st.dictionaries(
            st.sampled_from("code resume replaces state to stream seq ack body locked path id".split()), json_values
        ),
    )
    def test_no_combination_of_members_raises_anything_but_a_protocol_error(self, name, members):
        try:
            protocol.parse(json.dumps({**members, "type": name}))
        except ProtocolError as refusal:
            assert refusal.code == "bad-message"


class RefusalTests:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            '"hello"',
            "17",
            "{}",
            '{"type": 1}',
            '{"type": ["hello"]}',
            '{"type": {"hello": 1}}',
            '{"type": "ping"} {"type": "ping"}',
            '{"type": "ping", "id": NaN}',
            '{"type": "ping", "id": 1e999}',
            '{"type": "ping", "id": -1}',
            '{"type": "ping", "id": 9007199254740992}',
            '{"type": "ping", "id": "1"}',
            '{"type": "lock"}',
            '{"type": "lock", "locked": "yes"}',
            '{"type": "report"}',
            '{"type": "report", "path": "by-carrier-pigeon"}',
            '{"type": "report", "path": ["direct"]}',
            '{"type": "hello"}',
            '{"type": "hello", "code": null}',
            '{"type": "hello", "code": 12}',
            '{"type": "hello", "code": "a", "resume": "b"}',
            '{"type": "hello", "resume": "b", "replaces": "c"}',
            '{"type": "hello", "code": "a", "state": {"muted": 1}}',
            '{"type": "hello", "code": "\\ud800"}',
            '{"type": "state", "name": null}',
            json.dumps({"type": "hello", "code": "a" * 1025}),
            json.dumps({"type": "hello", "code": "a", "state": {"name": "n" * 65}}),
            '{"type": "hello", "resume": ""}',
            json.dumps({**SIGNAL, "to": "short"}),
            json.dumps({**SIGNAL, "to": "sixteen letters!"}),
            json.dumps({**SIGNAL, "to": BOB + "\n"}),
            json.dumps({**SIGNAL, "stream": ""}),
            json.dumps({**SIGNAL, "stream": "s" * 33}),
            json.dumps({**SIGNAL, "seq": 0}),
            json.dumps({**SIGNAL, "seq": 1.5}),
            json.dumps({**SIGNAL, "seq": 2**53}),
            json.dumps({**SIGNAL, "ack": -1}),
            json.dumps({**SIGNAL, "ack": None}),
            json.dumps({k: v for k, v in SIGNAL.items() if k != "body"}),
            json.dumps(SIGNAL)[:-1],
            '{"type":"signal","to":"' + BOB + '","stream":"q","seq":1,"body":' + "[" * 32000 + "]" * 32000 + "}",
            '{"type":"ping","id":' + "[" * 60000,
            b'{"type": "hello", "code": "\xff"}',
        ],
        ids=lambda text: ascii(text)[:60],
    )
    def test_it_is_a_bad_message(self, text):
        assert refused(text) == "bad-message"

    @pytest.mark.parametrize("name", ["", "Hello", "welcome", "joined", "error", "__class__", "x" * 60000])
    def test_a_type_that_clients_do_not_send_is_unknown(self, name):
        assert refused(json.dumps({"type": name})) == "unknown-type"

    @pytest.mark.parametrize("name", ["knock", "knocking", "admit", "refuse"])
    def test_a_reserved_type_is_not_supported(self, name):
        assert refused(json.dumps({"type": name})) == "not-supported"

    def test_an_error_says_what_it_is_about_but_never_repeats_a_book(self):
        with pytest.raises(ProtocolError) as refusal:
            protocol.parse(json.dumps({"type": "x" * 60000}))

        assert len(protocol.error(refusal.value)) < 300


class PaperTests:
    """What docs/protocol.md says is what the code does."""

    def test_every_error_stands_in_the_paper_with_its_close_code(self):
        rows = re.findall(r"^\| `([a-z-]+)`(?: ↻)? \| (\d{4}|–) \|", PAPER, re.MULTILINE)

        assert {code: None if close == "–" else int(close) for code, close in rows} == {
            code: error.close for code, error in protocol.ERRORS.items()
        }

    def test_no_two_errors_share_a_close_code(self):
        closes = [error.close for error in protocol.ERRORS.values() if error.close]

        assert len(set(closes)) == len(closes)

    def test_every_example_that_a_client_sends_can_be_read(self):
        sent = [
            example
            for example in _examples()
            if example["type"] in CLIENTS and not {"revision", "from"} & example.keys()
        ]

        assert {example["type"] for example in sent} >= {"hello", "signal", "report", "ping", "leave"}
        for example in sent:
            protocol.parse(json.dumps(_whole(example)))

    def test_the_welcome_of_the_paper_lists_the_features_there_are(self):
        (welcome,) = (example for example in _examples() if example["type"] == "welcome")

        assert welcome["features"] == list(protocol.FEATURES)

    def test_every_type_of_the_glance_is_known(self):
        glance = PAPER.partition("## 4.")[2].partition("## 5.")[0]
        named = {
            name
            for row in re.findall(r"^\| (`.*?) \|", glance, re.MULTILINE)
            for name in re.findall(r"`([a-z]+)`", row)
        }

        assert named == CLIENTS | protocol.RESERVED | {
            "welcome", "joined", "away", "back", "left", "ice", "reconnect", "pong", "error",
        }  # fmt: skip


def _examples() -> list[dict]:
    """Every JSON object that the paper shows."""
    found, decoder = [], json.JSONDecoder()
    for block in re.findall(r"```json\n(.*?)```", PAPER, re.DOTALL):
        while block.strip():
            example, end = decoder.raw_decode(block.strip())
            found.append(example)
            block = block.strip()[end:]
    return found


def _whole(example: dict) -> dict:
    return {**example, **({"to": BOB} if "to" in example else {})}
