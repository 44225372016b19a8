"""What the environment says: each value is read once, checked, and refused with the name of its variable."""

import math
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from sentry_sdk.utils import BadDsn, Dsn

_REQUIRED = object()
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
_HOST = re.compile(r"\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")
# What can stand in the name of a host whose certificate covers one level (Amazon S3, bucket naming rules).
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_HEADER = re.compile(r"[A-Za-z0-9-]+")  # others, with an underscore above all, never come through a proxy
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
_PORTS = {"http": 80, "https": 443}
_MAIL_PORTS = {"smtp": 587, "smtps": 465}
_KEY_CHARACTERS = 32  # of which each is worth 4 bits at least: hex is the poorest thing that people paste


class BadValue(Exception):
    """A variable is missing or wrong; the text begins with its name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name} {text}")
        self.name = name


class Origin(NamedTuple):
    """A web origin (RFC 6454): scheme, host (IPv6 in brackets) and, where it is not the scheme's own, port."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can be meant; browsers give such pages camera and microphone over plain HTTP."""
        return self.host in _LOOPBACK

    @property
    def socket(self) -> str:
        """The same origin for a WebSocket."""
        return str(self._replace(scheme={"http": "ws", "https": "wss"}[self.scheme]))

    @property
    def netloc(self) -> str:
        return self.host + (f":{self.port}" if self.port else "")

    def is_at(self, host: str) -> bool:
        """True when a request with this `Host` is one to this origin; the scheme's own port may be left out (RFC 9110 section 7.2)."""
        ports = {f":{self.port}"} if self.port else {"", f":{_PORTS[self.scheme]}"}
        return host.lower() in {self.host + port for port in ports}


class Bucket(NamedTuple):
    """An S3 bucket, and where it answers: at Amazon's own address of it, or below an endpoint."""

    name: str
    region: str
    endpoint: str | None

    @property
    def origin(self) -> str:
        return self.endpoint or f"https://{self.name}.s3.{self.region}.amazonaws.com"


class Mail(NamedTuple):
    """How mail goes out."""

    kind: str  # "console" or "smtp"
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    tls: bool = False
    starttls: bool = False
    sender: str = ""


class Env:
    """
    Reads typed values from a mapping such as `os.environ`.

    Every method takes the name of a variable and, as `default`, what holds when it is missing or empty.

    Raises:
        BadValue: the value is wrong, or missing without a default.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default=_REQUIRED):
        value = self._values.get(name, "").strip()
        if value:
            return value
        if default is _REQUIRED:
            raise BadValue(name, "is not set.")
        return default

    def flag(self, name: str) -> bool:
        """1, true, yes or on; missing is false."""
        value = self.text(name, "").lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise BadValue(name, f"must be 1 or 0, not {value!r}.")

    def number(self, name: str, default: float, *, least: float = 0, most: float = float("inf")):
        """A whole number where the default is one, else any finite number; within the bounds."""
        value = self.text(name, None)
        if value is None:
            return default
        try:
            number = type(default)(value)
        except ValueError:
            kind = "a whole number" if isinstance(default, int) else "a number"
            raise BadValue(name, f"must be {kind}, not {value!r}.") from None
        if not (math.isfinite(number) and least <= number <= most):
            raise BadValue(name, f"must be from {least} to {most}, not {value}.")
        return number

    def names(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list separated by commas."""
        value = self.text(name, None)
        if value is None:
            return default
        return tuple(part.strip() for part in value.split(",") if part.strip())

    def parsed(self, name: str, parse: Callable[[tuple[str, ...]], Any]) -> Any:
        """What `parse` makes of a list separated by commas; it raises ValueError, whose text names the entry, when one is wrong."""
        return self.written(name, lambda _: parse(self.names(name)))

    def written(self, name: str, parse: Callable[[str], Any]) -> Any:
        """The same for a text that is more than a list."""
        try:
            return parse(self.text(name, ""))
        except ValueError as error:
            raise BadValue(name, f"has a wrong entry: {error}.") from None

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks separated by commas: `10.0.0.0/8,fd00::/8`; an address alone is a network of one."""
        try:
            return tuple(ip_network(text) for text in self.names(name))
        except ValueError as error:
            raise BadValue(name, f"must hold networks such as 10.0.0.0/8, separated by commas: {error}.") from None

    def header(self, name: str) -> str:
        """The name of an HTTP header (RFC 9110 section 5.1), or the empty text."""
        value = self.text(name, "")
        if value and not _HEADER.fullmatch(value):
            raise BadValue(name, f"must be the name of a header, such as X-Region, not {value!r}.")
        return value

    def dsn(self, name: str) -> str:
        """The address of a project of Sentry, or the empty text."""
        value = self.text(name, "")
        try:
            return str(Dsn(value)) if value else ""
        except BadDsn:  # its text may quote the key
            raise BadValue(name, "must be like https://key@sentry.example/1.") from None

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of these words; the first when it is missing."""
        value = self.text(name, choices[0])
        if value not in choices:
            raise BadValue(name, f"must be {' or '.join(choices)}, not {value!r}.")
        return value

    def key(self, name: str, default=_REQUIRED) -> str:
        """A secret of 32 characters or more."""
        value = self.text(name, default)
        if value is not default:
            _check_key(name, value)
        return value

    def keys(self, name: str, default=_REQUIRED) -> tuple[str, ...]:
        """Secrets separated by commas, the first being the one that signs."""
        value = self.names(name, () if default is _REQUIRED else default)
        if not value:
            raise BadValue(name, "is not set.")
        for key in value:
            _check_key(name, key)
        return value

    def origins(self, name: str, default: tuple[str, ...] | object = _REQUIRED) -> tuple[Origin, ...]:
        """Web origins separated by commas: `https://gruveo.example,https://www.gruveo.example`."""
        value = self.names(name, () if default is _REQUIRED else default)
        if not value:
            raise BadValue(name, "is not set.")
        return tuple(_origin(name, text) for text in value)

    def origin(self, name: str) -> Origin | None:
        """One web origin, or None."""
        value = self.text(name, "")
        return _origin(name, value) if value else None

    def bucket(self) -> Bucket | None:
        """The one of `AWS_STORAGE_BUCKET_NAME`, with `AWS_S3_REGION_NAME` and, where it is not Amazon's, `AWS_S3_ENDPOINT_URL`."""
        name = self.text("AWS_STORAGE_BUCKET_NAME", "")
        if not name:
            return None
        if not _BUCKET.fullmatch(name):
            raise BadValue(
                "AWS_STORAGE_BUCKET_NAME",
                f"must be 3 to 63 small letters, digits and hyphens, without dots, not {name!r}.",
            )
        endpoint = self.origin("AWS_S3_ENDPOINT_URL")
        region = self.text("AWS_S3_REGION_NAME", *(["us-east-1"] if endpoint else []))
        return Bucket(name, region, str(endpoint) if endpoint else None)

    def socket_address(self, name: str) -> str:
        """A `ws:` or `wss:` address with a path, or the empty text for the page's own origin."""
        value = self.text(name, "")
        if not value:
            return ""
        parts = _split(name, value)
        if parts.scheme not in {"ws", "wss"} or not parts.path.startswith("/") or parts.query or parts.fragment:
            raise BadValue(name, f"must be like wss://signal.example.org/signaling, not {value!r}.")
        return value

    def mail(self, name: str) -> Mail:
        """
        How mail goes out: `smtp://user:password@host:587` (with STARTTLS, except to this machine), `smtps://user:password@host` (TLS from
        the first byte, RFC 8314) or `console:`, which prints it and is the default; `?from=address` names the sender.
        """
        value = self.text(name, "console:")
        if value == "console:":
            return Mail("console")
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in _MAIL_PORTS or not parts.hostname or parts.path not in {"", "/"}:
            # The value may hold a password.
            raise BadValue(name, "must be like smtp://user:password@host:587, smtps://user:password@host, or console:.")
        return Mail(
            "smtp",
            host=parts.hostname,
            port=port or _MAIL_PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=parts.scheme == "smtps",
            starttls=parts.scheme == "smtp" and parts.hostname not in _LOOPBACK | {"::1"},
            sender=parse_qs(parts.query).get("from", [""])[0],
        )


def _check_key(name: str, value: str) -> None:
    # The value itself stays out of the message: it would end up in the logs.
    if len(value) < _KEY_CHARACTERS or len(set(value)) < 8:
        raise BadValue(name, f"must be a random secret of {_KEY_CHARACTERS} characters or more.")


def _split(name: str, value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise BadValue(name, f"holds no proper address: {value!r}.") from None
    if not _HOST.fullmatch(_host(parts)):
        raise BadValue(name, f"holds no proper host: {value!r}.")
    return parts


def _host(parts: SplitResult) -> str:
    """As it is written, with the brackets of IPv6."""
    return parts.netloc.rpartition(":")[0] if parts.port else parts.netloc


def _origin(name: str, value: str) -> Origin:
    parts = _split(name, value)
    if parts.scheme not in {"http", "https"} or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise BadValue(name, f"must hold origins such as https://gruveo.example, not {value!r}.")
    port = None if parts.port == _PORTS[parts.scheme] else parts.port
    return Origin(parts.scheme, _host(parts).lower(), port)
