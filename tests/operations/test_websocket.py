"""What both WebSocket classes make of any bytes; where they differ, the test says so."""

import gc
import logging
import random
import select
import socket
import ssl
import time
from contextlib import suppress

import pytest
import trustme

from gruveo.fast_websocket import FastWebSocketProtocol
from gruveo.websocket import WebSocketProtocol
from tests.operations.websocket_server import BINARY, CLOSE, CONT, PING, PONG, TEXT, UPGRADE, Serving, frame

pytestmark = pytest.mark.server

_CLASSES = {
    "fast": {"ws": FastWebSocketProtocol, "http": FastWebSocketProtocol},
    "sansio": {"ws": WebSocketProtocol},
}


@pytest.fixture(scope="module", params=_CLASSES)
def serving(request):
    with Serving(**_CLASSES[request.param]) as running:
        yield running


@pytest.fixture(scope="module")
def fast():
    with Serving(**_CLASSES["fast"]) as running:
        yield running


@pytest.fixture
def start():
    """Starts a server of its own for the test."""
    running = []
    yield lambda **classes: running.append(Serving(**classes).__enter__()) or running[-1]
    for one in running:
        one.__exit__()


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason)


class HandshakeTests:
    def test_the_application_chooses_what_stands_in_the_answer(self, serving):
        with serving.client(
            more="Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        ) as alice:
            head = alice.head().lower()

        assert head.startswith(b"http/1.1 101 ")
        assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in head  # RFC 6455 section 1.3
        assert b"sec-websocket-protocol: b\r\n" in head
        assert b"x-extra: 1\r\n" in head
        assert b"extensions" not in head

    @pytest.mark.parametrize(
        ("old", "new", "status"),
        [
            (b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"", b"400"),
            (b"dGhlIHNhbXBsZSBub25jZQ==", b"short", b"400"),
            (b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25j!A==", b"400"),
            (b"Sec-WebSocket-Key", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key", b"400"),
            (b"Sec-WebSocket-Version: 13\r\n", b"", b"400"),
            (b"Version: 13", b"Version: 12", b"400"),
            (b"GET", b"POST", b"405"),
        ],
    )
    def test_a_bad_handshake_gets_its_status(self, serving, old, new, status):
        with serving.client(replace={old: new}) as mallory:
            assert mallory.head().split()[1] == status

    def test_a_refusal_before_the_upgrade_is_403(self, serving):
        with serving.client("/refuse") as mallory:
            assert mallory.head().startswith(b"HTTP/1.1 403 ")

        assert mallory.told()[0] == 1006

    def test_a_refusal_before_the_upgrade_may_have_a_status(self, serving):
        with serving.client("/busy") as alice:
            assert alice.head().startswith(b"HTTP/1.1 503 ")

    def test_an_error_before_the_upgrade_is_500(self, serving, caplog):
        with serving.client("/fail_at_once") as alice:
            assert alice.head().startswith(b"HTTP/1.1 500 ")

        assert "Exception in ASGI application" in caplog.text

    @pytest.mark.parametrize("more", ["", "Cookie: a=b\r\nx-twice: 1\r\nX-Twice: 2\r\n"])
    def test_the_application_is_told_the_same_by_both_classes(self, start, more):
        told = {}
        for name, classes in _CLASSES.items():
            serving = start(**classes)
            with serving.client("/echo/%C3%A4%2F", more=more) as alice:
                alice.head()
                scope = serving.application.scope
                assert scope.pop("client") == alice.socket.getsockname()
                assert scope.pop("server") == alice.socket.getpeername()
                told[name] = scope | {"asgi": scope["asgi"]["version"]}
        assert told["fast"] == told["sansio"]

    @pytest.mark.parametrize("cut", [1, 20, 100, -20, -1])
    def test_the_request_may_come_in_pieces(self, serving, cut):
        size = len(UPGRADE.format(path="/echo", number=0, more=""))
        with serving.client(cuts=[cut % size]) as alice:
            assert alice.head().startswith(b"HTTP/1.1 101 ")
            alice.write(frame(TEXT, b"hello"))
            assert alice.read() == (TEXT, b"hello")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"Upgrade: websocket", b"upgrade: WebSocket"),
            (b"Upgrade: websocket", b"UPGRADE:websocket"),
            (b"keep-alive, Upgrade", b"keep-alive, upgrade"),
        ],
    )
    def test_the_case_of_words_does_not_matter(self, serving, old, new):
        with serving.client(replace={old: new}) as alice:
            assert alice.head().startswith(b"HTTP/1.1 101 ")

    @pytest.mark.parametrize(
        ("old", "new", "status"),
        [
            (b"Upgrade: websocket", b"X-Upgrade: websocket", b"204"),
            (b"Upgrade: websocket", b"Upgrade: websocketeer", b"204"),
            (b"Connection: keep-alive, Upgrade", b"Connection: keep-alive", b"204"),
            (b"HTTP/1.1", b"HTTP 1.1", b"400"),
        ],
    )
    def test_what_asks_for_no_websocket_is_http(self, serving, old, new, status):
        with serving.client(replace={old: new}) as alice:
            assert alice.head().split()[1] == status

    def test_a_connection_may_ask_for_something_else_first(self, serving):
        with serving.client(before=b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", cuts=[35]) as alice:
            assert alice.head().startswith(b"HTTP/1.1 204 ")
            assert alice.head().startswith(b"HTTP/1.1 101 ")
            alice.write(frame(TEXT, b"hello"))
            assert alice.read() == (TEXT, b"hello")

    @pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    @pytest.mark.parametrize("part", [b"X-Header: y\r\n", b"y" * 1000])
    def test_a_request_that_never_ends_is_not_kept(self, fast, before, part):
        with fast.client(
            before=before, cuts=[len(before)] * bool(before), replace={b"\r\n\r\n": b"\r\nX-Long: "}
        ) as mallory:
            assert not before or mallory.head().startswith(b"HTTP/1.1 204 ")
            mallory.write_aside(part * (3_000_000 // len(part)))

            try:
                answer = mallory.head()
            except ConnectionError:  # it still sent when the server closed, so the answer may be lost
                answer = b""
            assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")

    def test_a_body_may_be_longer_than_a_head(self, fast):
        request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)
        with fast.client(before=request, cuts=[100, 200_000, len(request)]) as alice:
            assert alice.head().startswith(b"HTTP/1.1 204 ")
            assert alice.head().startswith(b"HTTP/1.1 101 ")

    def test_a_socket_behind_a_request_that_is_not_answered_yet_is_refused(self, fast):
        """Else its answer would come between the frames."""
        with fast.client(before=b"GET /other HTTP/1.1\r\nHost: elsewhere\r\nX-Other: 1\r\n\r\n") as mallory:
            assert mallory.head() == b""

    def test_what_comes_with_the_upgrade_request_is_kept(self, fast):
        """uvicorn's own HTTP class throws it away."""
        with fast.upgraded(behind=frame(TEXT, b"early")) as alice:
            assert alice.read() == (TEXT, b"early")

    def test_what_comes_with_the_end_of_a_request_in_pieces_is_kept_too(self, fast):
        with fast.client(behind=frame(TEXT, b"early"), cuts=[40]) as alice:
            assert alice.head().startswith(b"HTTP/1.1 101 ")
            assert alice.read() == (TEXT, b"early")

    def test_what_is_wrong_with_it_is_told_after_the_upgrade(self, fast):
        with fast.upgraded(behind=frame(11)) as mallory:
            assert mallory.close_code() == 1002

    def test_what_comes_before_the_application_accepts_is_kept(self, start):
        serving = start(**_CLASSES["fast"])
        with serving.client("/late") as alice:
            alice.write(*(frame(TEXT, b"%d" % number) for number in range(100)))
            serving.application.may_read.set()

            assert alice.head().startswith(b"HTTP/1.1 101 ")
            assert [alice.read()[1] for _ in range(100)] == [b"%d" % number for number in range(100)]


class MessageTests:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
    @pytest.mark.parametrize("opcode", [TEXT, BINARY])
    def test_a_message_of_any_size_comes_back(self, serving, opcode, size):
        with serving.upgraded() as alice:
            alice.write(frame(opcode, b"x" * size))

            assert alice.read() == (opcode, b"x" * size)

    def test_frames_may_be_cut_anywhere(self, serving):
        with serving.upgraded() as alice:
            for byte in frame(TEXT, "naß".encode()) + frame(BINARY, b"y" * 200):
                alice.write(bytes([byte]))

            assert [alice.read(), alice.read()] == [(TEXT, "naß".encode()), (BINARY, b"y" * 200)]

    def test_many_that_come_at_once_come_back_in_order(self, serving):
        with serving.upgraded() as alice:
            alice.write(*(frame(TEXT, b"%d" % number) for number in range(500)))

            assert [alice.read()[1] for _ in range(500)] == [b"%d" % number for number in range(500)]

    def test_fragments_are_put_together_and_control_frames_may_come_between(self, serving):
        with serving.upgraded() as alice:
            alice.write(
                frame(TEXT, b"na\xc3", fin=0), frame(PING, b"p"), frame(CONT, fin=0), frame(CONT, b"\x9f"), frame(BINARY)
            )  # fmt: skip

            assert sorted(alice.read() for _ in range(3)) == [(TEXT, "naß".encode()), (BINARY, b""), (PONG, b"p")]

    def test_a_ping_is_answered_with_its_payload_and_a_pong_with_nothing(self, serving):
        with serving.upgraded() as alice:
            alice.write(frame(PONG, b"unasked"), frame(PING, b"p" * 125))

            assert alice.read() == (PONG, b"p" * 125)

    def test_of_many_pings_the_last_is_answered(self, serving):
        """One class answers each, the other those that come together with one pong."""
        with serving.upgraded() as alice:
            alice.write(*(frame(PING, b"%d" % number) for number in range(1000)))

            pongs = iter(alice.read, (PONG, b"999"))
            assert all(opcode == PONG for opcode, _ in pongs)


class ViolationTests:
    @pytest.mark.parametrize(
        ("code", "frames"),
        {
            "reserved bits": (1002, [frame(TEXT, b"x", reserved=4)]),
            "unknown data opcode": (1002, [frame(3, b"x")]),
            "unknown control opcode": (1002, [frame(11, b"x")]),
            "no mask": (1002, [frame(TEXT, b"x", mask=b"")]),
            "long ping": (1002, [frame(PING, b"x" * 126)]),
            "long close": (1002, [close(1000, b"x" * 124)]),
            "fragmented ping": (1002, [frame(PING, b"x", fin=0)]),
            "continuation of nothing": (1002, [frame(CONT, b"x")]),
            "message amid fragments": (1002, [frame(TEXT, b"x", fin=0), frame(TEXT, b"x")]),
            "half a close code": (1002, [frame(CLOSE, b"\x03")]),
            "close code 999": (1002, [close(999)]),
            "close code 1005": (1002, [close(1005)]),
            "close code 1006": (1002, [close(1006)]),
            "close code 5000": (1002, [close(5000)]),
            "close reason": (1007, [close(1000, b"\xff")]),
            "text": (1007, [frame(TEXT, b"\xff")]),
            "half a character": (1007, [frame(TEXT, b"\xc3", fin=0), frame(CONT)]),
            "surrogate": (1007, [frame(TEXT, b"\xed\xa0\x80")]),
            "the beginning of a big frame": (1009, [frame(BINARY, b"x" * 65_537)[:14]]),
            "biggest length": (1009, [b"\x82\xff" + b"\xff" * 8 + bytes(4)]),
            "big in fragments": (1009, [frame(BINARY, b"x" * 65_536, fin=0), frame(CONT, b"x")]),
        }.values(),
    )
    def test_it_is_closed_with_a_code_that_the_application_hears(self, serving, caplog, code, frames):
        with serving.upgraded() as mallory:
            mallory.write(*frames)

            assert mallory.close_code() == code
        assert mallory.told()[0] == code
        assert not [record for record in caplog.records if record.exc_info and code != 1007]

    def test_the_close_frame_arrives_though_the_client_still_sends(self, fast):
        """A socket that is closed with bytes unread is reset, and the frame may be lost with it: uvicorn's own class takes that chance."""
        with fast.upgraded() as mallory:
            mallory.write(frame(BINARY, b"x" * 65_537)[:14], b"x" * 3_000_000)

            assert mallory.close_code() == 1009
        assert mallory.told()[0] == 1009


class CloseTests:
    @pytest.mark.parametrize(
        ("payload", "end"),
        [
            (b"", (1005, "")),
            (b"\x03\xe8", (1000, "")),
            (b"\x03\xe9na\xc3\x9f", (1001, "naß")),
            (b"\x0f\xa1" + b"x" * 123, (4001, "x" * 123)),
        ],
    )
    def test_the_clients_close_is_answered_and_told(self, serving, payload, end):
        with serving.upgraded() as alice:
            alice.write(frame(CLOSE, payload), frame(TEXT, b"behind it"))

            assert alice.rest() == [(CLOSE, payload)]
        assert alice.told() == end

    def test_a_lost_socket_is_1006(self, fast):
        """uvicorn's own class calls it 1005, which is a close frame without a code."""
        with fast.upgraded() as alice:
            alice.vanish()

        assert alice.told() == (1006, "")

    def test_the_applications_close_waits_for_the_clients(self, serving):
        with serving.upgraded("/close") as alice:
            assert alice.read() == (CLOSE, b"\x0f\xa1" + "naß".encode())
            alice.write(frame(TEXT, b"it crossed"), close(4001))

            assert alice.rest() == []
        assert alice.told() == (4001, "naß")

    @pytest.mark.parametrize("name", _CLASSES)
    def test_a_client_that_does_not_answer_a_close_is_cut_off(self, start, name):
        class Impatient(_CLASSES[name]["ws"]):
            def __init__(self, *arguments, **named) -> None:
                super().__init__(*arguments, **named)
                self.close_timeout = 0.1

        with start(**{**_CLASSES[name], "ws": Impatient}).upgraded("/close") as mallory:
            assert mallory.close_code() == 4001

    def test_an_error_of_the_application_is_told_and_logged(self, serving, caplog):
        with serving.upgraded("/fail") as alice:
            alice.write(frame(TEXT, b"x"))

            # uvicorn's own class closes without a word.
            is_fast = serving.server.config.ws_protocol_class is FastWebSocketProtocol
            assert alice.close_code() == (1011 if is_fast else None)
        assert "Exception in ASGI application" in caplog.text

    @pytest.mark.parametrize("name", _CLASSES)
    def test_a_server_that_ends_closes_with_1012(self, start, name):
        serving = start(**_CLASSES[name])
        with serving.upgraded() as alice:
            alice.write(frame(TEXT, b"x"))
            alice.read()
            serving.stop()

            assert alice.close_code() == 1012
        assert alice.told()[0] == 1012
        assert not serving.server.server_state.connections | serving.server.server_state.tasks

    @pytest.mark.parametrize("name", _CLASSES)
    def test_a_server_that_ends_closes_those_who_have_not_asked(self, start, name):
        serving = start(**_CLASSES[name])
        with serving.upgraded() as alice, serving.client(replace={b"\r\n\r\n": b"\r\n"}) as slow:
            with socket.create_connection(alice.socket.getpeername()) as silent:
                while len(serving.server.server_state.connections) < 3:  # alice's, and the two
                    time.sleep(0.01)
                serving.stop()

                assert silent.recv(1) == b""
            assert slow.head() == b""
        assert not serving.server.server_state.connections


class TlsTests:
    @pytest.mark.parametrize("name", _CLASSES)
    def test_messages_and_both_kinds_of_end(self, start, tmp_path, name):
        authority, certificate = trustme.CA(), tmp_path / "server.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        client_ssl = ssl.create_default_context()
        authority.configure_trust(client_ssl)
        serving = start(**_CLASSES[name], client_ssl=client_ssl, ssl_certfile=certificate)

        with serving.upgraded() as alice, serving.upgraded() as mallory:
            alice.write(frame(TEXT, b"x" * 65_536), close(1000))
            mallory.write(frame(TEXT, b"y"))
            assert mallory.read() == (TEXT, b"y")
            mallory.write(frame(11))

            assert alice.close_code() == 1000
            assert mallory.close_code() == 1002
            assert [alice.told()[0], mallory.told()[0]] == [1000, 1002]


class FlowTests:
    @pytest.mark.parametrize("name", _CLASSES)
    def test_an_application_waits_for_a_client_that_does_not_read(self, start, name):
        """60 MB, of which the kernel takes a few."""
        serving = start(**_CLASSES[name])
        with serving.upgraded("/talk") as alice:
            while serving.application.sent < 5:
                alice.read()
            select.select([], [], [], 0.3)  # for as much as it may do in the meantime
            assert serving.application.sent < 600

            while serving.application.sent < 1000:
                assert alice.read() == (TEXT, b"x" * 60_000)

    def test_who_pings_before_it_reads_is_answered_when_it_does(self, start):
        """By our class; uvicorn's ends the connection."""
        serving = start(**_CLASSES["fast"])
        with serving.upgraded("/talk") as alice:
            while serving.application.sent < 5:
                alice.read()
            select.select([], [], [], 0.3)  # until the application waits
            alice.write(frame(PING, b"p"))

            heard = [(TEXT, None)] * 5
            while (PONG, b"p") not in heard:
                opcode, payload = alice.read()
                heard.append((opcode, payload if opcode == PONG else None))
            assert len(heard) < 1000

    @pytest.mark.parametrize("name", _CLASSES)
    def test_a_client_waits_for_an_application_that_does_not_read(self, start, name):
        serving = start(**_CLASSES[name])
        with serving.upgraded("/reads_late") as alice:
            data = b"".join(frame(BINARY, number.to_bytes(2) * 30_000) for number in range(1000))
            alice.socket.setblocking(False)
            sent = 0
            while sent < len(data) and select.select([], [alice.socket], [], 1)[1]:
                sent += alice.socket.send(data[sent : sent + 100_000])
            assert sent < len(data)

            serving.application.may_read.set()
            alice.socket.settimeout(20)
            whole = sent // len(frame(BINARY, bytes(60_000)))
            for number in range(whole):
                assert alice.read() == (BINARY, number.to_bytes(2) * 30_000)

    @pytest.mark.parametrize(
        ("begins", "goes_on"),
        [
            (b"", frame(PING)),
            (b"", frame(PONG)),
            (frame(TEXT, b"{", fin=0), frame(CONT, fin=0)),
        ],
        ids=["pings", "pongs", "fragments"],
    )
    def test_frames_that_bring_nothing_keep_nobody_else_waiting(self, start, begins, goes_on):
        """Three megabytes, which take a second to read."""
        serving = start(**_CLASSES["fast"])
        with serving.upgraded() as alice, serving.upgraded() as mallory:
            last = frame(CONT) if begins else frame(TEXT, b"last")
            mallory.write_aside(begins + goes_on * (3_000_000 // len(goes_on)) + last)

            for number in range(20):
                alice.write(frame(TEXT, b"%d" % number))
                assert alice.read() == (TEXT, b"%d" % number)

            assert not mallory.is_told

    def test_uvicorns_class_looks_at_others_between_two_reads(self, start):
        """Each of which may be a quarter of a megabyte."""
        serving = start(**_CLASSES["sansio"])
        with serving.upgraded() as alice, serving.upgraded() as mallory:
            mallory.write_aside(frame(PONG) * 500_000 + frame(TEXT, b"last"))

            for number in range(3):
                alice.write(frame(TEXT, b"%d" % number))
                assert alice.read() == (TEXT, b"%d" % number)

            assert not mallory.is_told

    def test_who_was_closed_and_goes_on_keeps_nobody_else_waiting(self, start):
        class Patient(FastWebSocketProtocol):
            def __init__(self, *arguments, **named) -> None:
                super().__init__(*arguments, **named)
                self.close_timeout = 600

        serving = start(ws=Patient, http=Patient)
        with serving.upgraded() as alice, serving.upgraded("/close") as mallory:
            assert mallory.read()[0] == CLOSE
            mallory.write_aside(frame(TEXT) * 500_000 + close(4001))

            for number in range(20):
                alice.write(frame(TEXT, b"%d" % number))
                assert alice.read() == (TEXT, b"%d" % number)

            assert select.select([mallory.socket], [], [], 0) == ([], [], [])


class LeakTests:
    @pytest.mark.parametrize("name", _CLASSES)
    def test_of_sockets_that_are_closed_nothing_stays(self, start, caplog, name):
        caplog.set_level(logging.CRITICAL, "uvicorn.error")  # a traceback that is kept would keep its socket

        class Counted(_CLASSES[name]["ws"]):
            pass

        serving = start(**dict.fromkeys(_CLASSES[name], Counted))
        ends = [frame(CLOSE, b"\x03\xe8"), frame(TEXT, b"\xff"), frame(TEXT, b"x", fin=0), b"\x81", frame(PING)]
        for number in range(2000):
            with serving.upgraded() as alice:
                alice.write(frame(TEXT, b"x"), ends[number % len(ends)])
        serving.stop()
        gc.collect()

        assert not serving.server.server_state.connections | serving.server.server_state.tasks
        assert not [found for found in gc.get_objects() if type(found) is Counted]
        if name == "fast":  # uvicorn's own class counts HTTP requests only
            assert serving.server.server_state.total_requests == 2000


def _noise(chance: random.Random) -> bytes:
    """One message, or a control frame; one in ten has something wrong that shows at once, so that nobody waits for the rest of it."""
    payload = chance.randbytes(chance.choice([0, 1, 5, 125, 126, 300, 2000]))
    text = bytes(byte & 0x7F for byte in payload)
    whole = chance.choice(
        [frame(TEXT, text), frame(BINARY, payload), frame(PING, text[:125]), frame(PONG), _fragments(chance, payload)]
    )
    if chance.random() < 0.9:
        return whole
    bad = bytearray(whole)
    match chance.randrange(4):
        case 0:
            bad[0] |= chance.choice([0x40, 0x20, 0x10, 0x05])  # reserved bits, unknown opcodes
        case 1:
            bad[1] ^= 0x80  # masked
        case 2:
            bad[-1] ^= 1 << chance.randrange(8)  # payload, mask
        case 3:
            bad[:] = b"\x82\xff" + (65_537 + chance.getrandbits(40)).to_bytes(8)
    return bytes(bad)


def _fragments(chance: random.Random, payload: bytes) -> bytes:
    cuts = sorted(chance.randrange(len(payload) + 1) for _ in range(chance.randrange(4)))
    parts = [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    last = len(parts) - 1
    return b"".join(frame(CONT if at else BINARY, part, fin=at == last) for at, part in enumerate(parts))


class FuzzTests:
    def test_both_classes_make_the_same_of_noise(self, start, caplog):
        """The same bytes for both, cut in the same places: the same messages are read, or it ends badly with both."""
        caplog.set_level(logging.WARNING)
        seed = random.randrange(10**9)
        print(f"seed {seed}")
        chance = random.Random(seed)
        servings = [start(**classes) for classes in _CLASSES.values()]
        compared = 0
        for number in range(100):
            parts = [_noise(chance) for _ in range(chance.randrange(1, 12))]
            data = b"".join(parts) + close(1000)
            cuts = sorted(chance.randrange(len(data)) for _ in range(chance.randrange(3)))
            (code, messages), (other_code, others) = (_answer(serving, data, cuts) for serving in servings)

            where = f"seed {seed}, round {number}"
            assert code in {1000, 1002, 1007, 1009}, where
            # uvicorn's own class may have lost it, and answers a close frame that came right behind bad UTF-8 as if all were well.
            if other_code and (code, other_code) != (1007, 1000):
                compared += 1
                # Where two things are wrong in what is read at once, one class names the first and the other the second.
                assert (code == 1000, messages) == (other_code == 1000, others), where
        assert compared > 25
        # uvicorn's own class logs a traceback of invalid UTF-8, and one of its own when a close frame came with it.
        tracebacks = [record.getMessage() for record in caplog.records if record.exc_info]
        assert not [text for text in tracebacks if "Fast" in text or "ASGI" in text], f"seed {seed}"


def _answer(serving: Serving, data: bytes, cuts: list[int]) -> tuple[int | None, list | None]:
    """The close code, None when there is none; and all messages that the application has read, if it is a good one."""
    with serving.upgraded("/listen") as client, suppress(ConnectionError):
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            client.write(data[start:end])
        while answer := client.read():
            if answer[0] == CLOSE:
                code = int.from_bytes(answer[1][:2])
                return code, client.heard() if code == 1000 else None
    return None, None
