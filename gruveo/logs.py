"""
What may stand in a log line, and how it is written: the route of a request, never its path, because the path of a call is its code; of an
address its network only.

Whoever logs names what belongs to an event with `extra`; only the names in FIELDS are written.
"""

import json
import logging
import re
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from structlog.contextvars import get_contextvars
from structlog.processors import JSONRenderer
from structlog.stdlib import ProcessorFormatter

from gruveo.client_address import network

# In the order in which they are written.
FIELDS = (
    "request_id",
    "room",
    "peer",
    "call",
    "client",
    "route",
    "method",
    "status",
    "milliseconds",
    "seconds",
    "reason",
    "address",
)
_encode = msgspec.json.Encoder(enc_hook=str).encode  # a third of what Python's own takes, for a line of each socket
_is_plain = re.compile(r"[\w.:/+-]+").fullmatch
_KEY = re.compile(r"""(\bkey=|gruveo-turn-)[^&\s'"]+""")


class RouteInsteadOfPath(logging.Filter):
    """
    Rewrites Django's own lines about a request ("Not Found: /blue-heron").

    Attack stopped: whoever reads the logs joins the calls that they name.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if not path:
            return True
        if isinstance(record.args, tuple):
            written = (path, _escaped(path))
            record.args = tuple(_route(request) if arg in written else arg for arg in record.args)
        if record.exc_info:
            # The text of an exception may quote the path; Django's own Resolver404 does.
            record.exc_text = _without(path.strip("/"), logging.Formatter().formatException(record.exc_info))
        return True


class NoKeys(logging.Filter):
    """
    Masks keys of the TURN REST API, which somebody may have put into the query, where the draft wants them.

    Attack stopped: whoever reads the logs relays at our expense.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        masked = _KEY.sub(r"\1***", text)
        if masked != text:
            record.msg, record.args = masked, ()
        if record.exc_info:
            record.exc_text = _KEY.sub(
                r"\1***", record.exc_text or logging.Formatter().formatException(record.exc_info)
            )
        return True


class NoTracebackForPeers(logging.Filter):
    """A peer that sends bytes which are no UTF-8 is closed with 1007; that is its fault and no traceback of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if is_fault_of_peer(record):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def is_fault_of_peer(record: logging.LogRecord) -> bool:
    """True for the complaint of the server about bytes that are no text."""
    exc_info = record.exc_info
    return bool(exc_info) and isinstance(exc_info[1], UnicodeDecodeError) and record.name.startswith("uvicorn")


def route_name(request) -> str:
    """The name of the address that was asked for, such as `blog:post`; "static" for files, "none" where nothing is."""
    match = getattr(request, "resolver_match", None)
    if match:
        return match.view_name
    return "static" if request.path.startswith("/static/") else "none"


def json_formatter() -> ProcessorFormatter:
    """One line for each event, as an object of JSON."""
    return ProcessorFormatter(foreign_pre_chain=[_describe], processors=[_without_record, JSONRenderer(_encoded)])


def line_formatter() -> ProcessorFormatter:
    """The same for people."""
    return ProcessorFormatter(foreign_pre_chain=[_describe], processors=[_without_record, _line])


def _describe(logger, method: str, event: dict) -> dict:
    """The event of a record of the standard library, with what belongs to it."""
    record = event["_record"]
    told = {**get_contextvars(), **{name: value for name in FIELDS if (value := getattr(record, name, "")) != ""}}
    if "address" in told:
        told["address"] = network(told["address"])
    if record.exc_info:
        # What the filters have made of it, if they have.
        told["exception"] = record.exc_text or logging.Formatter().formatException(record.exc_info)
    return {
        "_record": record,
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "event": event["event"],
        **told,
    }


def _without_record(logger, method: str, event: dict) -> dict:
    del event["_record"]
    return event


def _encoded(event: dict, default) -> str:
    try:
        return _encode(event).decode()
    except UnicodeEncodeError:  # half of a pair of surrogates, which somebody has sent
        return json.dumps(event, default=str)


def _line(logger, method: str, event: dict) -> str:
    at, level, name, text = (event.pop(key) for key in ("at", "level", "logger", "event"))
    traceback = event.pop("exception", None)
    told = "".join(f" {key}={_written(value)}" for key, value in event.items())
    return f"{at} {level} {name}: {text}{told}" + (f"\n{traceback}" if traceback else "")


def _written(value: object) -> str:
    """What a client has chosen must not look like another field, or another line."""
    text = str(value)
    return text if _is_plain(text) else repr(text)


def _route(request) -> str:
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no route)"


def _escaped(text: str) -> str:
    """As Django writes what it logs: `bl\\xe4u` for `bläu`."""
    return text.encode("unicode_escape").decode()


def _without(path: str, text: str) -> str:
    forms = "|".join(re.escape(form) for form in {path, _escaped(path), quote(path)})
    return re.sub(rf"(?<!\w)(?:{forms})(?!\w)", "(path)", text) if path else text
