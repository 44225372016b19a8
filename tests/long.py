"""
What `make test-long` runs: every test file that knows a size (tests/scale.py), at its full size, a stage for each file.

A stage that has passed at this commit is not run again, so a run that was interrupted goes on where it was. What has been done stands in
bench/RESULTS.md and nowhere else; the last result of each stage stays there, with its commit.
"""

import argparse
import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench import results

BASE_DIR = Path(__file__).resolve().parent.parent
_MOST_SECONDS = 3600
_ROW = re.compile(
    r"^\| (?P<file>\S+\.py) \| (?P<sizes>[\d, ]*) \| (?P<counts>[^|]*) \| (?P<seconds>\d+) s \| (?P<commit>[^|]*) \| (?P<date>\S+) \|$",
    re.MULTILINE,
)
_BAD_END = "ended with"  # and the code of the process, which alone decides
_SUMMARY = re.compile(r"^=* *(?P<counts>\d+ (?:passed|failed).*?) in [\d.]+s", re.MULTILINE)


class Stage(NamedTuple):
    """What one file has shown. `sizes` are those it asked for, in order, each once."""

    commit: str
    date: str
    seconds: int
    sizes: list[int]
    counts: str

    @property
    def has_passed(self) -> bool:
        return _BAD_END not in self.counts


def main() -> None:
    arguments = _arguments()
    files = _files()
    if arguments.list:
        print("\n".join(files))
        return
    done = _load()
    commit = _commit()
    for file in arguments.files or files:
        before = done.get(file)
        if before and before.has_passed and before.commit == commit and not arguments.again:
            print(f"{file}: passed at this commit already", flush=True)
            continue
        done[file] = _run(file, commit)
        results.write("long tests", _report({file: done[file] for file in files if file in done}))
    sys.exit(0 if all(file in done and done[file].has_passed for file in arguments.files or files) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.long", description="The long tests at their full sizes.")
    parser.add_argument("files", nargs="*", help="stages to run; all of them by default")
    parser.add_argument("--again", action="store_true", help="also what has passed at this commit")
    parser.add_argument("--list", action="store_true", help="print the stages")
    return parser.parse_args()


def _files() -> list[str]:
    found = (BASE_DIR / "tests").rglob("test_*.py")
    return sorted(str(file.relative_to(BASE_DIR)) for file in found if "from tests.scale import" in file.read_text())


def _run(file: str, commit: str) -> Stage:
    print(f"{file} …", flush=True)
    begun = time.monotonic()
    with tempfile.NamedTemporaryFile("r") as sizes:
        environment = {**os.environ, "TEST_SCALE": "1", "TEST_SIZES": sizes.name}
        command = [sys.executable, "-m", "pytest", "-p", "tests.environment", "-q", file]
        try:
            ended = subprocess.run(
                command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=_MOST_SECONDS
            )
            output, code = ended.stdout + ended.stderr, ended.returncode
        except subprocess.TimeoutExpired:
            output, code = f"not done within {_MOST_SECONDS} s", 1
        asked = [int(line) for line in sizes.read().split()]
    found = _SUMMARY.search(output)
    counts = found["counts"] if found else "no result"
    if code:
        print(output, flush=True)
        counts += f", {_BAD_END} {code}"
    stage = Stage(
        commit,
        datetime.datetime.now(datetime.UTC).date().isoformat(),
        round(time.monotonic() - begun),
        list(dict.fromkeys(asked)),
        counts,
    )
    print(f"{file}: {stage.counts} in {stage.seconds} s", flush=True)
    return stage


def _commit() -> str:
    git = ["git", "-C", str(BASE_DIR)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    # RESULTS.md is written by ourselves.
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", ".", ":!bench/RESULTS.md"], capture_output=True, text=True
    ).stdout.strip()
    return f"{commit} with changes" if changed else commit


def _load() -> dict[str, Stage]:
    return {
        f"tests/{row['file']}": Stage(
            row["commit"],
            row["date"],
            int(row["seconds"]),
            [int(size.replace(",", "")) for size in row["sizes"].split(", ") if size],
            row["counts"],
        )
        for row in _ROW.finditer(results.FILE.read_text())
    }


def _report(done: dict[str, Stage]) -> str:
    rows = [
        f"| {file.removeprefix('tests/')} | {', '.join(f'{size:,}' for size in stage.sizes)} | {stage.counts} "
        f"| {stage.seconds} s | {stage.commit} | {stage.date} |"
        for file, stage in done.items()
    ]
    return "\n".join(
        [
            "## Long tests",
            "",
            "`make test-long`: every size in full, a stage for each file.",
            "",
            "| file | sizes | result | time | commit | date |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    main()
