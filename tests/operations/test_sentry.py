"""What Sentry hears of a fault, at a real address: where it was, and nothing of who called whom."""

import gzip
import json
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from gruveo import sentry
from tests.server import Server
from tests.signaling.socket_client import Client

MARK = "7f3a9c"
CODE = f"märked-{MARK}"


class FailingServer(Server):
    """The site with a call page that fails; rooms are in its memory."""

    _MODULE = "tests.operations.failing_server"


@contextmanager
def listening() -> Iterator[tuple[str, list[dict]]]:
    """A project of Sentry: its address, and the envelopes that it has got."""
    got: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            # An envelope has a header, and for each item a header and a body, each on a line of its own.
            got.append({"path": self.path, "text": body.decode(), "lines": body.decode().splitlines()})
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://key@127.0.0.1:{server.server_port}/1", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def visit(server: Server, path: str) -> int:
    try:
        with server.get(
            quote(path), Cookie=f"session={MARK}", Referer=f"{server.url}/{MARK}", Authorization=MARK
        ) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def event(envelope: dict) -> dict:
    return json.loads(envelope["lines"][2])


@pytest.mark.server
class RealServerTests:
    async def test_a_fault_is_told_by_place_and_route_and_without_the_code(self):
        with listening() as (dsn, got), FailingServer(SENTRY_DSN=dsn, LOCAL=1) as server:
            assert visit(server, f"/{CODE}") == 500
            assert visit(server, f"/complain/{CODE}") == 500
            async with await Client.join(server.ws_url, CODE) as alice:
                await alice.send_text(f'{{"type": "{MARK}"}}')
                await alice.hear("error")
            server.stop()

        events = [event(one) for one in got]
        assert {one["path"] for one in got} == {"/api/1/envelope/"}
        assert [one["logger"] for one in events] == ["django.request", "asyncio", "signaling", "django.request"]
        page = events[0]
        (fault,) = page["exception"]["values"]
        assert fault["type"] == "RuntimeError"
        assert fault["stacktrace"]["frames"][-1]["function"] == "fail"
        assert "vars" not in fault["stacktrace"]["frames"][-1]
        assert page["tags"]["route"] == "tests.operations.failing_urls.fail"
        assert len(page["tags"]["request_id"]) == 16
        assert [one["logentry"]["message"] for one in events[1:3]] == ["a message of asyncio", "lost %s"]
        for one in got:
            assert MARK not in one["text"]
            assert "127.0.0.1" not in one["text"].partition("\n")[2]
            assert not {"request", "user", "breadcrumbs", "extra", "server_name", "modules"} & set(event(one))

    def test_a_page_that_is_not_there_and_a_scanner_are_no_fault_of_ours(self):
        with listening() as (dsn, got), FailingServer(SENTRY_DSN=dsn, LOCAL=1) as server:
            assert visit(server, f"/deep/{CODE}/er") == 404
            with pytest.raises(urllib.error.HTTPError) as refusal:
                server.get("/", Host="evil.example")
            refusal.value.close()
            server.stop()

        assert got == []


class BeforeSendTests:
    def test_only_what_may_be_told_is_left(self):
        told = sentry.before_send(
            {
                "event_id": "1",
                "request": {"url": MARK},
                "user": {"ip_address": MARK},
                "server_name": MARK,
                "transaction": f"/{MARK}",
                "breadcrumbs": {"values": [{"message": MARK}]},
                "extra": {"sys.argv": MARK},
                "contexts": {"trace": {"data": MARK}},
                "logentry": {"message": "lost %s", "formatted": MARK, "params": [MARK]},
                "logger": "signaling",
                "exception": {
                    "values": [
                        {
                            "type": "KeyError",
                            "value": MARK,
                            "stacktrace": {"frames": [{"lineno": 1, "vars": {"code": MARK}}]},
                        }
                    ]
                },
            },
            {},
        )

        assert MARK not in json.dumps(told)
        assert told["event_id"] == "1"
        assert told["exception"]["values"][0]["type"] == "KeyError"
        assert told["exception"]["values"][0]["stacktrace"]["frames"][0]["lineno"] == 1
