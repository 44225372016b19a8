"""What Lighthouse says of pages, in Debian's Chromium."""

import subprocess

import msgspec

from bench.npm import LIGHTHOUSE, node

_SECONDS = 60  # what a slow machine may need for one page


class Verdict(msgspec.Struct):
    """Of each category what Lighthouse gives, from 0 to 1, and in words what it found wrong."""

    url: str
    scores: dict[str, float]
    wrong: list[str]


def judge(urls: list[str], categories: tuple[str, ...]) -> list[Verdict]:
    """
    As a phone on a slow line, which is Lighthouse's default.

    Raises:
        RuntimeError: Lighthouse could not judge; the text holds what it printed.
    """
    done = subprocess.run(
        [node(), str(LIGHTHOUSE / "judge.mjs"), ",".join(categories), *urls],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS * len(urls),
    )
    if done.returncode:
        raise RuntimeError(f"Lighthouse could not judge:\n{done.stderr}")
    return [msgspec.json.decode(line, type=Verdict) for line in done.stdout.splitlines()]
