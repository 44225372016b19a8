"""What has changed between two states of a text. Pure."""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from library import markup

_TOKEN = re.compile(r"\S+|\n")
_LONG = 400  # words that are left out of what has not changed


class Part(NamedTuple):
    kind: str  # "same", "gone" or "new"
    text: str


class Difference(NamedTuple):
    field: str
    parts: list[Part]


def differences(before: dict, after: dict) -> list[Difference]:
    """The fields of two snapshots that differ, word by word; of a text whose words are the same its markup."""
    found = []
    for field in {**before, **after}:
        old, new = before.get(field), after.get(field)
        if _text(old) != _text(new):
            found.append(Difference(field, _parts(_text(old), _text(new))))
        elif old != new and not isinstance(new, list):
            found.append(Difference(field, _parts(_spaced(old), _spaced(new))))
    return found


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(title for _, title in value)
    return "\n".join(markup.lines(value)) if "<" in value else value


def _spaced(value) -> str:
    return re.sub(r"(<[^>]*>)", r" \1 ", value or "")


def _parts(old: str, new: str) -> list[Part]:
    was, now = _TOKEN.findall(old), _TOKEN.findall(new)
    parts = []
    for kind, a, b, c, d in SequenceMatcher(None, was, now).get_opcodes():
        if kind == "equal":
            parts.append(Part("same", _shortened(was[a:b])))
            continue
        if a < b:
            parts.append(Part("gone", " ".join(was[a:b])))
        if c < d:
            parts.append(Part("new", " ".join(now[c:d])))
    return parts


def _shortened(words: list[str]) -> str:
    if len(words) > _LONG:
        words = [*words[: _LONG // 2], "…", *words[-_LONG // 2 :]]
    return " ".join(words)
