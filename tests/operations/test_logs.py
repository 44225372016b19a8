"""No log names a call: whoever reads it could join."""

import io
import json
import logging
import urllib.error
from urllib.parse import quote

import pytest
from structlog.contextvars import clear_contextvars

from gruveo import logs

CODES = ["blue-heron", "bläu-reiher", "猫🐈", "a'b"]


def site_handler() -> logging.StreamHandler:
    return next(handler for handler in logging.getLogger("django").handlers if handler.name == "console")


@pytest.fixture
def log():
    """What the site's own handler writes."""
    handler = site_handler()
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield stream
    handler.setStream(before)


@pytest.mark.parametrize("code", CODES)
def test_a_page_that_fails_is_logged_by_its_route(client, settings, log, code):
    settings.ROOT_URLCONF = "tests.operations.failing_urls"
    client.raise_request_exception = False

    assert client.get("/" + quote(code)).status_code == 500

    written = log.getvalue()
    assert "Internal Server Error: /<str:code>" in written
    assert "(path)" in written.splitlines()[-1]
    assert code not in written
    assert code.encode("unicode_escape").decode() not in written


@pytest.mark.django_db
@pytest.mark.parametrize("code", CODES)
def test_a_page_that_is_not_there_is_logged_without_its_path(client, settings, log, code):
    settings.ROOT_URLCONF = "tests.operations.failing_urls"

    assert client.get(f"/deep/{quote(code)}/er").status_code == 404

    assert "Not Found: (no route)" in log.getvalue()
    assert code not in log.getvalue()
    assert code.encode("unicode_escape").decode() not in log.getvalue()


def test_bytes_that_are_no_text_get_no_traceback(log):
    handler = site_handler()
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "failed", (), (type(error), error, None))

    handler.handle(record)

    assert "INFO uvicorn.error: failed" in log.getvalue()
    assert "Traceback" not in log.getvalue()


@pytest.mark.parametrize("key", ["gruveo-turn-Abc_123-xyz", "whatever%20it%20is"])
def test_a_key_of_the_turn_api_is_masked_wherever_it_stands(log, key):
    logger = logging.getLogger("django.request")
    logger.warning("Not Found: %s", f"/turn/?service=turn&key={key}&username=ada")
    try:
        raise ValueError(f"cannot read 'key={key}'")
    except ValueError:
        logger.exception("failed")

    written = log.getvalue()
    assert key not in written
    assert "key=***&username=ada" in written
    assert "key=***'" in written


def test_a_key_in_a_header_is_masked_too(log):
    logging.getLogger("django.request").warning("Authorization: Bearer gruveo-turn-Abc_123-xyz")

    assert "Bearer gruveo-turn-***" in log.getvalue()


@pytest.mark.server
def test_the_real_server_logs_no_code(make_server):
    server = make_server()
    for path in ("secret-heron", "secret-h%C3%A9ron", "secret%21", "secret/heron", "secret.php", "secret%ff"):
        try:
            server.get("/" + path).close()
        except urllib.error.HTTPError as error:
            error.close()
    server.stop()

    assert "secret" not in server.log


class WrittenTests:
    """What becomes of one event."""

    def written(self, formatter, text="left", error=None, **extra) -> str:
        exc_info = (type(error), error, None) if error else None
        record = logging.LogRecord("signaling", logging.INFO, "", 0, text, (), exc_info)
        record.__dict__.update(extra)
        clear_contextvars()  # the test client's requests were in the context of this thread
        return formatter.format(record)

    def test_json_is_one_line_with_what_belongs_to_the_event(self):
        line = self.written(logs.json_formatter(), room="r", seconds=0, peer="", error=ValueError("first\nsecond"))

        told = json.loads(line)
        assert "\n" not in line
        assert (told["event"], told["level"], told["logger"]) == ("left", "INFO", "signaling")
        assert (told["room"], told["seconds"]) == ("r", 0)
        assert "peer" not in told
        assert told["exception"] == "ValueError: first\nsecond"

    def test_what_is_no_proper_text_is_written_all_the_same(self):
        assert json.loads(self.written(logs.json_formatter(), client="a\ud800"))["client"] == "a\ud800"

    def test_what_is_not_on_the_list_is_not_written(self):
        assert "secret" not in self.written(logs.json_formatter(), code="secret", request="secret")

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
            ("unknown", "unknown"),
        ],
    )
    def test_of_an_address_only_the_network_is_written(self, address, network):
        assert json.loads(self.written(logs.json_formatter(), address=address))["address"] == network

    def test_what_a_client_has_chosen_looks_like_no_other_field_and_no_other_line(self):
        line = self.written(logs.line_formatter(), client="web reason=left\n2026 INFO signaling: left", room="r")

        assert line.endswith(r"INFO signaling: left room=r client='web reason=left\n2026 INFO signaling: left'")
