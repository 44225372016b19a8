"""
The parts of docs that commands print: between `<!-- printed: NAME -->` and `<!-- end: NAME -->`.

    DEBUG=1 python -m tests.capacity.paper

writes them anew, after a change of the model or of bench/RESULTS.md.
"""

import os
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZES = "--calls-a-day 100 1000 10000 100000 1000000 10000000".split()
YEAR = "--minutes-a-month 20_000_000 --growth 7.5 --since 2026-12 --limit signaling=8 --limit turn=8".split()
# Each is printed by a command that asks the database nothing.
PRINTED = {
    "sizes": ("capacity", *SIZES, "--markdown"),
    "year": ("capacity", *YEAR, "--markdown"),
    "simulated": ("capacity", "--calls-a-day", "10000", "100000", "--simulate"),
}
FILE = DOCS / "capacity.md"


def printed(name: str) -> str:
    out = StringIO()
    call_command(*PRINTED[name], stdout=out)
    return out.getvalue().strip()


def parts(text: str) -> dict[str, str]:
    return {name: _split(text, name)[1].strip() for name in PRINTED}


def _split(text: str, name: str) -> tuple[str, str, str]:
    before, begin, rest = text.partition(f"<!-- printed: {name} -->\n")
    inside, end, after = rest.partition(f"<!-- end: {name} -->")
    assert begin and end, f"{FILE} has no part {name}"
    return before + begin, inside, end + after


def write() -> None:
    text = FILE.read_text()
    for name in PRINTED:
        before, _, after = _split(text, name)
        text = f"{before}\n{printed(name)}\n\n{after}"
    FILE.write_text(text)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "gruveo.settings"
    django.setup()
    write()
