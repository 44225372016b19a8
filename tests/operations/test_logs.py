"""No log names a call: whoever reads it could join."""

import io
import logging
import urllib.error
from urllib.parse import quote

import pytest

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
