"""What visitors, search engines and feed readers find in the blog."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blog import sample
from blog.models import Author, Post, Tag
from tests.blog.test_posts import make_post
from tests.library.pictures import make_picture, public_picture

pytestmark = pytest.mark.django_db
CHART = '<pre><code class="language-chart">type: bars\ntitle: Minutes\nMay: 3\nJune: 21</code></pre>'
ATTACK = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def tag():
    return Tag.objects.create(name="Scaling", slug="scaling")


@pytest.fixture
def ada():
    return Author.objects.create(name="Ada", slug="ada", bio="Counts.")


def published(slug: str = "first", *, tags=(), authors=(), **values) -> Post:
    post = make_post(slug, **values)
    post.tags.set(tags)
    post.authors.set(authors)
    return post


def html_of(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def meta(html: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)"', html))


class ListsTests:
    def test_months_and_years_show_what_was_published_then(self, client):
        published("may", published_at=datetime(2025, 5, 31, 23, 30, tzinfo=UTC))
        published("june", published_at=datetime(2025, 6, 1, 0, 30, tzinfo=UTC))

        assert "/blog/may/" in html_of(client, "/blog/2025/5/")
        assert "/blog/june/" not in html_of(client, "/blog/2025/5/")
        assert "/blog/june/" in html_of(client, "/blog/2025/")
        assert 'href="/blog/2025/6/"' in html_of(client, "/blog/")

    @pytest.mark.parametrize("address", ["2024/", "2025/7/", "2025/13/", "2025/0/", "1999/", "9999/", "99999999999/"])
    def test_a_time_without_posts_is_not_found(self, client, address):
        published("june", published_at=datetime(2025, 6, 1, tzinfo=UTC))

        assert client.get(f"/blog/{address}").status_code == 404

    def test_a_tag_and_an_author_have_pages_of_their_own(self, client, tag, ada):
        published("first", tags=[tag], authors=[ada])
        published("second")

        for address in ["/blog/tags/scaling/", "/blog/authors/ada/"]:
            html = html_of(client, address)
            assert "/blog/first/" in html
            assert "/blog/second/" not in html
        assert "Counts." in html_of(client, "/blog/authors/ada/")

    def test_what_only_drafts_have_is_not_found_and_not_listed(self, client, tag, ada):
        published("draft", days=None, tags=[tag], authors=[ada])
        published("tomorrow", days=1, tags=[tag])
        binned = published("binned", tags=[tag])
        binned.put_in_bin()

        assert client.get("/blog/tags/scaling/").status_code == 404
        assert client.get("/blog/authors/ada/").status_code == 404
        assert "scaling" not in html_of(client, "/blog/")
        assert not Tag.objects.used() and not Author.objects.used()

    def test_the_second_page_is_its_own_canonical_address(self, client):
        for number in range(11):
            published(f"post-{number}")

        assert '<link rel="canonical" href="http://testserver/blog/">' in html_of(client, "/blog/")
        assert '<link rel="canonical" href="http://testserver/blog/?page=2">' in html_of(client, "/blog/?page=2")


class PostPageTests:
    def test_says_who_wrote_it_and_how_long_it_takes(self, client, ada):
        published(body=f"<p>{'word ' * 700}</p>", authors=[ada])

        html = html_of(client, "/blog/first/")

        assert 'rel="author" href="/blog/authors/ada/">Ada</a>' in html
        assert "3 minutes to read" in html

    def test_leads_to_the_posts_before_and_after_it(self, client):
        for days, slug in [(-3, "old"), (-2, "middle"), (-1, "new")]:
            published(slug, days=days)
        published("draft", days=None)

        html = html_of(client, "/blog/middle/")

        assert re.search(r'href="/blog/old/" rel="prev"', html)
        assert re.search(r'href="/blog/new/" rel="next"', html)
        assert 'rel="next"' not in html_of(client, "/blog/new/")

    def test_two_of_the_same_moment_lead_to_each_other(self):
        moment = timezone.now() - timedelta(days=1)
        first, second = published("a", published_at=moment), published("b", published_at=moment)

        assert first.around(3)[:2] == (second, None)
        assert second.around(3)[:2] == (None, first)

    def test_related_posts_are_those_that_share_most(self, client, tag):
        other = Tag.objects.create(name="TURN", slug="turn")
        post = published("first", tags=[tag, other])
        published("one", tags=[tag], days=-2)
        published("both", tags=[tag, other], days=-9)
        published("none")
        published("hidden", tags=[tag, other], days=1)

        assert [one.slug for one in post.around(3).related] == ["both", "one"]
        assert "On the same topics" in html_of(client, "/blog/first/")

    def test_a_cover_is_shown_in_modern_formats_with_its_size_and_shared(self, client):
        published(cover=public_picture("A calm sea", caption="Off Sopot"))

        html = html_of(client, "/blog/first/")

        shown = re.search(r'<figure class="cover"[^>]*>.*?</figure>', html, re.DOTALL)[0]
        assert 'type="image/avif"' in shown and 'type="image/webp"' in shown
        assert 'width="1200" height="800" alt="A calm sea"' in shown and "Off Sopot" in shown
        assert "lazy" not in shown
        said = meta(html)
        assert said["og:image"].startswith("http://testserver/media/pictures/")
        assert said["og:image:width"] == "1200" and said["twitter:card"] == "summary_large_image"

    def test_what_search_engines_are_told_may_differ(self, client):
        published(title="Long", search_title="Short", search_description="For them.")

        html = html_of(client, "/blog/first/")

        assert "<title>Short · Gruveo</title>" in html
        assert meta(html)["description"] == "For them."
        assert '<h1 class="reading-title" lang="en">Long</h1>' in html

    def test_the_linked_data_is_what_the_page_says_and_cannot_run(self, client, ada, tag):
        published(title=ATTACK, summary=ATTACK, authors=[ada], tags=[tag])

        html = html_of(client, "/blog/first/")

        found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
        said = json.loads(found[0])
        assert said["headline"] == ATTACK
        assert said["@type"] == "BlogPosting"
        assert said["url"] == "http://testserver/blog/first/"
        assert said["author"] == [{"@type": "Person", "name": "Ada", "url": "http://testserver/blog/authors/ada/"}]
        assert datetime.fromisoformat(said["datePublished"]).tzinfo
        assert "<script>alert" not in html and "<img src=x" not in html

    def test_code_has_its_colours_without_a_script_and_a_chart_its_table(self, client):
        published(body=f'<pre><code class="language-python">import this</code></pre>{CHART}')

        html = html_of(client, "/blog/first/")

        assert '<span class="code-kn">import</span>' in html
        assert '<svg class="chart-drawing"' in html and "style=" not in html
        assert '<th scope="row">June</th><td>21</td>' in html

    def test_a_preview_is_the_page_for_whoever_has_its_address_and_nobody_else(self, client):
        draft = published("draft", days=None)

        answer = client.get(draft.preview_url)

        assert draft.slug not in draft.preview_url and len(draft.preview_key) > 20
        assert "A preview of a draft." in answer.content.decode()
        assert answer["X-Robots-Tag"] == "noindex" and answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]
        assert client.get("/blog/preview/wrong/").status_code == 404
        draft.put_in_bin()
        assert client.get(draft.preview_url).status_code == 404

    @pytest.mark.parametrize("slug", ["tags", "authors", "preview", "2025"])
    def test_a_slug_that_the_blog_needs_itself_is_refused(self, slug):
        with pytest.raises(ValidationError, match="The blog itself"):
            Post(title="x", slug=slug, summary="x", body="<p>x</p>").full_clean()

    def test_an_old_address_leads_to_the_new_one_with_its_query(self, client):
        post = published("old")
        post.slug = "new"
        post.save()

        answer = client.get("/blog/old/?utm=1")

        assert (answer.status_code, answer["Location"]) == (301, "/blog/new/?utm=1")
        assert client.post("/blog/old/").status_code != 301


class FeedsTests:
    FEEDS = ["/blog/rss.xml", "/blog/atom.xml"]

    @pytest.mark.parametrize("address", FEEDS)
    def test_a_reader_finds_all_of_a_post(self, client, ada, tag, address, settings):
        picture = public_picture("A calm sea")
        body = f'<p>See <a href="/about/">about</a>.</p><p><img data-picture="{picture.pk}"></p>{CHART}'
        post = published(body=body, authors=[ada], tags=[tag])

        feed = feedparser.parse(client.get(address).content)

        assert not feed.bozo, feed.get("bozo_exception")
        (entry,) = feed.entries
        origin = str(settings.SITE_ORIGINS[0])
        assert entry.title == post.title and entry.link == "http://testserver/blog/first/"
        assert entry.author == "Ada" and [one.term for one in entry.tags] == ["Scaling"]
        text = entry.content[0].value
        assert f'href="{origin}/about/"' in text
        assert f'src="{origin}/media/pictures/' in text and "<svg" not in text and "21" in text
        assert not re.search(r'(?:src|href)="/', text)
        assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == post.published_at.replace(microsecond=0)

    @pytest.mark.parametrize("address", FEEDS)
    def test_the_id_of_a_post_outlives_its_address(self, client, address):
        post = published()
        before = feedparser.parse(client.get(address).content).entries[0].id
        post.slug = "other"
        post.save()

        assert feedparser.parse(client.get(address).content).entries[0].id == before
        assert before.startswith("tag:")

    @pytest.mark.parametrize("address", FEEDS)
    def test_they_hold_what_is_published_the_newest_first(self, client, address):
        for number in range(25):
            published(f"post-{number}", days=-number - 1)
        published("draft", days=None)
        published("tomorrow", days=1)

        feed = feedparser.parse(client.get(address).content)

        assert [entry.link.split("/")[-2] for entry in feed.entries] == [f"post-{number}" for number in range(20)]

    def test_a_tag_has_feeds_of_its_own(self, client, tag):
        published("first", tags=[tag])
        published("second")

        for kind in ["rss", "atom"]:
            feed = feedparser.parse(client.get(f"/blog/tags/scaling/{kind}.xml").content)
            assert [entry.link for entry in feed.entries] == ["http://testserver/blog/first/"]
            assert "Scaling" in feed.feed.title
        assert 'href="/blog/tags/scaling/rss.xml"' in html_of(client, "/blog/tags/scaling/")
        assert client.get("/blog/tags/none/rss.xml").status_code == 404

    @pytest.mark.parametrize("address", FEEDS)
    def test_an_empty_blog_has_a_feed_that_can_be_read(self, client, address):
        feed = feedparser.parse(client.get(address).content)

        assert not feed.bozo and feed.entries == []


class SitemapTests:
    def test_lists_what_is_public_and_nothing_else(self, client, tag, ada):
        published(tags=[tag], authors=[ada], published_at=datetime(2025, 6, 1, tzinfo=UTC))
        published("draft", days=None, tags=[Tag.objects.create(name="x", slug="hidden")])
        published("tomorrow", days=1)
        published("binned").put_in_bin()

        found = ET.fromstring(client.get("/blog/sitemap.xml").content)

        assert {one.text.removeprefix("http://testserver") for one in found.findall(".//{*}loc")} == {
            "/blog/",
            "/blog/2025/6/",
            "/blog/first/",
            "/blog/tags/scaling/",
            "/blog/authors/ada/",
        }


class QueriesTests:
    ADDRESSES = [
        "/blog/",
        "/blog/post-3/",
        "/blog/tags/scaling/",
        "/blog/authors/ada/",
        "/blog/rss.xml",
        "/blog/sitemap.xml",
        "/",
    ]

    @pytest.mark.slow
    def test_there_are_as_many_for_ten_posts_as_for_ten_thousand(self, client, tag, ada):
        picture = make_picture()
        self._make(range(10), picture, tag, ada)
        few = self._count(client)

        self._make(range(10, 10_000), picture, tag, ada)

        assert self._count(client) == few
        assert max(few.values()) <= 12, few

    def _make(self, numbers, picture, tag, ada) -> None:
        start = datetime(2025, 1, 1, tzinfo=UTC)
        body = f'<p>Hello</p><img alt="" data-picture="{picture.pk}">'
        posts = Post.objects.bulk_create(
            Post(
                title=f"Post {number}",
                slug=f"post-{number}",
                summary="Short.",
                body=body,
                cover=picture,
                published_at=start + timedelta(minutes=number),
            )
            for number in numbers
        )
        for field, value in [("tags", {"tag": tag}), ("authors", {"author": ada})]:
            through = getattr(Post, field).through
            through.objects.bulk_create(through(post=post, **value) for post in posts)

    def _count(self, client) -> dict[str, int]:
        counts = {}
        for address in self.ADDRESSES:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200, address
            counts[address] = len(queries)
        return counts


class SampleTests:
    def test_tells_how_gruveo_was_made_to_scale_with_a_chart(self, client):
        sample.add()

        html = html_of(client, "/blog/growing-without-a-bigger-machine/")

        for fact in ["644%", "thirteen times", "Elastic Beanstalk", "TURN", "Redis", "chart-drawing"]:
            assert fact in html
        assert "chart-problem" not in html
