"""`manage.py signaling_load`: against the real server, against nobody, and against a server that passes nothing on."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from array import array
from contextlib import suppress

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from signaling.load import Tally, Unusable, percentiles, socket_url
from tests.server import BASE_DIR, child_env
from tests.signaling.test_client import Script, member, say, welcome

SECONDS = 60


class AddressTests:
    @pytest.mark.parametrize(
        ("given", "url"),
        [
            ("wss://example.org/signaling", "wss://example.org/signaling"),
            ("ws://[::1]:8000/other", "ws://[::1]:8000/other"),
            ("https://example.org", "wss://example.org/signaling"),
            ("http://localhost:8000/", "ws://localhost:8000/signaling"),
        ],
    )
    def test_the_socket_is_found_from_its_address_or_that_of_the_site(self, given, url):
        assert socket_url(given) == url

    @pytest.mark.parametrize(
        "given", ["", "example.org", "ftp://example.org", "ws://", "ws://:80", "ws://[::1", "ws://a:99999", "ws://a:b"]
    )
    def test_what_is_no_address_is_refused(self, given):
        with pytest.raises(Unusable, match="no address"):
            socket_url(given)


class CountTests:
    def test_percentiles_are_milliseconds_by_nearest_rank(self):
        hundred = array("d", [number / 1000 for number in range(100, 0, -1)])

        assert percentiles(hundred) == {"p50": 50, "p90": 90, "p99": 99, "max": 100}
        assert percentiles(array("d", [0.25])) == {"p50": 250, "p90": 250, "p99": 250, "max": 250}
        assert percentiles(array("d")) == {"p50": None, "p90": None, "p99": None, "max": None}

    def test_what_was_lost_doubled_or_not_admitted_is_a_failure(self):
        assert Tally(sent=5, received=5, started=2, joined=2).failures == []
        assert Tally(sent=5, received=3, doubled=1, started=4, joined=3).failures == [
            "2 of 5 messages were lost",
            "1 messages came twice",
            "1 of 4 clients could not join",
        ]

    def test_who_had_no_time_to_join_does_not_count(self):
        assert Tally(started=4, joined=3, interrupted=True).failures == []


@pytest.mark.server
class CommandTests:
    def test_a_server_that_is_well_loses_nothing(self, server):
        done = server.manage(
            "signaling_load", server.ws_url, *"--pairs 3 --rate 5 --duration 1 --ramp 0.5 --format json".split()
        )

        assert (done.returncode, done.stderr) == (0, "")
        summary = json.loads(done.stdout)
        assert summary["sent"] == summary["received"]
        assert summary["sending"] >= 1
        most = summary["clients"] * (5 * (summary["sending"] + 0.5) + 1)
        assert 0.3 * most < summary["sent"] + summary["skipped"] <= most
        assert (summary["lost"], summary["doubled"], summary["renewed"]) == (0, 0, 0)
        assert (summary["clients"], summary["joined"]) == (6, 6)
        assert 0 < summary["delay"]["p50"] <= summary["delay"]["max"]
        assert 0 < summary["join"]["p50"] <= summary["join"]["max"]

    def test_a_foreign_certificate_is_taken_only_when_asked_to(self, make_server):
        secure = make_server(https=True)
        load = ("signaling_load", secure.url, *"--pairs 1 --rate 5 --duration 0.5 --ramp 0".split())

        refused, taken = secure.manage(*load), secure.manage(*load, "--insecure")

        assert refused.returncode == 1
        assert "certificate" in refused.stderr and "Traceback" not in refused.stderr
        assert taken.returncode == 0, taken.stderr
        number = r" +\d+\.\d"
        assert re.search(r"^milliseconds +p50 +p90 +p99 +max$", taken.stdout, re.MULTILINE)
        for row in ("delay", "join", "own lag"):
            assert re.search(rf"^{row}{number * 4}$", taken.stdout, re.MULTILINE), taken.stdout
        assert "2 of 2 joined" in taken.stdout
        assert "0 lost" in taken.stdout

    def test_who_was_not_let_in_is_counted_with_the_reason(self, make_server):
        strict = make_server(JOINS_PER_MINUTE=1)

        done = strict.manage(
            "signaling_load", strict.ws_url, *"--pairs 2 --duration 1 --ramp 0 --settle 0 --format json".split()
        )

        summary = json.loads(done.stdout)
        assert done.returncode == 1
        assert "3 of 4 clients could not join" in done.stderr
        assert (summary["joined"], summary["downs"]) == (1, {"too-many-joins": 3})

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("example.org", "is no address"),
            ("ws://127.0.0.1:1", "Connect call failed"),
            ("{server}/elsewhere", "HTTP 403"),
        ],
    )
    def test_an_address_that_does_not_serve_is_told_in_one_line(self, server, url, words):
        done = server.manage("signaling_load", url.format(server=server.ws_url.removesuffix("/signaling")))

        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1

    async def test_what_does_not_arrive_is_lost_and_the_exit_code_says_so(self, server):
        async with Swallower() as swallower:
            done = await asyncio.to_thread(
                server.manage,
                "signaling_load",
                swallower.url,
                *"--pairs 1 --rate 10 --duration 1 --ramp 0 --settle 0.2 --format json".split(),
            )

        summary = json.loads(done.stdout)
        assert done.returncode == 1
        assert summary["received"] == 0
        assert summary["lost"] == summary["sent"] > 0
        assert f"{summary['lost']} of {summary['sent']} messages were lost" in done.stderr

    async def test_at_a_terminal_a_bar_grows_and_is_gone_at_the_end(self, server):
        ours, theirs = pty.openpty()
        load = ("signaling_load", server.ws_url, *"--pairs 1 --rate 5 --duration 1 --ramp 0.2".split())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "manage.py", *load),
            cwd=BASE_DIR,
            env=child_env(server.var_dir),
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        async with asyncio.timeout(SECONDS):
            stdout, _ = await process.communicate()
        shown = os.read(ours, 65_536).decode()
        os.close(ours)

        assert process.returncode == 0
        bars = [len(bar) for bar in re.findall(r"\[(#*) *\] +\d+%", shown)]
        assert bars == sorted(bars) and len(set(bars)) > 3
        assert "2 of 2 joined" in shown and shown.endswith("\r\033[K")
        assert "2 of 2 joined" in stdout.decode() and "#" not in stdout.decode()

    async def test_ctrl_c_ends_it_with_what_there_is_so_far(self, server):
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("manage.py", "signaling_load", server.ws_url, "--pairs", "1", "--ramp", "0", "--duration", "3600"),
            cwd=BASE_DIR,
            env=child_env(server.var_dir),
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        shown = ""
        try:
            async with asyncio.timeout(SECONDS):
                while "2 of 2 joined" not in shown:
                    shown += (await asyncio.to_thread(os.read, ours, 65_536)).decode()
                process.send_signal(signal.SIGINT)
                stdout, _ = await process.communicate()
            shown += os.read(ours, 65_536).decode()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            os.close(ours)

        assert process.returncode == 0
        assert shown.endswith("\r\033[K") and "Traceback" not in shown
        assert "interrupted" in stdout.decode()
        assert "2 of 2 joined" in stdout.decode()


class Swallower(Script):
    """A server that makes two acquainted, and then passes nothing on."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets: list[ServerConnection] = []

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/signaling"

    async def _meet(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await socket.recv()  # `hello`; whoever only knocks says none
            self._sockets.append(socket)
            if len(self._sockets) == 1:
                await socket.send(json.dumps({**welcome(0), "peer": "bob", "stamp": 2}))
            else:
                later = {**welcome(0), "peer": "carol", "stamp": 3, "members": [member("bob")]}
                await socket.send(json.dumps(later))
                await say(self._sockets[0], "joined", revision=2, member={**member("carol"), "stamp": 3})
            async for text in socket:
                if json.loads(text)["type"] == "leave":
                    await socket.close(1000)
