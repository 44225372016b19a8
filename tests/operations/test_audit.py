"""What is made of pip-audit's answer."""

import json
import os
import subprocess
import sys

from tests.audit import judge
from tests.server import BASE_DIR

SKIPPED = {"name": "aioice", "skip_reason": "Dependency not found on PyPI and could not be audited: aioice (0.13.0)"}
SOUND = {"name": "django", "version": "5.2.19", "vulns": []}
HOLE = {"id": "PYSEC-2026-1", "fix_versions": ["12.0.1"], "aliases": [], "description": "a hole"}


def said(*packages: dict) -> tuple[int | None, str]:
    return judge(json.dumps({"dependencies": packages, "fixes": []}))


def test_a_hole_is_named_with_the_version_that_mends_it():
    holes, words = said(SOUND, {"name": "pillow", "version": "12.0.0", "vulns": [HOLE]})

    assert holes == 1
    assert words == ("2 packages asked for known holes: 1.\n  pillow 12.0.0: PYSEC-2026-1, mended in 12.0.1")


def test_where_there_is_none_it_says_so():
    assert said(SOUND) == (0, "1 packages asked for known holes: none.")


def test_what_was_left_out_is_not_called_sound():
    assert said(SOUND, SKIPPED) == (0, "1 packages asked for known holes, 1 left out: none.")
    assert said(SKIPPED)[0] is None
    assert "left out" in said(SKIPPED)[1]


def test_without_a_network_it_says_so_and_fails_only_when_asked_to():
    away = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}

    for arguments, code in (([], 0), (["--strict"], 1)):
        done = subprocess.run(
            [sys.executable, "-m", "tests.audit", *arguments], cwd=BASE_DIR, env=away, capture_output=True, text=True
        )

        assert done.returncode == code, done.stderr
        assert done.stdout == "Known holes of packages: left out, PyPI cannot be reached.\n"
