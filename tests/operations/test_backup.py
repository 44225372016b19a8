"""A backup is worth something once it was restored: a dump of a filled PostgreSQL, put into a new database, is a site."""

import json
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.server import Server

pytestmark = pytest.mark.server


def connected(url: str) -> list[str]:
    """The options by which PostgreSQL's programs find this database."""
    parts = urlsplit(url)
    host = unquote(parts.netloc.rpartition("@")[2])
    return ["--host", host, "--username", parts.username, "--dbname", parts.path.strip("/")]


def run(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(server: Server, path: Path) -> dict:
    """All rows of the site, as `dumpdata` writes them."""
    done = server.manage("dumpdata", "--natural-foreign", "--exclude", "sessions", "--output", str(path))
    assert done.returncode == 0, done.stderr
    return {(row["model"], json.dumps(row.get("pk"))): row["fields"] for row in json.loads(path.read_text())}


def page(server: Server, path: str) -> str:
    with server.get(path) as answer:
        return answer.read().decode().replace(str(server.port), "PORT")


def test_a_dump_is_restored_into_a_new_database_and_served(postgres, tmp_path):
    first, second = postgres.make_database(), postgres.make_database()
    dump = tmp_path / "site.dump"
    with Server(DATABASE_URL=first) as server:
        assert server.manage("sample_content").returncode == 0
        before = content(server, tmp_path / "before.json")
        shown = [page(server, path) for path in ("/blog/", "/faq/")]
        found = page(server, "/search/?q=call")

        # As docs/data.md says, while the site is served.
        run("pg_dump", "--format=custom", "--no-owner", *connected(first), "--file", str(dump))
    run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", *connected(second), str(dump))

    with Server(DATABASE_URL=second) as restored:
        assert content(restored, tmp_path / "after.json") == before
        assert [page(restored, path) for path in ("/blog/", "/faq/")] == shown
        assert page(restored, "/search/?q=call") == found
        assert restored.manage("migrate", "--check").returncode == 0
        with restored.get("/readyz") as answer:
            assert answer.status == 200
    assert len(before) > 100
