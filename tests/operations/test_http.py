"""What the HTTP classes of both WebSocket classes bear: clients that stop in the middle, take nothing, or never come to an end."""

import gc
import select
import socket
import time

import pytest

from gruveo import fast_websocket, http
from gruveo.fast_websocket import FastWebSocketProtocol
from gruveo.websocket import WebSocketProtocol
from tests.operations.websocket_server import SECONDS, TEXT, UPGRADE, Serving, frame

pytestmark = pytest.mark.server

_NEVER = 10**6  # seconds
_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
_BODY = b"POST /reads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345"
_UPGRADE = UPGRADE.format(path="/echo", number=0, more="").encode()
_CHUNKED = b"POST /reads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def classes(name: str, **limits: float) -> dict[str, type]:
    """Of which the HTTP class has those limits, and no others."""
    limits = dict.fromkeys(("head_seconds", "body_seconds", "take_seconds"), _NEVER) | limits
    if name == "sansio":
        return {"ws": WebSocketProtocol, "http": type("Limited", (http.HttpProtocol,), limits)}

    class Fast(FastWebSocketProtocol):
        http_class = type("Limited", (fast_websocket.HttpProtocol,), limits)

    return {"ws": Fast, "http": Fast}


@pytest.fixture(params=["fast", "sansio"])
def start(request):
    """Starts a server whose HTTP class has those limits, and no others."""
    running = []

    def start(**limits: float) -> Serving:
        running.append(Serving(**classes(request.param, **limits), timeout_keep_alive=_NEVER).__enter__())
        return running[-1]

    yield start
    for one in running:
        one.__exit__()


def connect(serving: Serving, data: bytes = b"") -> socket.socket:
    connected = socket.create_connection(serving.address, SECONDS)
    connected.sendall(data)
    return connected


def rest(connected: socket.socket) -> bytes:
    """All that comes until the server closes."""
    data = b""
    try:
        while part := connected.recv(1 << 20):
            data += part
    except ConnectionResetError:  # there was more to read for the server
        pass
    return data


def drip(connected: socket.socket, byte: bytes) -> None:
    """One byte after the other, until the server closes."""
    connected.settimeout(SECONDS)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if select.select([connected], [], [], 0.05)[0]:
            return
        connected.sendall(byte)
    raise AssertionError("it is still open")


class SlowRequestTests:
    def test_who_says_nothing_is_cut_off_without_a_word(self, start):
        with connect(start(head_seconds=0.2)) as mallory:
            assert rest(mallory) == b""

    @pytest.mark.parametrize("part", [b"G", _HEAD, _HEAD + b"X: "])
    def test_half_a_head_is_408(self, start, part):
        with connect(start(head_seconds=0.2), part) as mallory:
            assert rest(mallory).startswith(b"HTTP/1.1 408 ")

    def test_it_does_not_help_to_go_on_byte_by_byte(self, start):
        with connect(start(head_seconds=0.2), _HEAD + b"X: ") as mallory:
            drip(mallory, b"y")

            assert rest(mallory).startswith(b"HTTP/1.1 408 ")

    def test_nor_after_a_request_that_was_answered(self, start):
        with connect(start(head_seconds=0.2), _HEAD + b"\r\n") as mallory:
            assert mallory.recv(1000).startswith(b"HTTP/1.1 204 ")
            mallory.sendall(_HEAD)

            assert rest(mallory).startswith(b"HTTP/1.1 408 ")

    def test_nor_do_empty_lines_between_two_requests(self, start):
        with connect(start(head_seconds=0.2), _HEAD + b"\r\n") as mallory:
            assert mallory.recv(1000).startswith(b"HTTP/1.1 204 ")
            drip(mallory, b"\r\n")

            assert rest(mallory) == b""

    @pytest.mark.parametrize("part", [_BODY, _CHUNKED + b"5\r\n123", _CHUNKED + b"0\r\nX: "])
    def test_half_a_body_is_408_and_the_application_hears_of_it(self, start, part):
        serving = start(body_seconds=0.2)
        with connect(serving, part) as mallory:
            assert rest(mallory).startswith(b"HTTP/1.1 408 ")

        assert serving.application.asked.get(timeout=SECONDS) == "http.disconnect"

    def test_the_time_of_a_head_is_not_that_of_a_body_or_of_an_answer(self, start):
        serving = start(head_seconds=0.2)
        with connect(serving, _BODY) as alice, connect(serving, _HEAD.replace(b"/", b"/waits", 1) + b"\r\n") as bob:
            with connect(serving) as mallory:
                assert rest(mallory) == b""
            alice.sendall(b"67890")
            serving.application.may_read.set()

            assert alice.recv(1000).startswith(b"HTTP/1.1 204 ")
            assert bob.recv(1000).startswith(b"HTTP/1.1 204 ")

    def test_a_connection_may_ask_again_after_a_while(self, start):
        serving = start(head_seconds=0.2)
        with connect(serving, _HEAD + b"\r\n") as alice:
            assert alice.recv(1000).startswith(b"HTTP/1.1 204 ")
            with connect(serving) as mallory:
                assert rest(mallory) == b""
            alice.sendall(_HEAD + b"\r\n")

            assert alice.recv(1000).startswith(b"HTTP/1.1 204 ")

    @pytest.mark.parametrize("cuts", [(), (20,)])
    def test_a_websocket_has_no_such_limit(self, start, cuts):
        serving = start(head_seconds=0.5, body_seconds=0.5, take_seconds=0.5)
        with serving.client(cuts=cuts) as alice:
            assert alice.head().startswith(b"HTTP/1.1 101 ")
            with connect(serving) as mallory:
                assert rest(mallory) == b""
            alice.write(frame(TEXT, b"still here"))

            assert alice.read() == (TEXT, b"still here")

    def test_an_idle_connection_is_closed(self):
        with (
            Serving(**classes("fast"), timeout_keep_alive=0.2) as serving,
            connect(serving, _HEAD + b"\r\n") as alice,
        ):
            assert rest(alice).startswith(b"HTTP/1.1 204 ")


class EndlessRequestTests:
    @pytest.mark.parametrize(
        ("begin", "part"),
        [
            (_HEAD + b"X: ", b"y"),
            (_HEAD, b"X: y\r\n"),
            (_CHUNKED + b"0\r\nX: ", b"y"),
            (_CHUNKED + b"0\r\n", b"X: y\r\n"),
            (_CHUNKED + b"5;x=", b"y"),
            (b"", b"\r\n"),
            (_HEAD + b"\r\n", b"\r\n"),
        ],
        ids=["header", "headers", "trailer", "trailers", "chunk extension", "empty lines", "empty lines behind"],
    )
    def test_what_is_no_body_has_a_bound(self, start, begin, part):
        with connect(start(), begin) as mallory, pytest.raises(ConnectionError):
            for _ in range(300):
                mallory.sendall(part * (100_000 // len(part)))

    @pytest.mark.parametrize("head", [_CHUNKED, _BODY[: _BODY.index(b"10")] + b"100000000\r\n\r\n"])
    def test_a_body_has_a_bound(self, start, head):
        serving = start()
        with connect(serving, head) as mallory, pytest.raises(ConnectionError):
            for _ in range(100):
                mallory.sendall(b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n" if head is _CHUNKED else b"x" * 1_000_000)

        assert serving.application.asked.get(timeout=SECONDS) == "http.disconnect"

    def test_a_long_body_in_many_chunks_is_none_of_that(self, start):
        with connect(start(), _CHUNKED) as alice:
            for _ in range(20):
                alice.sendall(b"1;x=y\r\nz\r\n" * 20_000)
            alice.sendall(b"0\r\nX: y\r\n\r\n")

            assert alice.recv(1000).startswith(b"HTTP/1.1 204 ")


class ManyRequestsTests:
    def test_some_may_wait_for_the_one_before(self, start):
        with connect(start(), (_HEAD + b"\r\n") * 10) as alice:
            answers = b""
            while answers.count(b"HTTP/1.1 204 ") < 10:
                answers += alice.recv(10_000)

    def test_thousands_may_not(self, start):
        serving = start()
        with connect(serving, (_HEAD.replace(b"/", b"/waits", 1) + b"\r\n") * 1000) as mallory:
            assert rest(mallory).startswith(b"HTTP/1.1 400 ")
        serving.application.may_read.set()

        assert serving.application.asked.get(timeout=SECONDS) == "page"
        assert serving.application.asked.empty()

    def test_rubbish_behind_a_request_is_told_unless_an_answer_is_under_way(self, start):
        serving = start()
        with connect(serving, _HEAD.replace(b"/", b"/waits", 1) + b"\r\nrubbish") as alice:
            assert rest(alice).startswith(b"HTTP/1.1 400 ")
        with connect(serving, _HEAD.replace(b"/", b"/talks", 1) + b"\r\n") as mallory:
            mallory.recv(1)
            mallory.sendall(b"rubbish")
            assert b"HTTP/1.1 400 " not in rest(mallory)
        serving.application.may_read.set()

    def test_who_is_gone_before_an_answer_leaves_no_traceback(self, start, caplog):
        """uvicorn tells only the last of several requests that its client is gone."""
        serving = start()
        with connect(serving, (_HEAD.replace(b"/", b"/talks", 1) + b"\r\n") * 3) as alice:
            alice.recv(1)
        assert serving.application.asked.get(timeout=SECONDS) == "http.disconnect"
        serving.stop()

        assert not [record for record in caplog.records if record.exc_info]


class DeafClientTests:
    def test_who_does_not_take_an_answer_is_cut_off(self, start):
        serving = start(take_seconds=0.5)
        with connect(serving, _HEAD.replace(b"/", b"/talks", 1) + b"\r\n"):
            assert serving.application.asked.get(timeout=SECONDS) == "http.disconnect"

    def test_also_when_the_answer_is_written_and_the_connection_closing(self, start):
        serving = start(take_seconds=0.5)
        with connect(serving, _HEAD.replace(b"/", b"/ends", 1) + b"\r\n") as mallory:
            mallory.recv(1)
            until_closed(serving)

    def test_who_takes_it_slowly_gets_all_of_it(self, start):
        serving = start(take_seconds=1.0)
        with connect(serving, _HEAD.replace(b"/", b"/ends", 1) + b"\r\n") as alice:
            taken = 0
            for _ in range(30):
                taken += len(alice.recv(1 << 20, socket.MSG_WAITALL))
                time.sleep(0.1)
            assert taken + len(rest(alice)) > 60_000_000


def until_closed(serving: Serving) -> None:
    end = time.monotonic() + SECONDS
    while serving.server.server_state.connections:
        assert time.monotonic() < end
        time.sleep(0.01)


class UpgradeTests:
    @pytest.mark.parametrize("order", [("keep-alive", "Upgrade"), ("Upgrade", "keep-alive")])
    @pytest.mark.parametrize("cuts", [(), (20,)])
    def test_connection_may_stand_there_twice(self, start, order, cuts):
        lines = "\r\n".join(f"Connection: {word}" for word in order).encode()
        with start().client(replace={b"Connection: keep-alive, Upgrade": lines}, cuts=cuts) as alice:
            assert alice.head().startswith(b"HTTP/1.1 101 ")

    def test_behind_an_answer_that_is_not_taken_it_is_refused(self, start):
        serving = start(take_seconds=0.5)
        with connect(serving, _HEAD.replace(b"/", b"/fills", 1) + b"\r\n") as mallory:
            mallory.recv(1)
            mallory.sendall(_UPGRADE)
            until_closed(serving)

        assert not serving.application.scope


class LeakTests:
    def test_of_connections_that_ended_in_any_way_nothing_stays(self, start):
        serving = start(take_seconds=0.1)
        ends = [
            b"",
            b"G",
            _HEAD,
            _HEAD + b"\r\n",
            _BODY,
            _CHUNKED + b"x",
            b"\x16\x03\x01",
            _UPGRADE,
            _HEAD + b"\r\n" + _UPGRADE,
        ]
        for number in range(400):
            connect(serving, ends[number % len(ends)]).close()
        until_closed(serving)
        kind = serving.server.config.http_protocol_class
        kinds = {kind, getattr(kind, "http_class", kind)}
        serving.stop()
        gc.collect()

        assert not [found for found in gc.get_objects() if type(found) in kinds]
