"""
Whether a package of requirements.txt has a known hole: asks pip-audit, which asks PyPI. `make lint` only tells, for a hole that became
known today is no fault of a change that is tested today; `make audit` fails on one. Without a network it says that it was left out.
"""

import argparse
import json
import subprocess
import sys

_SECONDS = 60
_COMMAND = (
    "-m pip_audit -r requirements.txt --require-hashes --disable-pip --format json --progress-spinner off --timeout 5"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail on a hole, and when nothing could be asked")
    strict = parser.parse_args().strict
    holes, words = judge(_ask())
    print(words)
    if strict and (holes or holes is None):
        sys.exit(1)


def judge(answer: str) -> tuple[int | None, str]:
    """How many holes there are, None when that could not be found out, and a sentence for whoever asked."""
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return None, "Known holes of packages: left out, PyPI cannot be reached."
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return None, "Known holes of packages: left out, what answers for PyPI here knows nothing of them."
    holes = [_hole(package, hole) for package in asked for hole in package["vulns"]]
    skipped = len(packages) - len(asked)
    told = f"{len(asked)} packages asked for known holes" + (f", {skipped} left out" if skipped else "")
    return len(holes), "\n".join([f"{told}: {len(holes) or 'none'}.", *holes])


def _hole(package: dict, hole: dict) -> str:
    mended = ", ".join(hole.get("fix_versions", ())) or "no version yet"
    return f"  {package['name']} {package['version']}: {hole['id']}, mended in {mended}"


def _ask() -> str:
    try:
        done = subprocess.run([sys.executable, *_COMMAND.split()], capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


if __name__ == "__main__":
    main()
