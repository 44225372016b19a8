"""What has changed between two states, and how an older one comes back."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from blog.models import Author, Post, Tag
from library import history
from library.models import KEPT_IN_BIN, Revision
from tests.blog.test_posts import make_post
from tests.library.pictures import make_picture


class DifferenceTests:
    def test_words_that_went_and_came_are_told_apart(self):
        found = history.differences({"body": "<p>one two three</p>"}, {"body": "<p>one 2 three</p><p>four</p>"})

        assert [(part.kind, part.text) for part in found[0].parts] == [
            ("same", "one"),
            ("gone", "two"),
            ("new", "2"),
            ("same", "three"),
            ("new", "\n four"),
        ]

    def test_what_is_alike_is_not_named(self):
        assert history.differences({"title": "x", "tags": [[1, "a"]]}, {"title": "x", "tags": [[1, "a"]]}) == []

    def test_a_change_of_markup_alone_is_shown_as_markup(self):
        found = history.differences({"body": "<p>one two</p>"}, {"body": "<p>one <em>two</em></p>"})

        assert "<em>" in "".join(part.text for part in found[0].parts if part.kind == "new")

    def test_lists_are_compared_by_their_titles(self):
        found = history.differences({"tags": [[1, "a"]]}, {"tags": [[1, "a"], [2, "b"]]})

        assert found[0].field == "tags"


@pytest.mark.django_db
class RestoreTests:
    @pytest.fixture(autouse=True)
    def media(self, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path

    def test_everything_that_belongs_to_it_comes_back(self):
        author, tag, picture = (
            Author.objects.create(name="Ada", slug="ada"),
            Tag.objects.create(name="a", slug="a"),
            make_picture(),
        )
        post = make_post(cover=picture)
        post.authors.set([author])
        post.tags.set([tag])
        post.remember()
        then, published_at = post.version, post.published_at

        post.title, post.body, post.cover, post.published_at = "Other", "<p>Other</p>", None, None
        post.save()
        post.authors.clear()
        post.tags.clear()
        post.remember()
        missing = post.restore(post.history.get(version=then))

        post = Post.objects.get(pk=post.pk)
        assert missing == []
        assert (post.title, post.body, post.cover, post.published_at) == (
            "First",
            "<p>Hello</p>",
            picture,
            published_at,
        )
        assert list(post.authors.all()) == [author]
        assert list(post.tags.all()) == [tag]
        assert post.version == then + 2

    def test_what_is_gone_for_good_is_left_out_and_named(self):
        tag = Tag.objects.create(name="gone soon", slug="a")
        post = make_post()
        post.tags.set([tag])
        post.remember()
        tag.delete()

        assert post.restore(post.history.get()) == ["gone soon"]
        assert not post.tags.exists()

    def test_a_version_is_kept_once(self):
        post = make_post()
        post.remember()
        post.remember()

        assert post.history.count() == 1


@pytest.mark.django_db
class BinTests:
    def test_what_lies_there_is_not_public_and_comes_back(self, client):
        post = make_post()

        post.put_in_bin()
        assert client.get("/blog/first/").status_code == 404
        assert post.state == "binned"

        post.take_from_bin()
        assert client.get("/blog/first/").status_code == 200

    def test_its_address_is_free_for_another(self):
        make_post().put_in_bin()

        make_post()

        assert Post.objects.filter(slug="first").count() == 2

    def test_after_thirty_days_it_is_gone_with_its_versions(self, capsys):
        old, young = make_post("old"), make_post("young")
        for post in (old, young):
            post.remember()
            post.put_in_bin()
        Post.objects.filter(pk=old.pk).update(deleted_at=timezone.now() - KEPT_IN_BIN - timedelta(minutes=1))

        call_command("empty_bin")

        assert capsys.readouterr().out == "1 gone for good.\n"
        assert list(Post.objects.all()) == [young]
        assert Revision.objects.count() == 1
