"""How editors write posts in the admin."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from blog.models import Author, Post, Tag
from library.models import Picture, Redirect
from tests.blog.test_posts import make_post
from tests.library.pictures import encoded, make_picture, upload
from tests.library.test_pictures import SVG

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def filled(post: Post | None = None, **values) -> dict:
    """What the browser sends."""
    given = {"title": "First", "slug": "first", "summary": "Short.", "body": "<p>Hello</p>"}
    given |= {"language": "en", "_continue": "1"}
    if post:
        given |= {name: getattr(post, name) for name in ("title", "slug", "summary", "body")}
        given["seen_version"] = post.version
        if post.published_at:
            here = timezone.localtime(post.published_at)
            given |= {"published_at_0": f"{here:%Y-%m-%d}", "published_at_1": f"{here:%H:%M:%S}"}
    return given | values


def address(post: Post, view: str = "change") -> str:
    return f"/admin/blog/post/{post.pk}/{view}/"


class WritingTests:
    def test_a_new_post_is_a_draft_and_has_a_first_version(self, admin_client, admin_user):
        answer = admin_client.post("/admin/blog/post/add/", filled())

        post = Post.objects.get()
        assert answer.status_code == 302
        assert post.state == "draft"
        assert post.history.get().saved_by == admin_user

    def test_a_time_is_in_the_zone_of_the_editor(self, admin_client):
        admin_client.cookies["zone"] = "Europe/Warsaw"

        admin_client.post("/admin/blog/post/add/", filled(published_at_0="2027-01-15", published_at_1="09:00"))

        post = Post.objects.get()
        assert post.published_at.isoformat() == "2027-01-15T08:00:00+00:00"
        html = admin_client.get("/admin/blog/post/").content.decode()
        assert 'title="15 Jan 2027, 08:00 UTC">15 Jan 2027, 09:00</time>' in html

    @pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", ""])
    def test_a_zone_that_is_none_is_utc(self, admin_client, zone):
        admin_client.cookies["zone"] = zone

        assert admin_client.get("/admin/blog/post/").status_code == 200

    def test_an_address_that_another_has_is_refused_and_nothing_is_lost(self, admin_client):
        make_post()

        answer = admin_client.post("/admin/blog/post/add/", filled(body="<p>My words</p>"))

        assert "Another post has this address." in answer.content.decode()
        assert "My words" in answer.content.decode()

    def test_a_changed_slug_leads_on_from_the_old_address(self, admin_client, client):
        post = make_post()

        admin_client.post(address(post), filled(post, slug="second"))

        assert Redirect.objects.get().new_path == "/blog/second/"

    def test_a_draft_that_nobody_saw_leaves_no_redirect(self, admin_client):
        post = make_post(days=None)

        admin_client.post(address(post), filled(post, slug="second"))

        assert not Redirect.objects.exists()


class NewerVersionTests:
    def test_a_save_on_top_of_what_one_has_not_seen_is_refused_and_both_are_shown(self, admin_client):
        post = make_post()
        other = Post.objects.get(pk=post.pk)
        other.body = "<p>Theirs entirely</p>"
        other.save()
        other.remember(User.objects.create_user("eve"))

        answer = admin_client.post(address(post), filled(post, body="<p>Mine alone</p>"))

        html = answer.content.decode()
        assert Post.objects.get().body == "<p>Theirs entirely</p>"
        assert "Somebody saved a newer version while you wrote." in html
        assert "<ins>Theirs entirely</ins>" in html
        assert "&lt;p&gt;Mine alone&lt;/p&gt;" in html
        assert "of eve" in html

    def test_to_save_again_is_to_replace_it_knowingly(self, admin_client):
        post = make_post()
        Post.objects.get(pk=post.pk).save()
        html = admin_client.post(address(post), filled(post, body="<p>Mine</p>")).content.decode()
        seen = re.search(r'name="seen_version" value="(\d+)"', html)[1]

        admin_client.post(address(post), filled(post, body="<p>Mine</p>", seen_version=seen))

        assert Post.objects.get().body == "<p>Mine</p>"

    def test_who_is_the_only_one_may_save_as_often_as_they_like(self, admin_client):
        post = make_post()

        for number in range(3):
            post.refresh_from_db()
            assert admin_client.post(address(post), filled(post, body=f"<p>{number}</p>")).status_code == 302

        assert Post.objects.get().history.count() == 3


class VersionTests:
    @pytest.fixture
    def post(self):
        post = make_post()
        post.tags.set([Tag.objects.create(name="growth", slug="growth")])
        post.remember()
        post.body = "<p>Changed</p>"
        post.save()
        post.tags.clear()
        post.remember()
        return post

    def test_they_are_listed_and_compared(self, admin_client, post):
        first = post.history.last().version

        assert f"Version {first}" in admin_client.get(address(post, "history")).content.decode()
        html = admin_client.get(address(post, f"history/{first}")).content.decode()
        assert "<del>Hello</del>" in html
        assert "<ins>Changed</ins>" in html
        assert "<del>growth</del>" in html

    def test_an_older_one_comes_back_as_a_new_one(self, admin_client, post):
        first = post.history.last().version

        answer = admin_client.post(address(post, f"history/{first}"), follow=True)

        post.refresh_from_db()
        assert post.body == "<p>Hello</p>"
        assert [tag.name for tag in post.tags.all()] == ["growth"]
        assert f"Version {first} is back" in answer.content.decode()

    def test_one_that_never_was_is_not_found(self, admin_client, post):
        assert admin_client.get(address(post, "history/999")).status_code == 404

    def test_one_whose_address_another_has_now_is_not_restored(self, admin_client, post):
        first = post.history.last().version
        post.slug = "second"
        post.save()
        make_post("first")

        answer = admin_client.post(address(post, f"history/{first}"), follow=True)

        assert "cannot be restored" in answer.content.decode()
        assert Post.objects.get(pk=post.pk).slug == "second"


class BinTests:
    def test_what_is_deleted_lies_in_the_bin_and_can_be_taken_out(self, admin_client):
        post = make_post()

        admin_client.post(address(post, "delete"), {"post": "yes"})

        assert "First" not in admin_client.get("/admin/blog/post/").content.decode().partition("result_list")[2]
        assert "First" in admin_client.get("/admin/blog/post/?bin=yes").content.decode().partition("result_list")[2]
        admin_client.post("/admin/blog/post/?bin=yes", {"action": "take_from_bin", "_selected_action": [post.pk]})
        assert Post.objects.get().state == "published"

    def test_who_deletes_sees_first_which_links_will_break(self, admin_client):
        post = make_post()
        make_post("other", title="The other one", body='<p><a href="/blog/first/">x</a></p>')

        html = admin_client.get(address(post, "delete")).content.decode()

        assert "the links will break" in html
        assert "The other one" in html

    def test_it_stays_there_when_its_address_is_taken(self, admin_client):
        post = make_post()
        post.put_in_bin()
        make_post()

        answer = admin_client.post(
            "/admin/blog/post/?bin=yes", {"action": "take_from_bin", "_selected_action": [post.pk]}, follow=True
        )

        assert "stays in the bin" in answer.content.decode()
        post.refresh_from_db()
        assert post.deleted_at


class ManyTests:
    def test_many_are_published_at_once_and_withdrawn_again(self, admin_client):
        posts = [make_post("a", days=None), make_post("b", days=3), make_post("c", days=-3)]
        before = posts[2].published_at
        chosen = {"_selected_action": [post.pk for post in posts]}

        admin_client.post("/admin/blog/post/", {"action": "publish", **chosen})
        assert Post.objects.published().count() == 3
        assert Post.objects.get(slug="c").published_at == before

        admin_client.post("/admin/blog/post/", {"action": "withdraw", **chosen})
        assert Post.objects.drafts().count() == 3

    @pytest.mark.parametrize(("state", "shown"), [("draft", "aa"), ("scheduled", "bb"), ("published", "cc")])
    def test_the_list_shows_one_state_alone(self, admin_client, state, shown):
        make_post("aa", days=None)
        make_post("bb", days=3)
        make_post("cc", days=-3)

        html = admin_client.get("/admin/blog/post/", {"state": state}).content.decode().partition("result_list")[2]

        assert [slug for slug in ("Aa", "Bb", "Cc") if slug in html] == [shown.title()]

    def test_authors_tags_and_covers_are_looked_up_as_one_types(self, admin_client):
        Author.objects.create(name="Ada", slug="ada")

        answer = admin_client.get(
            "/admin/autocomplete/", {"app_label": "blog", "model_name": "post", "field_name": "authors", "term": "ad"}
        )

        assert [one["text"] for one in answer.json()["results"]] == ["Ada"]


class PreviewTests:
    @pytest.mark.parametrize("days", [None, 3])
    def test_who_has_the_address_reads_it_before_it_is_published(self, client, days):
        post = make_post(days=days)

        answer = client.get(post.preview_url)

        assert "<p>Hello</p>" in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Robots-Tag"] == "noindex"
        assert answer["Referrer-Policy"] == "no-referrer"

    def test_a_made_up_address_and_what_lies_in_the_bin_are_not_found(self, client):
        post = make_post(days=None)
        post.put_in_bin()

        assert client.get("/blog/preview/first/").status_code == 404
        assert client.get(post.preview_url).status_code == 404


class LibraryTests:
    def send(self, client, **values):
        given = {"upload": upload(), "alt": "A sea", "caption": "At six"} | values
        return client.post("/admin/library/picture/upload/", given)

    def test_a_pasted_picture_is_kept_and_described(self, admin_client, admin_user):
        answer = self.send(admin_client)

        picture = Picture.objects.get()
        assert answer.status_code == 201
        assert answer.json() == {"id": picture.pk, "alt": "A sea", "caption": "At six", "thumbnail": picture.thumbnail}
        assert picture.uploaded_by == admin_user

    @pytest.mark.parametrize(
        ("values", "field", "code"),
        [
            ({"upload": upload(SVG, "x.svg")}, "upload", "no-picture"),
            ({"upload": upload(encoded()[:999])}, "upload", "broken-picture"),
            ({"alt": ""}, "alt", "required"),
            ({"upload": ""}, "upload", "required"),
        ],
        ids=["svg", "broken", "no words", "no file"],
    )
    def test_what_cannot_be_taken_is_refused_with_a_code(self, admin_client, values, field, code):
        answer = self.send(admin_client, **values)

        assert answer.status_code == 400
        assert (answer.json()["field"], answer.json()["code"]) == (field, code)
        assert not Picture.objects.exists()

    def test_the_library_is_searched_by_words(self, admin_client):
        make_picture("A calm sea")
        make_picture("A high hill")

        found = admin_client.get("/admin/library/picture/choose/", {"q": "hill"}).json()

        assert [one["alt"] for one in found["pictures"]] == ["A high hill"]
        assert found["more"] is False

    def test_visitors_reach_none_of_it(self, client):
        for path in ["choose/", "upload/", "1/file/"]:
            assert client.get(f"/admin/library/picture/{path}").status_code == 302
        assert self.send(client).status_code == 302
        assert not Picture.objects.exists()

    def test_who_deletes_one_sees_first_where_it_is_missed(
        self, admin_client, tmp_path, django_capture_on_commit_callbacks
    ):
        picture = make_picture()
        make_post(title="With a cover", cover=picture)
        make_post("in", title="In the text", body=f'<figure><img data-picture="{picture.pk}"></figure>')

        html = admin_client.get(f"/admin/library/picture/{picture.pk}/delete/").content.decode()
        assert "will have a gap" in html
        assert "With a cover" in html
        assert "In the text" in html

        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(f"/admin/library/picture/{picture.pk}/delete/", {"post": "yes"})
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        assert Post.objects.get(slug="first").cover is None

    def test_pictures_are_seen_in_the_list(self, admin_client):
        picture = make_picture()

        seen = admin_client.get("/admin/library/picture/").content.decode()
        assert f'src="{picture.thumbnail.partition("?")[0]}?key=' in seen  # each second signs another


class RichTextTests:
    @pytest.mark.parametrize(
        "html",
        [
            "<script>alert(1)</script>",
            '<img src=x onerror="alert(1)">',
            '<a href="java&#x09;script:alert(1)">x</a>',
            "<svg onload=alert(1)>",
            '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
            '<p><img data-picture="1" alt="&quot;><script>alert(1)</script>"></p>',
            "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        ],
    )
    def test_what_could_run_is_gone_when_it_is_saved(self, admin_client, html):
        admin_client.post("/admin/blog/post/add/", filled(body=f"<p>x</p>{html}"))

        body = Post.objects.get().body
        for bad in ["<script", "onerror=", "onload=", "javascript:", "java\tscript"]:
            assert bad not in body.replace("&lt;script", "").replace("&gt;", "")

    def test_the_editor_is_told_what_may_stand_there(self, admin_client):
        html = admin_client.get("/admin/blog/post/add/").content.decode()

        config = re.search(r'data-django-prose-editor-configurable="([^"]+)"', html)[1].replace("&quot;", '"')
        assert "Pictures" in json.loads(config)["extensions"]
        assert re.search(r'<script[^>]* nonce="[^"]+"[^>]*type="importmap"|type="importmap"[^>]*nonce=', html)


def test_a_scheduled_post_appears_at_its_moment_without_anybody_doing_anything(client):
    post = make_post(days=1)

    assert client.get(post.get_absolute_url()).status_code == 404
    Post.objects.update(published_at=timezone.now() - timedelta(seconds=1))
    assert client.get(post.get_absolute_url()).status_code == 200
