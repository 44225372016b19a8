"""Pages that are the same for everybody are kept, and never shown longer than they are right."""

import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection, connections, transaction
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template import RequestContext, Template, TemplateSyntaxError
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from blog.models import Author, Tag
from library import freshness
from library.kept import kept
from pages.models import FaqEntry, FaqTopic, Page
from tests.blog.test_posts import make_post

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/blog/"


@pytest.fixture(autouse=True)
def kept_pages(settings, monkeypatch):
    settings.PAGES_KEPT_SECONDS = 300
    monkeypatch.setattr(freshness, "_known", None)
    monkeypatch.setattr(freshness, "_look_at", 0.0)
    monkeypatch.setattr("library.kept._asks_at", 0.0)


def queries(client, path: str = LIST, **options) -> int:
    """How many the answer took, without those that ask for the version."""
    asked = []

    def count(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    freshness.current()
    with connection.execute_wrapper(count):
        assert client.get(path, **options).status_code == 200
    return len([sql for sql in asked if "contentversion" not in sql.lower()])


class KeepingTests:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            LIST,
            "/blog/first/",
            "/blog/rss.xml",
            "/blog/tags/news/",
            "/faq/",
            "/contact/",
            "/sitemap.xml",
            "/p/team/",
        ],
    )
    def test_a_page_is_made_once(self, client, path):
        make_post().tags.add(Tag.objects.create(name="News", slug="news"))
        Page.objects.create(title="Team", slug="team", description="Who we are.", body="<p>We</p>")
        first = client.get(path)

        assert queries(client, path) == 0
        second = client.get(path)
        assert second.content == first.content
        assert second.headers == first.headers
        assert "csrf" not in second.text and "nonce=" not in second.text

    def test_it_says_by_what_it_differs_and_is_asked_for_again_in_vain(self, client):
        answer = client.get(LIST)

        assert {name.strip() for name in answer["Vary"].split(",")} >= {"Accept-Language", "Cookie"}
        assert answer["Cache-Control"] == "no-cache"
        again = client.get(LIST, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
        assert "Content-Security-Policy" in answer

    def test_head_is_answered_from_what_get_has_made(self, client):
        length = len(client.get(LIST).content)

        answer = client.head(LIST)

        assert (answer.content, answer["Content-Length"]) == (b"", str(length))

    def test_each_number_of_a_page_is_another(self, client):
        for number in range(12):
            make_post(f"post-{number}", days=-number - 1)

        first, second = client.get(LIST), client.get(f"{LIST}?page=2")

        assert "post-11" not in first.text and "post-11" in second.text
        assert queries(client) == queries(client, f"{LIST}?page=2") == 0

    def test_what_a_page_does_not_look_at_makes_no_other_and_stands_in_none(self, client):
        client.get(LIST)

        assert queries(client, f"{LIST}?utm_source=evil") == 0
        cache.clear()
        assert "evil" not in client.get(f"{LIST}?utm_source=evil").text

    def test_hosts_are_kept_apart(self, client, settings):
        settings.ALLOWED_HOSTS = ["a.example", "b.example"]
        for host in ("a.example", "b.example"):
            assert (
                f"http://{host}/blog/"
                in client.get("/blog/sitemap.xml", headers={"Host": host}).text
                + client.get(LIST, headers={"Host": host}).text
            )
        assert client.get(LIST, headers={"Host": "c.example"}).status_code == 400

    def test_what_is_not_there_is_not_kept(self, client):
        assert client.get("/blog/first/").status_code == 404

        make_post()

        assert client.get("/blog/first/").status_code == 200


class FreshnessTests:
    @pytest.mark.parametrize(
        "change",
        [
            lambda post: post.save(),
            lambda post: post.tags.add(Tag.objects.create(name="News", slug="news")),
            lambda post: Tag.objects.create(name="News", slug="news"),
            lambda post: Author.objects.create(name="Ada", slug="ada"),
            lambda post: post.put_in_bin(),
            lambda post: post.delete(),
            lambda post: FaqTopic.objects.create(name="Calls"),
        ],
    )
    def test_every_change_makes_pages_anew(self, client, change):
        post = make_post()
        client.get(LIST)
        assert queries(client) == 0

        change(post)

        assert queries(client) > 0

    def test_a_change_counts_once_it_is_committed(self, client):
        post = make_post()
        with transaction.atomic():
            post.title = "Changed"
            post.save()
            before = freshness.current()
        assert freshness.current() != before
        assert "Changed" in client.get(LIST).text

    def test_what_is_taken_back_changes_nothing(self, client):
        post = make_post()
        before = freshness.current()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            post.save()
            raise ZeroDivisionError

        assert freshness.current() == before

    def test_a_scheduled_post_appears_at_its_time_on_pages_that_were_kept(self, client, monkeypatch):
        make_post("coming", days=1)
        assert "Coming" not in client.get(LIST).text
        assert queries(client) == 0

        later = timezone.now() + timedelta(days=1, seconds=1)
        monkeypatch.setattr(timezone, "now", lambda: later)

        for path in (LIST, "/blog/rss.xml", "/blog/sitemap.xml"):
            assert "coming" in client.get(path).text

    def test_nothing_is_kept_beyond_the_next_time_at_which_something_appears(self, client, settings, monkeypatch):
        make_post("coming", days=1)
        seconds = []
        keep = cache.set
        monkeypatch.setattr(
            "library.kept.cache.set", lambda key, value, timeout: (seconds.append(timeout), keep(key, value, timeout))
        )
        settings.PAGES_KEPT_SECONDS = 10**6

        client.get(LIST)

        assert 86000 < seconds[0] <= 86400

    def test_a_vote_and_a_message_change_no_page(self, client):
        topic = FaqTopic.objects.create(name="Calls")
        entry = FaqEntry.objects.create(topic=topic, question="Why?", slug="why", answer="<p>So.</p>")
        before = freshness.current()

        entry.count(did_help=True)

        assert freshness.current() == before


class PrivacyTests:
    def test_who_is_signed_in_gets_a_page_of_their_own_and_leaves_none_behind(self, admin_client, client):
        assert queries(admin_client) > 0
        assert queries(admin_client) > 0
        assert queries(client) > 0

    @pytest.mark.parametrize(
        "path", ["/?code=a..b/", "/faq/?q=why", "/faq/?answered=why", "/contact/?about=abuse", "/contact/?sent"]
    )
    def test_what_somebody_asked_for_is_not_kept(self, client, path):
        client.get(path)

        assert queries(client, path) > 0 or path.startswith("/?code")
        assert "ETag" not in client.get(path)

    def test_previews_and_calls_are_not_kept(self, client):
        post = make_post(days=None)
        for path in (post.preview_url, "/heron"):
            assert "no-store" in client.get(path)["Cache-Control"]
            assert "ETag" not in client.get(path)

    @pytest.mark.parametrize("kind", ["cookie", "token", "nonce"])
    def test_a_page_that_holds_something_of_one_visitor_is_shown_and_not_kept(self, rf, caplog, kind):
        def view(request):
            answer = HttpResponse("Hello")
            if kind == "cookie":
                answer.set_cookie("a", "b")
            elif kind == "token":
                answer.write(get_token(request))
            else:
                request._csp_nonce = "n"
            return answer

        view.made = 0
        request = rf.get("/somewhere/")
        request.resolver_match = type("Match", (), {"view_name": "somewhere"})
        answer = kept(view)(request)

        assert "ETag" not in answer
        assert "somewhere is to be kept" in caplog.text


class OutageTests:
    def test_a_database_that_is_away_leaves_what_was_made(self, client, monkeypatch):
        make_post()
        client.get(LIST)
        monkeypatch.setattr(freshness, "_look_at", 0.0)

        def refuse(*_):
            raise OperationalError("away")

        with connection.execute_wrapper(refuse):
            assert "First" in client.get(LIST).text

    def test_a_cache_that_is_away_is_not_asked_again_and_pages_are_made(self, client, monkeypatch):
        asked = []

        def refuse(*_):
            asked.append(1)
            raise RedisAway("away")

        monkeypatch.setattr("library.kept.cache.get", refuse)
        make_post()

        for _ in range(3):
            assert "First" in client.get(LIST).text
        assert len(asked) == 1

    def test_many_at_once_make_one_page(self, rf, settings):
        made, begin = [], threading.Barrier(20)

        def view(request):
            made.append(1)
            return HttpResponse("Hello")

        shown = kept(view)

        def read():
            begin.wait()
            assert shown(rf.get("/somewhere/")).content == b"Hello"
            connections.close_all()

        freshness.current()
        readers = [threading.Thread(target=read) for _ in range(20)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

        assert len(made) == 1


class RememberedTests:
    def test_what_all_pages_show_is_asked_once_for_each_version(self):
        asked = []

        def make() -> int:
            asked.append(1)
            return len(asked)

        assert [freshness.remembered("test", make) for _ in range(3)] == [1, 1, 1]
        make_post()
        assert [freshness.remembered("test", make) for _ in range(3)] == [2, 2, 2]

    def test_a_page_with_a_link_is_linked_at_once_where_it_was_saved(self, client):
        client.cookies["session"] = "somebody"  # who gets pages that are made anew
        assert "/p/team/" not in client.get("/blog/").content.decode()

        Page.objects.create(slug="team", title="Team", description="We.", body="<p>We</p>", place="footer")

        assert "/p/team/" in client.get("/blog/").content.decode()

    def test_where_nothing_is_kept_it_is_asked_each_time(self, settings):
        settings.PAGES_KEPT_SECONDS = 0
        asked = []

        for _ in range(2):
            freshness.remembered("test", lambda: asked.append(1))

        assert len(asked) == 2


class PartTests:
    """Of pages that are made anew: what stands in a remembered part of them."""

    @pytest.fixture(autouse=True)
    def somebody(self, client):
        client.cookies["session"] = "somebody"

    def test_costs_no_query_the_second_time(self, client):
        make_post().tags.add(Tag.objects.create(name="News", slug="news"))
        Page.objects.create(slug="team", title="Team", description="We.", body="<p>We</p>", place="header")

        first, second = queries(client), queries(client)

        assert first - second == 3  # pages with a link, topics, months

    def test_a_page_that_is_renamed_or_taken_away_is_so_at_once(self, client):
        page = Page.objects.create(slug="team", title="Team", description="We.", body="<p>We</p>", place="header")
        assert ">Team</a>" in client.get(LIST).text

        page.title = "Crew"
        page.save()
        assert ">Crew</a>" in client.get(LIST).text

        page.place = ""
        page.save()
        assert "/p/team/" not in client.get(LIST).text

    def test_topics_and_months_are_new_at_once(self, client):
        tag = Tag.objects.create(name="News", slug="news")
        make_post().tags.add(tag)
        assert "/blog/tags/news/" in client.get(LIST).text

        tag.name = "Reports"
        tag.save()
        assert ">Reports</a>" in client.get(LIST).text

        make_post(slug="old", published_at=timezone.now().replace(year=2021, month=3))
        assert "/blog/2021/3/" in client.get(LIST).text

    def test_the_link_of_the_page_itself_is_marked_on_it_alone(self, client):
        Page.objects.create(slug="team", title="Team", description="We.", body="<p>We</p>", place="header")
        marked = 'href="/p/team/" lang="en" aria-current="page"'

        assert marked not in client.get(LIST).text
        assert marked in client.get("/p/team/").text
        assert marked not in client.get("/faq/").text

    def test_each_language_has_its_own(self, client):
        english, german = (client.get(LIST, headers={"accept-language": language}).text for language in ("en", "de"))

        assert "Skip to the content" in english
        assert "Zum Inhalt springen" in german
        assert "Skip to the content" in client.get(LIST, headers={"accept-language": "en"}).text

    def test_nobody_reads_the_query_of_another(self, client):
        assert "page=1&amp;of=mine&amp;lang=de" in client.get(f"{LIST}?page=1&of=mine").text

        assert "mine" not in client.get(LIST).text

    def test_knows_nothing_of_the_visitor(self, rf):
        template = Template(
            "{% load library %}{% remembered 'visitor' a=b %}{{ request.path }}{{ csrf_token }}{% csrf_token %}{{ user }}{{ c }}{{ a }}"
            "{% endremembered %}"
        )

        request = rf.get("/somewhere/")
        request.user = "Charlie"

        assert template.render(RequestContext(request, {"b": "<", "c": "secret"})) == "&lt;"

    def test_is_made_for_each_value_that_is_named(self):
        template = Template("{% load library %}{% remembered 'value' a=b %}{{ a }}{% endremembered %}")

        shown = [template.render(RequestContext(None, {"b": b})) for b in ("1", 1, "2", "1")]

        assert shown == ["1", "1", "2", "1"]

    def test_a_word_that_names_nothing_is_refused(self):
        with pytest.raises(TemplateSyntaxError, match="name=value, not section"):
            Template("{% load library %}{% remembered 'header' section %}{% endremembered %}")

    def test_what_a_post_leads_to_is_new_at_once(self, client):
        tag = Tag.objects.create(name="News", slug="news")
        make_post("first", days=-3).tags.add(tag)
        assert "/blog/next/" not in client.get("/blog/first/").text

        later = make_post("next", days=-2)
        assert 'href="/blog/next/" rel="next"' in client.get("/blog/first/").text
        assert "related-link" not in client.get("/blog/first/").text

        later.tags.add(tag)
        assert 'class="related-link" href="/blog/next/"' in client.get("/blog/first/").text

        later.put_in_bin()
        assert "/blog/next/" not in client.get("/blog/first/").text

    def test_what_another_process_has_just_taken_away_is_not_led_to(self, client):
        make_post("first", days=-3)
        later = make_post("next", days=-2)
        assert "/blog/next/" in client.get("/blog/first/").text

        type(later).objects.filter(pk=later.pk).update(deleted_at=timezone.now())  # no signal, as if somewhere else

        assert "/blog/next/" not in client.get("/blog/first/").text

    def test_a_scheduled_post_is_led_to_from_its_moment_on(self, client, monkeypatch):
        make_post("first", days=-3)
        soon = make_post("soon", days=1)
        assert "/blog/soon/" not in client.get("/blog/first/").text

        now = soon.published_at + timedelta(seconds=1)
        monkeypatch.setattr(timezone, "now", lambda: now)

        assert "/blog/soon/" in client.get("/blog/first/").text
