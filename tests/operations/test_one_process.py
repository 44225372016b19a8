"""Without Redis only one process serves."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from gruveo.one_process import only_process
from tests.server import BASE_DIR


def test_second_process_is_refused_and_told_of_the_first(tmp_path):
    code = "import sys, pathlib; from gruveo.one_process import only_process; only_process(pathlib.Path(sys.argv[1]))"
    with only_process(tmp_path / "lock"):
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "lock"], cwd=BASE_DIR, capture_output=True, text=True
        )

    assert done.returncode != 0
    assert "REDIS_URL" in done.stderr
    assert f"process {os.getpid()} serves" in done.stderr


def test_lock_ends_with_its_holder(tmp_path):
    file = tmp_path / "deep" / "lock"
    only_process(file).close()

    only_process(file).close()


def test_second_lock_in_the_same_process_is_refused(tmp_path):
    with only_process(tmp_path / "lock"), pytest.raises(ImproperlyConfigured):
        only_process(tmp_path / "lock")
