"""
What Sentry is told of our faults: where in the code, of which kind, for which route, and nothing else.

An event is made anew from what may be told. What the SDK gathers of requests, variables, users and the machine is not looked for, and the
text of an exception is left out, because it may quote what somebody has typed.
"""

import logging

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from structlog.contextvars import get_contextvars

from gruveo.logs import is_fault_of_peer, route_name

_OF_EVENT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")
_OF_FRAME = ("filename", "function", "module", "lineno", "context_line", "in_app")
# Whose words are written in our own code or Django's, with a place for what happened; others may have put that in already.
_OURS = {"gruveo", "signaling", "turnauth", "library", "accounts", "search", "blog", "pages", "django"}


def start(dsn: str, *, environment: str) -> None:
    """From now on each ERROR in the log is an event. Middleware of the SDK is not needed for that, and would see every request."""
    sentry_sdk.init(
        dsn,
        environment=environment,
        server_name="",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR),
            ExcepthookIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=before_send,
    )
    ignore_logger("django.security.DisallowedHost")  # a scanner's doing


def before_send(event: dict, hint: dict) -> dict | None:
    """The event as it may be told; None when it is no fault of ours."""
    record = hint.get("log_record")
    if record and is_fault_of_peer(record):
        return None
    told = {name: event[name] for name in _OF_EVENT if name in event}
    told["tags"] = _tags(record)
    if "exception" in event:
        told["exception"] = {"values": [_exception(one) for one in event["exception"].get("values", ())]}
    if "logentry" in event:
        told["logentry"] = {"message": _message(event)}
    return told


def _tags(record: logging.LogRecord | None) -> dict[str, str]:
    request = getattr(record, "request", None)
    tags = {"request_id": get_contextvars().get("request_id"), "route": route_name(request) if request else None}
    return {name: value for name, value in tags.items() if value}


def _exception(one: dict) -> dict:
    frames = (one.get("stacktrace") or {}).get("frames", ())
    return {
        "type": one.get("type"),
        "module": one.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in _OF_FRAME} for frame in frames]},
    }


def _message(event: dict) -> str:
    logger = event.get("logger", "")
    if logger.partition(".")[0] in _OURS:
        return event["logentry"].get("message", "")
    return f"a message of {logger}"
