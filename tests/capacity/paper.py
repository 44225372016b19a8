"""
The parts of docs that commands print: between `<!-- printed: NAME -->` and `<!-- end: NAME -->`.

    DEBUG=1 python -m tests.capacity.paper

writes them anew, after a change of the model or of bench/RESULTS.md.
"""

import os
from contextlib import suppress
from io import StringIO
from pathlib import Path

import django
from django.core.management import CommandError, call_command

_ROOT = Path(__file__).resolve().parents[2]
DOCS = _ROOT / "docs"
FILE = DOCS / "capacity.md"
BEANSTALK = _ROOT / "deploy" / "beanstalk"
SIZES = "--calls-a-day 100 1000 10000 100000 1000000 10000000".split()
YEAR = "--minutes-a-month 20_000_000 --growth 7.5 --since 2026-12 --limit signaling=8 --limit turn=8".split()
# Each is printed by a command that asks the database nothing.
PRINTED = {
    "sizes": ("capacity", *SIZES, "--markdown"),
    "year": ("capacity", *YEAR, "--markdown"),
    "autoscaling": ("autoscaling", f"--beanstalk={BEANSTALK}"),
    "doubled": ("autoscaling", f"--beanstalk={BEANSTALK}", "--target-times=2"),
    "off": ("autoscaling", f"--beanstalk={BEANSTALK}", "--off"),
    "autoscaling-web": ("autoscaling", f"--beanstalk={BEANSTALK}", "--role=web"),
    "doubled-web": ("autoscaling", f"--beanstalk={BEANSTALK}", "--role=web", "--target-times=2"),
    "off-web": ("autoscaling", f"--beanstalk={BEANSTALK}", "--role=web", "--off"),
    "simulated": ("capacity", "--calls-a-day", "10000", "100000", "--simulate"),
}


def printed(name: str) -> str:
    """Text that is no Markdown stands between fences."""
    out = StringIO()
    try:
        call_command(*PRINTED[name], stdout=out)
    except CommandError as error:
        out.write(f"{error}\n")
    text = out.getvalue().strip()
    return text if text.startswith("|") else f"```\n{text}\n```"


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
    for name in ("autoscaling", "autoscaling-web"):
        with suppress(CommandError):  # more is short than may be; the charts show it
            call_command(*PRINTED[name], f"--plot={DOCS}", stdout=StringIO())


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "gruveo.settings"
    django.setup()
    write()
