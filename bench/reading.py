"""
What a page costs that somebody reads: ours, kept and made anew, beside Wagtail, which shows the same posts; and a spike of readers while
an editor saves.
"""

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import posts
from bench.measures import Size
from bench.processes import Process, free_port, redis_server
from bench.systems import ON_HUGE_PAGES, ROOT
from bench.wagtail import PYTHON as WAGTAIL_PYTHON
from bench.wagtail import SITE as WAGTAIL_SITE
from tests.server import child_env, prepared_var_dir

_HOT = 100  # posts that are read
_LISTS = 5  # pages of the list that are; one page in five is one of them
# Who might be signed in gets a page that is made for them.
_UNKEPT = {"Cookie": "session=nobody"}
_FILL = """
import json
from django.db import transaction
from django.utils import timezone
from blog.models import Author, Post, Tag
from django.utils.text import slugify
with transaction.atomic():
    Post.objects.all().delete()
    for row in json.load(open({file!r})):
        authors, tags = row.pop("authors"), row.pop("tags")
        row["published_at"] = timezone.datetime.fromisoformat(row["published_at"])
        post = Post.objects.create(**row)
        post.authors.set([Author.objects.get_or_create(slug=slugify(name), defaults={{"name": name}})[0] for name in authors])
        post.tags.set([Tag.objects.get_or_create(slug=slugify(name), defaults={{"name": name}})[0] for name in tags])
"""
_EDIT = """
import sys, time
from blog.models import Post
post = Post.objects.get(slug="post-0")
for line in sys.stdin:
    post.title = f"Edition {int(line)}."
    post.save()
    print(int(line), time.time(), flush=True)
"""
_EDITION = re.compile(rb"Edition (\d+)\.")


class Ours:
    """Our site with these posts, as production runs it, with a Redis for what is kept; a context manager."""

    def __init__(self, rows: list[dict]) -> None:
        self._rows = rows

    def __enter__(self) -> "Ours":
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gruveo-bench-")))
            subprocess.run(["cp", "--recursive", f"{prepared_var_dir()}/.", folder], check=True)
            redis = redis_server(folder)
            stack.callback(redis.close)
            port = free_port()
            self._env = child_env(
                folder,
                LOCAL="1",
                SITE_ORIGINS=f"http://127.0.0.1:{port}",
                REDIS_URL=f"redis://127.0.0.1:{redis.port}/0",
                QUARANTINE_SECONDS="0",
                **ON_HUGE_PAGES,
            )
            file = folder / "posts.json"
            file.write_text(json.dumps(self._rows))
            self.manage("shell", "--no-imports", "-c", _FILL.format(file=str(file)))
            command = [sys.executable, "-m", "gruveo.serve", "--host", "127.0.0.1", "--port", str(port)]
            node = Process(command, port=port, env=self._env, cwd=ROOT)
            stack.callback(node.close)
            self._processes = [node, redis]
            self.port = port
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self._env, check=True)

    def editor(self) -> subprocess.Popen:
        """Saves the newest post anew for each number that it reads; answers with the number and the time, when it is saved."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", _EDIT],
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(process.cpu() for process in self._processes)


class Wagtail:
    """The same posts in Wagtail, on the same server program; a context manager."""

    def __init__(self, rows: list[dict]) -> None:
        self._rows = rows

    def __enter__(self) -> "Wagtail":
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gruveo-bench-")))
            file = folder / "posts.json"
            file.write_text(json.dumps(self._rows))
            env = {"SECRET_KEY": "bench-only-0123456789", "DATABASE_FILE": str(folder / "db.sqlite3")}
            subprocess.run(
                [WAGTAIL_PYTHON, "fill.py", file], cwd=WAGTAIL_SITE, env={"PATH": os.environ["PATH"], **env}, check=True
            )
            self.port = free_port()
            options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-access-log", "--log-level", "warning"]
            command = [str(WAGTAIL_PYTHON), "-m", "uvicorn", "asgi:application", "--lifespan", "off", *options]
            self._process = Process(command, port=self.port, env=env, cwd=WAGTAIL_SITE)
            stack.callback(self._process.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def cpu(self) -> float:
        return self._process.cpu()


def measure(size: Size, *, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Milliseconds of processor time for a page, round by round, in turns; the first round warms up."""
    rows = posts.make(size.posts)
    found: dict[str, list[float]] = {"kept": [], "anew": [], "wagtail": []}
    with Ours(rows) as ours, Wagtail(rows) as wagtail:
        sites = {"kept": (ours, {}), "anew": (ours, _UNKEPT), "wagtail": (wagtail, {})}
        for number in range(size.rounds + 1):
            for name in list(sites) if number % 2 else reversed(sites):
                cost = _read(*sites[name], rows, size.pages)
                if number:
                    found[name].append(cost)
            if number:
                say(
                    f"reading {number}/{size.rounds}: "
                    + ", ".join(f"{name} {costs[-1]:.2f} ms" for name, costs in found.items())
                )
    return found


def _read(site: Ours | Wagtail, headers: dict[str, str], rows: list[dict], pages: int) -> float:
    """One reader after the other reads hot posts and the list; what does not say what it should stops the run."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    before = site.cpu()
    for number in range(pages):
        post = rows[number * 7 % min(_HOT, len(rows))]
        path, text = f"/blog/{post['slug']}/", post["title"]
        if number % 5 == 0:
            path = f"/blog/?page={number // 5 % _LISTS + 1}"
            text = rows[number // 5 % _LISTS * 10]["title"]
        connection.request("GET", path, headers={"Accept": "text/html", "Accept-Language": "en", **headers})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or text.encode() not in body:
            raise RuntimeError(f"{path} answered {answer.status} without “{text}”")
    cost = (site.cpu() - before) / pages * 1000
    connection.close()
    return cost


@dataclass
class Spike:
    """What the readers saw. `stale`: answers to requests that began a second or more after a save, without it."""

    readers: int
    seconds: float = 0.0
    saves: int = 0
    pages: int = 0
    errors: list[str] = field(default_factory=list)
    stale: int = 0
    waits: list[float] = field(default_factory=list)  # seconds for each page


_STALE = 1.0  # seconds


async def spike(rows: list[dict], *, readers: int, saves: int) -> Spike:
    """So many read the list and its newest post, each as soon as it has the last page, while an editor saves every second and a half."""
    seen = Spike(readers)
    saved: list[tuple[int, float]] = []
    done = asyncio.Event()
    with Ours(rows) as site:
        editor = site.editor()
        try:
            await _save(editor, 1, saved)
            await asyncio.sleep(_STALE)
            begin = time.monotonic()
            reading = [asyncio.create_task(_reader(site.port, number, seen, saved, done)) for number in range(readers)]
            for number in range(2, saves + 2):
                await asyncio.sleep(1.5 * _STALE)
                await _save(editor, number, saved)
            await asyncio.sleep(1.5 * _STALE)
            done.set()
            await asyncio.gather(*reading)
            seen.seconds, seen.saves = time.monotonic() - begin, saves
        finally:
            editor.kill()
            editor.wait()
            editor.stdin.close()
            editor.stdout.close()
    return seen


async def _save(editor: subprocess.Popen, number: int, saved: list[tuple[int, float]]) -> None:
    print(number, file=editor.stdin, flush=True)
    edition, at = (await asyncio.to_thread(editor.stdout.readline)).split()
    saved.append((int(edition), float(at)))


async def _reader(port: int, number: int, seen: Spike, saved: list[tuple[int, float]], done: asyncio.Event) -> None:
    path = b"/blog/" if number % 2 else b"/blog/post-0/"
    request = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Language: en\r\n\r\n" % (path, port)
    try:
        receive, send = await asyncio.open_connection("127.0.0.1", port)
        while not done.is_set():
            begun, now = time.monotonic(), time.time()
            send.write(request)
            head = await receive.readuntil(b"\r\n\r\n")
            body = await receive.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
            seen.waits.append(time.monotonic() - begun)
            seen.pages += 1
            _judge(head, body, now, seen, saved)
        send.close()
    except (OSError, asyncio.IncompleteReadError, TypeError) as error:
        seen.errors.append(repr(error))


def _judge(head: bytes, body: bytes, asked: float, seen: Spike, saved: list[tuple[int, float]]) -> None:
    if not head.startswith(b"HTTP/1.1 200 "):
        seen.errors.append(head.partition(b"\r\n")[0].decode())
        return
    due = max((edition for edition, at in saved if at + _STALE <= asked), default=0)
    shown = _EDITION.search(body)
    if shown is None or int(shown[1]) < due:
        seen.stale += 1
