"""One session: what is in place when, how much, and how long silence may last."""

import json

import pytest

from signaling import protocol
from signaling.limits import Limits
from signaling.protocol import ProtocolError
from signaling.session import CLOSED, Session
from tests.cast import ALICE, BOB, CHARLIE

LIMITS = Limits(messages=10, messages_burst=3, recovery=10, recovery_burst=5, refusals=0.5, refusals_burst=4)
HELLO = b'{"type": "hello", "code": "blue-heron"}'
LOCK = b'{"type": "lock", "locked": true}'


def signal(seq: int, stream: str = "q") -> bytes:
    return json.dumps({"type": "signal", "to": BOB, "stream": stream, "seq": seq, "body": {}}).encode()


def joined(*, now: float = 0) -> Session:
    session = Session(LIMITS, now=now)
    session.read(HELLO, now=now)
    session.join("room", ALICE, 1, now=now)
    return session


def refused(session: Session, text, *, now: float = 0) -> ProtocolError:
    with pytest.raises(ProtocolError) as refusal:
        session.read(text, now=now)
    return refusal.value


class NewTests:
    def test_hello_is_in_place(self):
        assert isinstance(Session(LIMITS, now=0).read(HELLO, now=1), protocol.Hello)

    @pytest.mark.parametrize(
        "text", [LOCK, signal(1), b'{"type": "leave"}', b"rubbish", b'{"type": "knock"}', b'{"type": "hello"}', None]
    )
    def test_anything_else_is_not(self, text):
        refusal = refused(Session(LIMITS, now=0), text)

        assert (refusal.code, refusal.close) == ("hello-expected", 4003)

    def test_a_hello_that_waits_for_its_answer_is_no_silence(self):
        session = Session(LIMITS, now=0)
        session.read(b'{"type": "hello", "code": "a"}', now=4.9)

        assert session.overdue(now=10) is None

    def test_it_is_overdue_after_the_time_for_hello_whatever_is_sent_meanwhile(self):
        session = Session(LIMITS, now=0)

        assert session.overdue(now=4.9) is None
        assert session.overdue(now=5).code == "hello-timeout"


class JoinedTests:
    def test_a_second_hello_is_a_bad_message_and_closes_nothing(self):
        refusal = refused(joined(), HELLO)

        assert (refusal.code, refusal.close) == ("bad-message", None)

    def test_a_binary_message_is_a_bad_message(self):
        assert refused(joined(), None).code == "bad-message"

    @pytest.mark.parametrize(
        "names", [{"stream": "sp ace"}, {"stream": "é"}, {"stream": "q\n"}, {"to": "sixteen letters!"}]
    )
    def test_a_signal_with_other_characters_in_a_name_is_a_bad_message_each_time(self, names):
        session = joined()
        text = json.dumps(json.loads(signal(1)) | names)

        assert [refused(session, text).code for _ in range(2)] == ["bad-message", "bad-message"]
        assert refused(session, text).code == "rate-limited"  # it counts

    def test_silence_is_measured_from_the_last_message(self):
        session = joined()
        session.read(b'{"type": "ping"}', now=15)

        assert session.overdue(now=34.9) is None
        assert session.overdue(now=35).code == "silent"

    def test_rubbish_breaks_the_silence_too(self):
        session = joined()
        refused(session, b"rubbish", now=15)

        assert session.overdue(now=34) is None

    def test_a_fresh_token_is_wanted_once_an_hour(self):
        session = joined()

        assert [session.wants_token(now=now) for now in (3599, 3600, 3601, 7200)] == [False, True, False, True]


class LimitTests:
    def test_more_than_the_burst_is_limited_with_the_time_to_wait(self):
        session = joined()
        for _ in range(2):  # the hello was the first of three
            session.read(LOCK, now=0)

        refusal = refused(session, LOCK)

        assert (refusal.code, refusal.close) == ("rate-limited", None)
        assert refusal.members == {"retry_after": 1, "about": "lock"}
        assert session.read(LOCK, now=0.2)

    def test_repeats_acks_and_pings_have_a_bucket_of_their_own(self):
        session = joined()
        session.read(signal(1), now=0)
        session.read(signal(2), now=0)

        for text in (
            signal(1),
            signal(2),
            b'{"type": "ping"}',
            json.dumps({"type": "ack", "to": BOB, "stream": "q", "ack": 1}).encode(),
        ):
            session.read(text, now=0)
        assert refused(session, signal(3)).code == "rate-limited"

    def test_the_recovery_bucket_ends_too(self):
        session = joined()
        for _ in range(5):
            session.read(b'{"type": "ping"}', now=0)

        assert refused(session, b'{"type": "ping"}').code == "rate-limited"

    def test_rubbish_counts(self):
        session = joined()
        for _ in range(2):
            refused(session, b"rubbish")

        assert refused(session, b"rubbish").code == "rate-limited"

    def test_a_repeat_lies_near_the_highest(self):
        session = joined()
        session.read(signal(2**53 - 1), now=0)
        session.read(signal(1), now=0)

        assert refused(session, signal(2)).code == "rate-limited", "a huge seq must not make repeats of all others"

    def test_what_goes_to_somebody_else_is_no_repeat(self):
        session = joined()
        session.read(signal(1), now=0)
        session.read(json.dumps(json.loads(signal(1)) | {"to": CHARLIE}).encode(), now=0)

        assert refused(session, LOCK).code == "rate-limited"

    def test_the_last_repeat_lies_128_below_the_highest(self):
        session = joined()
        session.read(signal(200), now=0)
        session.read(signal(72), now=0)
        session.read(signal(71), now=0)

        assert session.read(signal(72), now=0).seq == 72
        assert refused(session, signal(71)).code == "rate-limited"

    def test_what_was_refused_is_no_repeat_when_it_comes_again(self):
        session = joined()
        session.read(signal(1), now=0)
        session.read(signal(2), now=0)

        assert [refused(session, signal(3)).code for _ in range(3)] == ["rate-limited"] * 3

    def test_bytes_are_limited(self):
        session = Session(Limits(bytes=100, bytes_burst=1000), now=0)
        session.read(HELLO, now=0)
        session.join("room", ALICE, 1, now=0)
        big = json.dumps({"type": "signal", "to": BOB, "stream": "q", "seq": 1, "body": "x" * 800})
        session.read(big, now=0)

        assert refused(session, big).members == {"retry_after": 9, "about": "signal"}
        assert session.read(big, now=9)

    def test_the_bytes_of_rubbish_count_too(self):
        session = Session(Limits(bytes=100, bytes_burst=1000), now=0)
        session.read(HELLO, now=0)
        session.join("room", ALICE, 1, now=0)

        assert [refused(session, b"x" * 800).code for _ in range(2)] == ["bad-message", "rate-limited"]

    @pytest.mark.parametrize("between", [LOCK, b'{"type": "ping"}'])
    def test_who_never_stops_is_closed_whatever_comes_through_between(self, between):
        session = joined()

        codes = []
        for number in range(12):
            try:
                session.read(between if number % 3 == 0 else LOCK, now=0)
            except ProtocolError as refusal:
                codes.append((refusal.code, refusal.close))

        assert codes[:4] == [("rate-limited", None)] * 4
        assert codes[4:] == [("flood", 4015)] * len(codes[4:]) and len(codes) > 4

    def test_who_is_limited_now_and_then_is_forgiven(self):
        session = joined(now=-10)
        for second in range(0, 1000, 10):
            for _ in range(3):
                session.read(LOCK, now=second)
            assert refused(session, LOCK, now=second).code == "rate-limited"

    def test_streams_to_many_receivers_do_not_grow_the_session(self):
        session = Session(Limits(messages_burst=100_000), now=0)
        session.read(HELLO, now=0)
        session.join("room", ALICE, 1, now=0)

        for number in range(1000):
            session.read(signal(1, f"stream{number}"), now=0)

        assert len(session._highest) <= 64


class CloseTests:
    @pytest.mark.parametrize(
        ("close_code", "left"), [(1000, True), (1001, True), (1005, False), (1006, False), (1012, False), (4014, False)]
    )
    def test_the_close_code_says_whether_the_peer_has_left(self, close_code, left):
        assert joined().close(close_code) is left

    def test_leave_counts_whatever_the_close_code(self):
        session = joined()
        session.read(b'{"type": "leave"}', now=0)

        assert session.close(1006) is True

    def test_a_closed_session_is_never_overdue(self):
        session = joined()
        session.close(1006)

        assert session.phase is CLOSED
        assert session.overdue(now=1000) is None
