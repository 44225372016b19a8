"""A post appears at its time, in every process, wherever visitors look for it, and not before."""

import time
import urllib.parse
from contextlib import ExitStack
from datetime import datetime

import pytest

from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.scale import scaled

pytestmark = pytest.mark.server

LANGUAGES = ["en", "de", "es", "fr", "pl"]
PAGES = ["/", "/blog/", "/search/?q={}"]  # in each language
FOR_PROGRAMS = ["/blog/rss.xml", "/blog/atom.xml", "/blog/sitemap.xml"]
# The first two are run always, all of them at full size.
KINDS = [("sqlite", False), ("postgresql", True), ("sqlite", True), ("postgresql", False)][: max(2, scaled(4))]
WITHIN = 1.0  # seconds
POST = """
from datetime import timedelta
from django.utils import timezone
from blog.models import Post
at = timezone.now() + timedelta(seconds={seconds})
Post.objects.create(slug="{slug}", title="The {slug}", summary="About it.", body="<p>It.</p>", published_at=at)
print((at if {seconds} else timezone.now()).isoformat())
"""


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}-{'with' if kind[1] else 'without'}-redis")
def nodes(request, tmp_path_factory):
    """Two processes of one site, and nothing shared between them but the database, and Redis if there is one."""
    database, has_redis = request.param
    with ExitStack() as stack:
        redis = [stack.enter_context(RedisServer())] if has_redis else []  # of its own, whose cache nobody else fills
        if database == "postgresql":
            address = request.getfixturevalue("postgres").make_database()
        else:
            address = f"sqlite:///{tmp_path_factory.mktemp('site')}/db.sqlite3"
        found = [stack.enter_context(Node(*redis, DATABASE_URL=address)) for _ in range(2)]
        for command in (["migrate", "--verbosity=0"], ["sample_content"]):
            done = found[0].manage(*command)
            assert done.returncode == 0, done.stderr
        yield found


def write(node: Node, slug: str, *, in_seconds: float) -> float:
    """In a third process, as a cron job or another node would; answers when visitors are to see it, by the clock of time.time."""
    done = node.manage("shell", "--no-imports", "-c", POST.format(slug=slug, seconds=in_seconds))
    assert done.returncode == 0, done.stderr
    return datetime.fromisoformat(done.stdout.strip()).timestamp()


def looks(slug: str) -> list[tuple[str, str]]:
    """Where somebody may look: an address, and the language in which they ask for it."""
    pages = [(path.format(urllib.parse.quote(slug)), language) for path in PAGES for language in LANGUAGES]
    return pages + [(path, "en") for path in FOR_PROGRAMS]


def holds(node: Node, path: str, language: str, slug: str) -> bool:
    with node.get(path, **{"Accept-Language": language}) as answer:
        text = answer.read().decode()
        if answer.headers.get_content_type() == "text/html":
            assert f'<html lang="{language}">' in text
        return f"/blog/{slug}/" in text


def test_a_post_appears_within_a_second_of_its_time_and_not_before(nodes):
    for node in nodes:  # all that can be kept is kept
        for path, language in looks("heron") * 2:
            assert not holds(node, path, language, "heron")

    due = write(nodes[0], "heron", in_seconds=3)

    seen_before = 0
    while time.time() < due:
        for node in nodes:
            for path, language in looks("heron"):
                has_it = holds(node, path, language, "heron")
                if time.time() < due:
                    assert not has_it, f"{path} in {language}, too early"
                    seen_before += 1
    time.sleep(max(0.0, due + WITHIN - time.time()))
    missing = [(node.port, *look) for node in nodes for look in looks("heron") if not holds(node, *look, "heron")]
    assert missing == []
    assert seen_before


def test_what_an_editor_saves_is_seen_within_a_second(nodes):
    for node in nodes:
        for path, language in looks("osprey") * 2:
            assert not holds(node, path, language, "osprey")

    saved = write(nodes[1], "osprey", in_seconds=0)

    time.sleep(max(0.0, saved + WITHIN - time.time()))
    missing = [(node.port, *look) for node in nodes for look in looks("osprey") if not holds(node, *look, "osprey")]
    assert missing == []
