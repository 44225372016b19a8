"""`make run`: the whole site in one process on this machine."""

import http.cookiejar
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.server import BASE_DIR, START_SECONDS, Server, child_env

pytestmark = pytest.mark.server


def run(var_dir, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """For starts that must fail."""
    return subprocess.run(
        [sys.executable, "-m", "gruveo.local", "--host", "127.0.0.1", *arguments],
        cwd=BASE_DIR,
        env=child_env(var_dir, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )


def shell(server: Server, code: str) -> str:
    done = server.manage("shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def one_sentence(done: subprocess.CompletedProcess) -> str:
    """What a refused start says: one line and no traceback."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


class PageTests:
    def test_page_is_served_without_the_rules_for_https(self, server):
        answer = server.get("/")

        assert answer.status == 200
        assert answer.url == server.url + "/"
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers
        assert f"ws://localhost:{server.port}" in answer.headers["content-security-policy"]

    def test_localhost_serves_too_and_other_hosts_do_not(self, server):
        before = len(server.log)
        assert server.get("/", Host=f"localhost:{server.port}").status == 200
        with pytest.raises(urllib.error.HTTPError, match="400") as caught:
            server.get("/", Host="evil.example")
        caught.value.close()
        assert "Traceback" not in server.log[before:], "a scanner's doing is no fault of ours"

    def test_cookies_work_over_plain_http(self, server):
        jar = http.cookiejar.CookieJar()
        urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)).open(server.url + "/admin/login/").close()

        assert {cookie.name: cookie.secure for cookie in jar} == {"csrf": False}

    def test_static_files_carry_hashes_and_may_be_kept_for_ever(self, server):
        page = server.get("/admin/login/").read().decode()
        path = re.search(r'"(/static/[^"]+\.css)"', page)[1]

        answer = server.get(path)

        assert re.search(r"\.[0-9a-f]{12}\.css$", path)
        assert answer.headers["cache-control"] == "max-age=315360000, public, immutable"

    def test_websocket_is_open_to_the_site_and_shut_to_others(self, server):
        with connect(server.ws_url, subprotocols=["gruveo.v1"], origin=server.url, compression=None) as ws:
            ws.send(json.dumps({"type": "hello", "code": "operations"}))
            assert json.loads(ws.recv(10))["type"] == "welcome"
        with pytest.raises(Exception, match="403"):
            connect(server.ws_url, subprotocols=["gruveo.v1"], origin="https://evil.example")


class StartTests:
    def test_port_in_use_is_one_sentence(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])

            assert one_sentence(run(tmp_path, "--port", port)).startswith(f"Port {port} is in use.")

    @pytest.mark.parametrize("port", ["http", "", "-1", "65536", "٣٠٠٠"])
    def test_port_that_is_no_number_is_one_sentence(self, tmp_path, port):
        assert one_sentence(run(tmp_path, f"--port={port}")).startswith("PORT must be a number")

    def test_foreign_address_is_one_sentence(self, tmp_path):
        assert "is no address of this machine" in one_sentence(run(tmp_path, "--host", "203.0.113.7", "--port", "0"))

    def test_bad_setting_is_one_sentence(self, tmp_path):
        assert one_sentence(run(tmp_path, "--port", "0", ROOM_CAPACITY="7")).startswith("ROOM_CAPACITY must be")

    def test_a_redis_that_is_away_keeps_no_page_from_being_served(self, make_server):
        server = make_server(REDIS_URL="redis://127.0.0.1:1")

        with pytest.raises(urllib.error.HTTPError) as answer:
            server.get("/readyz")

        assert (answer.value.code, answer.value.read()) == (503, b"redis\n")
        assert server.get("/healthz").status == server.get("/").status == 200
        assert "starts without all of its Redis" in server.log

    def test_second_process_on_the_same_data_is_refused(self, server):
        sentence = one_sentence(run(server.var_dir, "--port", "0"))

        assert "REDIS_URL is not set" in sentence
        assert f"process {server.pid} serves this site already" in sentence

    def test_secrets_are_made_once_for_the_owner_only(self, server):
        file = server.var_dir / "local.env"
        assert file.stat().st_mode & 0o777 == 0o600
        before = file.read_text()

        assert server.manage("check").returncode == 0
        assert file.read_text() == before

    def test_sample_content_that_was_deleted_stays_deleted(self, make_server):
        server = make_server()
        count = "from blog.models import Post; print(Post.objects.count())"
        assert int(shell(server, count)) > 0
        shell(server, "from blog.models import Post; Post.objects.all().delete()")
        server.stop()

        started = time.monotonic()
        with Server(var_dir=server.var_dir) as again:
            assert shell(again, count) == "0"
            assert time.monotonic() - started < 20

    def test_static_files_are_collected_anew_only_when_they_change(self, make_server):
        server = make_server()
        manifest = server.var_dir / "static" / "staticfiles.json"
        before = manifest.stat().st_mtime_ns
        server.stop()

        with Server(var_dir=server.var_dir):
            assert manifest.stat().st_mtime_ns == before


class StopTests:
    def test_interrupt_ends_it_cleanly_with_a_socket_open(self, make_server):
        server = make_server()
        with connect(server.ws_url, subprotocols=["gruveo.v1"], origin=server.url) as ws:
            ws.send(json.dumps({"type": "hello", "code": "operations"}))
            ws.recv(10)
            server.send_signal(signal.SIGINT)
            code = server.wait()

        assert code == 0
        assert server.log.endswith("Gruveo has stopped.\n")
        assert "Traceback" not in server.log
        assert "ERROR" not in server.log

    def test_it_starts_again_at_once_on_the_same_port(self, make_server):
        server = make_server()
        server.get("/").close()
        server.stop()

        with Server(port=server.port, var_dir=server.var_dir) as again:
            assert again.get("/healthz").status == 200
            again.stop()

    def test_make_run_in_a_terminal(self, tmp_path):
        ours, theirs = pty.openpty()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        # -o: what is installed is what runs these tests, stamp or no stamp.
        command = ["make", "-o", ".venv/installed-run", f"BIN={Path(sys.executable).parent}", "run", f"PORT={port}"]
        process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=child_env(tmp_path),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        try:
            output = self.read_until(ours, f"http://localhost:{port}")
            with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=10) as answer:
                assert answer.status == 200
            os.killpg(process.pid, signal.SIGINT)  # Ctrl-C reaches make and all that it started
            output += self.read_until(ours, "Gruveo has stopped.")
            process.wait(START_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            os.close(ours)
            os.close(theirs)

        assert "make admin" in output
        assert "Traceback" not in output

    def read_until(self, terminal: int, text: str) -> str:
        output = ""
        os.set_blocking(terminal, False)
        deadline = time.monotonic() + START_SECONDS
        while text not in output:
            assert time.monotonic() < deadline, output
            try:
                output += os.read(terminal, 4096).decode()
            except BlockingIOError:
                time.sleep(0.02)
        return output
