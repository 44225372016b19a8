"""What somebody looks for, as words; and the words that they may have meant."""

from collections.abc import Iterable
from typing import NamedTuple

import regex
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

LONGEST = 100  # characters that are looked at
_MOST = 8  # words
_WORD = regex.compile(r"[\p{L}\p{M}\p{Nd}]+")
_SHORTEST_MENDED = 4  # letters; a shorter word is near to too many


class Mended(NamedTuple):
    words: list[str]
    changes: dict[str, str]  # what was typed, and what is looked for in its place


def read(typed: str) -> list[str]:
    """The words of what somebody typed, in small letters, each once; of an endless text the first."""
    return list(dict.fromkeys(_WORD.findall(typed[:LONGEST].lower())))[:_MOST]


def of(text: str) -> set[str]:
    """The words of a text that are worth to be meant."""
    return {word for word in _WORD.findall(text.lower()) if _SHORTEST_MENDED <= len(word) <= 40}


def mend(words: Iterable[str], known: list[str]) -> Mended | None:
    """With the nearest known word in place of each that is unknown; None when there is nothing to mend, or no word is near."""
    changes = {}
    mended = []
    for word in words:
        if not any(other.startswith(word) for other in known):
            near = _nearest(word, known)
            if near is None:
                return None
            changes[word] = near
        mended.append(changes.get(word, word))
    return Mended(mended, changes) if changes else None


def _nearest(word: str, known: list[str]) -> str | None:
    if len(word) < _SHORTEST_MENDED:
        return None
    most = 1 if len(word) < 8 else 2
    found = process.extractOne(word, known, scorer=DamerauLevenshtein.distance, score_cutoff=most)
    return found[0] if found else None
