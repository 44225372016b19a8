"""The site of editors on PostgreSQL: the same tests as on SQLite, run once more."""

import os
import subprocess
import sys

import pytest

from tests.scale import scaled
from tests.server import BASE_DIR

pytestmark = pytest.mark.server

# Those whose questions to the database are the least plain come first, and are always run.
FOLDERS = ["tests/search", "tests/blog", "tests/library", "tests/pages", "tests/accounts"]
LEFT_OUT = "not markup and not pictures and not charts and not article and not bucket"  # which ask a database nothing


def test_editors_and_visitors_find_the_same_on_postgresql(postgres):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.environment",
            "-k",
            LEFT_OUT,
            *FOLDERS[: max(3, scaled(len(FOLDERS)))],
        ],
        cwd=BASE_DIR,
        env={**os.environ, "TEST_DATABASE_URL": postgres.make_database()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "database: postgresql" in done.stdout.splitlines()
