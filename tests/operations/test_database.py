"""One SQLite file, the server and commands that write at the same time."""

import http.cookiejar
import threading
import urllib.parse
import urllib.request

import pytest

from tests.server import Server

PASSWORD = "correct-horse-battery"


def log_in(server: Server) -> bool:
    """Signs in to the admin as a browser does; that writes a session and the time of the last login."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = server.url + "/admin/login/?next=/healthz"
    browser.open(page, timeout=30).close()
    form = {
        "username": "alice",
        "password": PASSWORD,
        "csrfmiddlewaretoken": next(cookie.value for cookie in jar if cookie.name == "csrf"),
    }
    browser.open(
        urllib.request.Request(page, urllib.parse.urlencode(form).encode(), {"Referer": page}), timeout=30
    ).close()
    return any(cookie.name == "session" for cookie in jar)


@pytest.mark.server
def test_commands_write_while_the_server_writes(make_server):
    server = make_server()
    made = server.manage(
        "createsuperuser",
        "--no-input",
        "--username=alice",
        "--email=alice@gruveo.example",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    assert made.returncode == 0, made.stderr
    results = []
    writer = (
        "from django.contrib.auth.models import Group\n"
        "from django.db import transaction\n"
        "for n in range(150):\n"
        "    with transaction.atomic():\n"
        "        Group.objects.filter(name='x').exists()\n"
        "        Group.objects.create(name=f'{n}')\n"
        "print(Group.objects.count() >= 150)"
    )
    commands = threading.Thread(target=lambda: results.append(server.manage("shell", "--no-imports", "-c", writer)))
    visitors = [threading.Thread(target=lambda: results.append(log_in(server))) for _ in range(6)]

    for thread in (commands, *visitors):
        thread.start()
    for thread in (commands, *visitors):
        thread.join()

    assert results.count(True) == 6
    (done,) = [result for result in results if not isinstance(result, bool)]
    assert done.stdout.strip() == "True", done.stderr
    assert "locked" not in server.log + done.stderr
    assert (
        server.manage(
            "shell",
            "--no-imports",
            "-c",
            "from django.db import connection as c; print(c.cursor().execute('PRAGMA journal_mode').fetchone())",
        ).stdout.strip()
        == "('wal',)"
    )
