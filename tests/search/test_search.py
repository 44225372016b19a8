"""What visitors find, and what they never do."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from pages.models import FaqEntry, FaqTopic, Page
from search.models import Entry, Word
from tests.blog.test_posts import make_post

pytestmark = pytest.mark.django_db


def search(client, typed: str, **more):
    answer = client.get("/search/", {"q": typed, **more})
    assert answer.status_code == 200
    return answer


def found(client, typed: str, **more) -> list[str]:
    return re.findall(r'class="post-card-link" href="([^"]*)"', search(client, typed, **more).text)


@pytest.fixture
def question():
    topic = FaqTopic.objects.create(name="Calls")
    return FaqEntry.objects.create(
        topic=topic, question="Who hears me?", slug="who", answer="<p>Nobody but the other.</p>"
    )


class FindingTests:
    def test_posts_questions_and_pages_are_found(self, client, question):
        make_post("relays", body="<p>How a nightingale sings</p>")
        Page.objects.create(title="Team", slug="team", description="Who we are.", body="<p>We love nightingales.</p>")

        assert found(client, "nightingale") == ["/blog/relays/", "/p/team/"]
        assert found(client, "hears") == ["/faq/#who"]

    def test_a_title_counts_more_than_a_summary_and_that_more_than_the_text(self, client):
        make_post("text", body="<p>One otter swims</p>", days=-1)
        make_post("summary", summary="About an otter.", days=-2)
        make_post("title", title="The otter", days=-3)

        assert found(client, "otter") == ["/blog/title/", "/blog/summary/", "/blog/text/"]

    def test_of_two_that_are_alike_the_newer_comes_first(self, client):
        for days in (3, 1, 2):
            make_post(f"p{days}", title="The otter", summary="Same.", days=-days)

        assert found(client, "otter") == ["/blog/p1/", "/blog/p2/", "/blog/p3/"]

    def test_all_words_must_stand_there_in_any_form_and_order(self, client):
        make_post("one", body="<p>Calls are relayed</p>")
        make_post("other", body="<p>Calls are free</p>")

        assert found(client, "relay CALL") == ["/blog/one/"]

    def test_the_beginning_of_a_word_is_enough(self, client):
        make_post("one", body="<p>The nightingale</p>")

        assert found(client, "nighti") == ["/blog/one/"]

    def test_a_slip_of_the_fingers_is_mended_and_said(self, client):
        make_post("one", body="<p>You receive a picture</p>")

        answer = search(client, "recieve")

        assert "“recieve” stands nowhere; this is what holds “receive”." in answer.text
        assert "/blog/one/" in answer.text

    def test_what_was_found_is_marked_and_nothing_else_is_markup(self, client):
        make_post("one", title="<b>Otter</b> & co", body="<p>An otter &lt;script&gt;alert(1)&lt;/script&gt; swims</p>")

        html = search(client, "otter").text

        assert "&lt;b&gt;<mark>Otter</mark>&lt;/b&gt; &amp; co" in html
        assert "<mark>otter</mark> &lt;script&gt;" in html
        assert "<script>alert" not in html

    def test_long_results_have_pages(self, client):
        for number in range(23):
            make_post(f"post-{number}", title="The otter", days=-number - 1)

        assert len(found(client, "otter")) == len(found(client, "otter", page=2)) == 10
        assert found(client, "otter", page=3) == ["/blog/post-20/", "/blog/post-21/", "/blog/post-22/"]
        assert "23 results" in search(client, "otter", page=2).text
        assert found(client, "otter", page=4) == found(client, "otter", page=3)

    @pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 100, "²", ""])
    def test_a_page_that_is_none_is_no_error(self, client, page):
        make_post("one", title="The otter")

        search(client, "otter", page=page)


class PrivacyTests:
    def test_drafts_the_bin_and_the_future_are_not_found(self, client):
        make_post("draft", title="The otter", days=None)
        make_post("coming", title="The otter", days=1)
        make_post("gone", title="The otter").put_in_bin()

        assert found(client, "otter") == []

    def test_a_scheduled_post_is_found_from_its_time_on(self, client, monkeypatch):
        make_post("coming", title="The otter", days=1)
        later = timezone.now() + timedelta(days=1, seconds=1)

        monkeypatch.setattr(timezone, "now", lambda: later)

        assert found(client, "otter") == ["/blog/coming/"]

    def test_each_change_is_found_at_once_and_what_is_taken_back_is_not(self, client, question):
        post = make_post("one", title="The otter")
        post.title, post.slug = "The heron", "two"
        post.save()
        assert (found(client, "otter"), found(client, "heron")) == ([], ["/blog/two/"])

        post.published_at = None
        post.save()
        assert found(client, "heron") == []

        question.delete()
        assert found(client, "hears") == []

        with pytest.raises(ZeroDivisionError), transaction.atomic():
            make_post("three", title="The newt")
            raise ZeroDivisionError
        assert found(client, "newt") == []

    def test_the_page_holds_nothing_of_one_visitor_and_is_not_listed(self, client):
        answer = search(client, "otter")

        assert not answer.cookies
        assert 'name="robots" content="noindex"' in answer.text
        assert "csrf" not in answer.text


class OddInputTests:
    @pytest.mark.parametrize(
        "typed",
        ["", " ", "\0", "🎥", "the", "'", '"', "a:*", "NOT", "NEAR(a b)", "* OR *", "title:x", "-", "%", "\\", "<script>",
         "x" * 10_000, "كلمة", "视频", "&|!()", "{}", "^a", "+a", "a AND", "--", ";DROP TABLE search_entry"],
    )  # fmt: skip
    def test_anything_gets_a_plain_answer(self, client, typed):
        make_post("one", title="The otter")

        html = search(client, typed).text

        assert "<script>" not in html.replace('<script type="', "")

    def test_other_scripts_are_found(self, client):
        make_post("one", title="视频 通话", body="<p>مكالمة Größe</p>")

        assert found(client, "视频") == found(client, "مكالمة") == found(client, "größe")

    def test_other_methods_are_refused(self, client):
        assert client.post("/search/", {"q": "x"}).status_code == 405

    def test_its_word_is_no_code(self, client):
        assert client.get("/search").headers["Location"] == "/search/"


class IndexTests:
    def test_it_is_made_anew_from_all_texts(self, client, question, capsys):
        make_post("one", title="The otter")
        make_post("draft", days=None)
        Entry.objects.all().delete()
        Word.objects.create(text="leftover")

        call_command("search_index")
        call_command("search_index")

        assert "2 texts can be found." in capsys.readouterr().out
        assert Entry.objects.count() == 2
        assert not Word.objects.filter(text="leftover").exists()
        assert found(client, "otter") == ["/blog/one/"]

    def test_a_site_that_had_texts_before_gets_one_with_the_migration(self, client):
        make_post("one", title="The otter")
        Entry.objects.all().delete()

        call_command("migrate", "--verbosity=0")

        assert found(client, "otter") == ["/blog/one/"]

    def test_there_are_as_many_queries_for_many_texts_as_for_ten(self, client, django_assert_num_queries):
        def make(count, start):
            for number in range(start, start + count):
                make_post(f"post-{number}", title="The otter", body="<p>swims</p>", days=-number - 1)

        make(10, 0)
        with django_assert_num_queries(4):
            search(client, "otter")
        make(200, 10)
        with django_assert_num_queries(4):
            search(client, "otter")
