"""
What a code is: its normal form, what is refused, and the room id that stands for it everywhere else.

The browser's twin is static/js/codes.js; tests/codes.json holds the cases on which both agree. docs/protocol.md section 3 is the paper.
"""

import hashlib
import re
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import quote

import regex

LONGEST = 64  # code points of the normal form
LONGEST_TYPED = 1024  # what is looked at at all: normalising is linear, but a megabyte is no code
_ROOM_ID_BYTES = 12  # chance meetings of two codes stay out of reach

# Addresses of the site, now or soon: a code must never be shadowed by a page that comes later.
RESERVED = frozenset(
    "about admin api blog call contact faq feed feeds healthz help jobs local-ca media metrics p pages press privacy readyz robots search "
    "security signaling sitemap static terms test turn accounts login logout i18n offline manifest favicon".split()
)

# What scanners and browsers ask for by themselves. A list, so that `dr.who` stays a code.
EXTENSIONS = frozenset(
    "7z ashx asp aspx atom avif bak bat bmp bz2 cer cfg cgi cjs cmd conf config crt css csv db dll doc docx env exe "
    "gif gz htm html ico ini jar jpeg jpg js json jsp jspx key lock log map md mjs mp3 mp4 p12 pdf pem php php3 "
    "php5 phtml pl png ps1 py rar rb rss sh shtml sql sqlite svg swp tar tgz toml ts ttf txt war wasm webm "
    "webmanifest webp woff woff2 xhtml xls xlsx xml xz yaml yml zip".split()
)

_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")
_SPACES_AT_ENDS = regex.compile(r"^\p{White_Space}+|\p{White_Space}+$")
_SPACES = regex.compile(r"\p{White_Space}+")
_is_plain = re.compile(r"[A-Za-z0-9\-_.']+").fullmatch  # a quick answer for what nearly all codes are
_ALLOWED = regex.compile(r"[\p{L}\p{M}\p{Nd}\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\-_.']+")


class BadCode(ValueError):
    """A code that is refused; `hint` is one of docs/protocol.md section 3."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


def normalise(typed: str) -> str:
    """
    The normal form of what somebody typed; doing it twice changes nothing.

    Source: The Unicode Standard, section 3.13, R5 (toNFKC_Casefold).
    """
    folded = _nfkc_casefold(typed[:LONGEST_TYPED])
    if folded.isascii() and folded.isprintable() and " " not in folded:
        return folded  # as most are; there is nothing to trim or to join
    trimmed = _SPACES_AT_ENDS.sub("", folded)
    return _nfkc_casefold(_SPACES.sub("-", trimmed).replace("\u2019", "'"))  # which phones type for an apostrophe


def refusal(code: str) -> str | None:
    """The hint with which this normal form is refused, or None when it may be a code."""
    if not code:
        return "empty"
    if code.startswith("."):
        return "dots"
    if len(code) > LONGEST:
        return "too-long"
    if not (_is_plain(code) or _ALLOWED.fullmatch(code)):
        return "characters"
    if code.rpartition(".")[0] and code.rpartition(".")[2] in EXTENSIONS:
        return "file"
    if code in RESERVED:
        return "taken"
    return None


def read(typed: str) -> str:
    """
    The code that somebody typed.

    Raises:
        BadCode: it is refused.
    """
    code = normalise(typed)
    hint = refusal(code)
    if hint:
        raise BadCode(hint)
    return code


def path(code: str) -> str:
    """The address of this code's call page, percent-encoded (RFC 3986, section 2.1)."""
    return "/" + quote(code, safe="")


def room_id(code: str, *, key: str) -> str:
    """
    The name under which stores and logs know the room of this code: 24 hexadecimal digits.

    Attack stopped: whoever reads a log or a Redis cannot try a dictionary of codes without the key.

    Source: RFC 7693 (BLAKE2, keyed).
    """
    return hashlib.blake2b(
        code.encode(), digest_size=_ROOM_ID_BYTES, key=_hashed(key), person=b"gruveo room"
    ).hexdigest()


@lru_cache(maxsize=16)
def _hashed(key: str) -> bytes:
    """The key in the length that BLAKE2 takes."""
    return hashlib.sha256(key.encode()).digest()


RULES = {"reserved": sorted(RESERVED), "extensions": sorted(EXTENSIONS)}


def _nfkc_casefold(text: str) -> str:
    if text.isascii():
        return text.lower()
    # One round is not always enough: removing an ignorable can bring two marks together that then compose.
    for _ in range(4):
        before = text
        text = normalize("NFKC", _IGNORABLE.sub("", normalize("NFKC", normalize("NFD", text).casefold()).casefold()))
        if text == before:
            break
    return text
