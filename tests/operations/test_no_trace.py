"""A call leaves no trace of its code: not in the log, not in Redis, not in the database, not in the metrics."""

import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gruveo.logs import FIELDS
from tests.cast import until
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.signaling.socket_client import Client
from tests.traces import MARK, everything_in, is_in_none

pytestmark = pytest.mark.server

CODE = f"Märked-{MARK}"
SDP = f"v=0\r\no=- {MARK} 2 IN IP4 127.0.0.1\r\na=ice-pwd:{MARK}\r\n"
TOKEN = "a-metrics-token-0123456789-abcdefghij"
SECRETS = {
    name: f"{name}-{MARK}-0123456789-abcdefghij"
    for name in ("SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS", "TURN_SECRETS")
}


def visit(node: Node, path: str, **headers: str) -> int:
    """The status of a page; 0 when the server closes instead."""
    try:
        with node.get(urllib.parse.quote(path, safe="/?&=%"), **headers) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def pages(node: Node) -> None:
    """Addresses that hold the code, or something that looks like it, right and wrong."""
    for path in (
        f"/{CODE}",
        f"/{CODE}/",
        f"/?code={CODE}",
        f"/{CODE}/and/more",
        f"/{CODE}!",
        f"/{CODE}.php",
        f"/{CODE}%ff",
        f"/search/?q={CODE}",
        f"/turn/?service=turn&username={CODE}&key=gruveo-turn-{MARK}",
        f"/p/{CODE}/",
        f"/blog/{CODE}/",
        f"/admin/{CODE}/",
    ):
        visit(node, path)
    visit(node, "/", Cookie=f"session={MARK}", Referer=f"{node.url}/{CODE}", **{"User-Agent": MARK})
    visit(node, f"/{MARK}", Host=f"{MARK}.example")


async def sockets(here: Node, there: Node, look: Callable[[], None]) -> list[str]:
    """
    A call with everything that can happen to it; `look` is called while it runs. Answers the peers whose line must stand in the log before
    that is read.
    """
    rubbish = [
        json.dumps({"type": "report", "path": CODE}),  # first, for of each kind of refusal a log has the first only
        "",
        "{",
        "[" * 3000,
        CODE,
        json.dumps({"type": CODE}),
        json.dumps({"type": "hello", "code": CODE}),
        b"\xff",
    ]
    async with await Client.join(here.ws_url, CODE, state={"name": "Alice"}) as alice:
        async with await Client.join(there.ws_url, CODE, state={"name": "Alice"}) as bob:
            await alice.hear("joined")
            await bob.signal(alice.peer, 1, body={"description": {"type": "offer", "sdp": SDP}})
            assert (await alice.hear("signal"))["body"]["description"]["sdp"] == SDP
            await alice.signal(bob.peer, 1, body={"candidates": [f"candidate:{MARK} 1 udp 1 192.0.2.1 5 typ host"]})
            await bob.hear("signal")
            await alice.send("report", path="relayed")
            await alice.send("state", name="Bob", muted=True)
            await bob.hear("state")
            async with await Client.open(there.ws_url) as charlie:
                await charlie.send("hello", code=CODE)
                assert await charlie.refusal() == "room-full"
            look()
            await alice.send("lock", locked=True)
            await bob.hear("lock")
            for text in rubbish * 6:
                await bob.send_text(text)
            await bob.send("signal", to=MARK.ljust(16, "_"), stream="q", seq=1, body={})
            while (await bob.hear("error"))["code"] != "unknown-peer":
                pass
            bob.vanish()
        await alice.hear("away")
        async with await Client.open(here.ws_url) as again:
            await again.send("hello", resume=bob.welcome["token"])
            await again.hear("welcome")
            await alice.hear("back")
        for hello in (
            {"resume": f"{bob.welcome['token']}{MARK}"},
            {"code": f"{CODE}/no"},
            {"code": CODE * 50},
            {"code": CODE, "replaces": MARK},
        ):
            async with await Client.open(here.ws_url) as refused:
                await refused.send("hello", **hello)
                await refused.hear("error")
        async with await Client.open(here.ws_url) as early:
            await early.send_text(CODE)
            await early.close_code()
    return [alice.peer]


def rows(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump())


async def test_a_call_leaves_no_trace_of_its_code_anywhere(tmp_path):
    with ExitStack() as stack:
        store = stack.enter_context(RedisServer())
        here = stack.enter_context(
            Node(
                store,
                LOG_FORMAT="json",
                METRICS_TOKEN=TOKEN,
                ROOM_CAPACITY=2,
                TURN_SERVERS="turn.example",
                LEASE_SECONDS=3,
                **SECRETS,
            )
        )
        there = stack.enter_context(
            Node(
                store,
                LOG_FORMAT="json",
                ROOM_CAPACITY=2,
                TURN_SERVERS="turn.example",
                DATABASE_URL=f"sqlite:///{here.var_dir}/db.sqlite3",
                LEASE_SECONDS=3,
                **SECRETS,
            )
        )
        pages(here)
        seen = []
        peers = await sockets(here, there, lambda: seen.append(everything_in(store)))
        pages(there)
        seen.append(everything_in(store))
        await until(lambda: all(peer in here.log for peer in peers))
        with here.get("/metrics", Authorization=f"Bearer {TOKEN}") as answer:
            told = answer.read().decode()
        await recorded(here)
        in_database = rows(here.var_dir / "db.sqlite3")
        there.stop()
        here.stop()
        logs = here.log + there.log

    assert "room:" in seen[0] and "signaling_call" in in_database and "gruveo_joins_total" in told
    places = {"log": logs, "Redis": "".join(seen), "database": in_database, "metrics": told}
    is_in_none(places)
    assert "joins:" in places["Redis"] and "127.0.0" not in places["Redis"]
    assert "rked-" not in "".join(places.values())
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    assert {"request", "left", "away", "never joined"} <= {line["event"] for line in lines}
    check(lines)


async def recorded(node: Node) -> None:
    """Waits until the call stands in the database."""

    def is_there() -> bool:
        with closing(sqlite3.connect(node.var_dir / "db.sqlite3")) as database:
            return bool(database.execute("SELECT count(*) FROM signaling_call").fetchone()[0])

    await until(is_there)


def check(lines: list[dict]) -> None:
    """What each line may hold."""
    for line in lines:
        assert set(line) <= {"at", "level", "logger", "event", "exception", *FIELDS}, line
        assert line.get("address", "127.0.0.0/24") == "127.0.0.0/24", line
    requests = [line for line in lines if line["event"] == "request"]
    assert {"pages:call", "none", "static"} & {line["route"] for line in requests} >= {"pages:call", "none"}
    assert len({line["request_id"] for line in requests}) == len(requests)
    sockets = [line for line in lines if line["event"] in {"left", "away"}]
    assert all(line["room"] and line["reason"] and "seconds" in line for line in sockets)
    assert any(line.get("call") for line in sockets)
