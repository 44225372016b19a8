"""The same application under daphne, as Django's `runserver` starts it in development."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.server import BASE_DIR, START_SECONDS, STOP_SECONDS, child_env

pytestmark = pytest.mark.browser


@pytest.fixture
def runserver(tmp_path):
    """The address of a `runserver` with data of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = child_env(tmp_path, DEBUG="1", SITE_ORIGINS=url)
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=BASE_DIR, env=env, check=True)
    log = (tmp_path / "log").open("w+")
    # A session of its own, so that the reloader's child ends with it.
    command = [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, cwd=BASE_DIR, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"{url}/healthz")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
        log.seek(0)
        printed = log.read()
        log.close()
    assert "Daphne" in printed
    assert "Traceback" not in printed, printed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "runserver does not answer"
            time.sleep(0.1)


def test_two_people_call_each_other_through_runserver(person, runserver, code):
    alice, bob = person("Alice", url=runserver).call(code), person("Bob", url=runserver).call(code)

    for one in (alice, bob):
        one.is_in_a_call_with(1)
