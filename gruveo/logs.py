"""What may stand in a log line: the route of a request, never its path, because the path of a call is its code."""

import logging
import re
from urllib.parse import quote

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
        if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError) and record.name.startswith("uvicorn"):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def _route(request) -> str:
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no route)"


def _escaped(text: str) -> str:
    """As Django writes what it logs: `bl\\xe4u` for `bläu`."""
    return text.encode("unicode_escape").decode()


def _without(path: str, text: str) -> str:
    forms = "|".join(re.escape(form) for form in {path, _escaped(path), quote(path)})
    return re.sub(rf"(?<!\w)(?:{forms})(?!\w)", "(path)", text) if path else text
