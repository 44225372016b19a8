"""A blog of a thousand posts, the same for every system that shows it, and for every run."""

import random
from datetime import UTC, datetime, timedelta

_WORDS = (
    "call code word browser relay network line voice picture sound page server phone minute month year people friend letter key lock door "
    "window road bridge river hill sea light morning evening question answer reason story number figure table test line fault change "
    "small large quick slow quiet plain early late open private common first last other same next"
).split()
_TAGS = ["Calls", "Privacy", "Scaling", "Design", "Numbers", "Networks", "Writing", "Tools", "People", "Tests"]
_AUTHORS = ["Ada", "Ben", "Cleo", "Dan", "Eva"]
_NEWEST = datetime(2026, 11, 1, 9, tzinfo=UTC)


def make(count: int = 1000) -> list[dict]:
    """The newest first, one every three days, each of about 600 words."""
    draw = random.Random(count)
    return [_post(number, draw) for number in range(count)]


def _post(number: int, draw: random.Random) -> dict:
    parts = []
    for _ in range(4):
        parts.append(f"<h2>{_sentence(draw, 4)}</h2>")
        parts += [f"<p>{' '.join(_sentence(draw, 14) + '.' for _ in range(4))}</p>" for _ in range(2)]
        items = "".join(f"<li>{_sentence(draw, 5)}</li>" for _ in range(3))
        parts.append(f'<ul>{items}</ul><p>See <a href="https://example.org/{number}">{_sentence(draw, 3)}</a>.</p>')
    return {
        "slug": f"post-{number}",
        "title": f"{_sentence(draw, 4)} {number}",
        "summary": f"{_sentence(draw, 16)}.",
        "body": "".join(parts),
        "authors": [draw.choice(_AUTHORS)],
        "tags": sorted(draw.sample(_TAGS, 3)),
        "published_at": (_NEWEST - timedelta(days=3 * number)).isoformat(),
    }


def _sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(_WORDS, k=words)).capitalize()
