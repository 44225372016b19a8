"""The list of posts and each post: drafts and posts of the future do not exist for visitors."""

from datetime import timedelta

import pytest
from django.utils import timezone

from blog import sample
from blog.models import Post

pytestmark = pytest.mark.django_db


def make_post(slug: str = "first", *, days: int | None = -1, **values) -> Post:
    """A post published in so many days; None is a draft."""
    published_at = None if days is None else timezone.now() + timedelta(days=days)
    return Post.objects.create(
        **{
            "slug": slug,
            "title": slug.title(),
            "summary": "Short.",
            "body": "<p>Hello</p>",
            "published_at": published_at,
        }
        | values
    )


@pytest.fixture
def hidden_posts():
    return [make_post("draft", days=None), make_post("tomorrow", days=1)]


class PublishedTests:
    def test_holds_neither_drafts_nor_posts_of_the_future(self, hidden_posts):
        post = make_post()

        assert list(Post.objects.published()) == [post]

    def test_the_newest_comes_first(self):
        old, new = make_post("old", days=-9), make_post("new", days=-1)

        assert list(Post.objects.published()) == [new, old]

    def test_a_post_appears_at_its_moment(self):
        post = make_post("tomorrow", days=1)

        assert not Post.objects.published(post.published_at - timedelta(seconds=1))
        assert Post.objects.published(post.published_at)


class ListTests:
    def test_shows_what_is_published(self, client, hidden_posts):
        make_post()

        html = client.get("/blog/").content.decode()

        assert 'href="/blog/first/"' in html
        assert "draft" not in html
        assert "tomorrow" not in html

    def test_goes_on_on_a_second_page(self, client):
        for n in range(11):
            make_post(f"post-{n}", days=-n - 1)

        assert 'href="?page=2"' in client.get("/blog/").content.decode()
        assert "/blog/post-10/" in client.get("/blog/?page=2").content.decode()

    def test_a_page_that_makes_no_sense_is_the_nearest_one(self, client):
        make_post()

        for number in ["0", "99", "x", ""]:
            assert client.get("/blog/", {"page": number}).status_code == 200

    def test_says_so_when_there_is_nothing(self, client):
        assert "There are no posts here yet." in client.get("/blog/").content.decode()


class PostTests:
    def test_is_shown_at_its_address(self, client):
        post = make_post(body="<h2>Why</h2><p>Because.</p>")

        html = client.get(post.get_absolute_url()).content.decode()

        assert '<h2 id="part-1">Why</h2><p>Because.</p>' in html
        assert 'href="#part-1"' in html

    def test_a_draft_and_a_post_of_the_future_are_not_found(self, client, hidden_posts):
        for post in hidden_posts:
            assert client.get(post.get_absolute_url()).status_code == 404

    def test_an_unknown_slug_is_not_found(self, client):
        assert client.get("/blog/none/").status_code == 404

    def test_loses_what_could_run_when_saved(self):
        assert make_post(body="<p>x</p><script>alert(1)</script>").body == "<p>x</p>"

    def test_loses_what_could_run_even_when_written_past_save(self, client):
        post = make_post()
        Post.objects.update(body="<p>x</p><script>alert(1)</script>")

        assert "alert(1)" not in client.get(post.get_absolute_url()).content.decode()

    def test_sets_no_cookie(self, client):
        assert not client.get(make_post().get_absolute_url()).cookies

    def test_refuses_to_be_posted_to(self, client):
        assert client.post(make_post().get_absolute_url()).status_code == 405


class ElsewhereTests:
    def test_home_and_sitemap_show_only_what_is_published(self, client, hidden_posts):
        make_post()

        for address in ["/", "/blog/sitemap.xml"]:
            html = client.get(address).content.decode()
            assert "/blog/first/" in html
            assert "/blog/draft/" not in html
            assert "/blog/tomorrow/" not in html


class AdminTests:
    def test_tells_drafts_from_what_is_published(self, admin_client, hidden_posts):
        make_post()

        html = admin_client.get("/admin/blog/post/").content.decode()

        for state in ["Draft", "Scheduled", "Published"]:
            assert f">{state}<" in html

    def test_offers_no_link_to_a_draft(self, admin_client, hidden_posts):
        html = admin_client.get(f"/admin/blog/post/{hidden_posts[0].pk}/change/").content.decode()

        assert "View on site" not in html


class SampleTests:
    def test_adds_nothing_the_second_time(self):
        assert sample.add() == 3
        assert sample.add() == 0

    def test_every_post_of_it_is_shown(self, client):
        sample.add()

        for post in Post.objects.all():
            assert client.get(post.get_absolute_url()).status_code == 200
