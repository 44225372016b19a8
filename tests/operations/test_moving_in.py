"""A site of WordPress moves in, as ops do it with `manage.py import_wordpress`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from blog.models import Author, Post, Tag
from library.models import Imported, Picture, Redirect
from pages.models import Page
from tests.library.pictures import encoded
from tests.library.wordpress_file import author, category, export, item, picture
from tests.scale import scaled

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "uploads"
    (folder / "2019/05").mkdir(parents=True)
    for name in ("sea", "hill"):
        (folder / "2019/05" / f"{name}.jpg").write_bytes(encoded(size=(300, 200 if name == "sea" else 100)))
    (folder / "2019/05/broken.jpg").write_bytes(b"\xff\xd8broken")
    return folder


@pytest.fixture
def take(tmp_path):
    """Imports a file and answers its counts and its report."""

    def take(*parts: str, **options) -> tuple[dict, list[str]]:
        file = tmp_path / "export.xml"
        file.write_bytes(parts[0] if isinstance(parts[0], bytes) else export(*parts))
        out = StringIO()
        call_command("import_wordpress", str(file), json=True, stdout=out, stderr=StringIO(), **options)
        said = json.loads(out.getvalue())
        return said["counts"], said["report"]

    return take


SITE = (
    author("ada", "Ada L."),
    category("news", "News"),
    category("local-news", "Local", "news"),
    item(
        1,
        "Hello",
        body='First.\n\nSee <a href="https://old.example/2019/05/second/">that</a>. <img class="wp-image-11">',
        slug="hello",
        terms=[
            ("category", "local-news", "Local"),
            ("post_tag", "fun", "Fun"),
            ("category", "uncategorized", "Uncategorized"),
        ],
        meta={"_thumbnail_id": "12"},
        comments=2,
    ),
    item(2, "Second", body="<!-- wp:paragraph --><p>Two</p><!-- /wp:paragraph -->", slug="second", creator="nobody"),
    item(3, "Page", type="page", slug="our-team", link="https://old.example/our-team/", body="Us."),
    picture(11, "2019/05/sea.jpg", alt="A sea", caption="Off Sopot"),
    picture(12, "2019/05/hill.jpg"),
)


class TakingTests:
    def test_all_of_a_site_is_here(self, take, uploads, client):
        counts, report = take(*SITE, pictures=uploads)

        assert counts["posts"] == 2 and counts["pages"] == 1 and counts["pictures"] == 2
        post = Post.objects.get(slug="hello")
        sea, hill = Picture.objects.get(alt="A sea"), Picture.objects.get(alt="IMG")
        assert f'<figure><img alt="" data-picture="{sea.pk}"></figure>' in post.body
        assert '<a href="/blog/second/" rel="noopener">that</a>' in post.body
        assert (post.cover, sea.caption) == (hill, "Off Sopot")
        assert [str(tag) for tag in post.tags.all()] == ["Fun", "Local"]
        assert [str(author) for author in post.authors.all()] == ["Ada L."]
        assert post.published_at.isoformat() == "2019-05-01T08:00:00+00:00"
        assert post.history.count() == 1
        assert client.get("/blog/hello/").status_code == client.get("/p/our-team/").status_code == 200
        assert "2 comments are left out" in report
        assert "author nobody: is not among the authors of the file, and is made from the name alone" in report

    def test_old_addresses_lead_on_and_words_are_codes_no_more(self, take, client):
        _, report = take(*SITE)

        for old, new in {
            "/2019/05/hello/": "/blog/hello/",
            "/our-team/": "/p/our-team/",
            "/category/news/local-news/": "/blog/tags/local-news/",
            "/tag/fun/": "/blog/tags/fun/",
            "/author/ada/": "/blog/authors/ada/",
            "/feed/": "/blog/rss.xml",
        }.items():
            answer = client.get(old)
            assert (answer.status_code, answer["Location"]) == (301, new)
        assert (
            "page 3: /our-team could be the code of a call; it leads to /p/our-team/ now, and is none any more"
            in report
        )

    def test_a_second_run_changes_nothing(self, take, uploads):
        take(*SITE, pictures=uploads)
        before = [
            list(model.objects.order_by("pk").values())
            for model in (Post, Page, Tag, Author, Picture, Redirect, Imported)
        ]

        counts, _ = take(*SITE, pictures=uploads)

        after = [
            list(model.objects.order_by("pk").values())
            for model in (Post, Page, Tag, Author, Picture, Redirect, Imported)
        ]
        assert after == before
        assert counts["texts that are here already"] == 3
        assert counts["pictures that are here already"] == 2
        assert "posts" not in counts

    def test_what_has_changed_there_is_taken_and_what_has_changed_here_stays(self, take):
        take(*SITE)
        mine = Post.objects.get(slug="hello")
        mine.title = "Mine"
        mine.save()
        changed = tuple(part.replace("Hello", "Hello again").replace("Second", "Second again") for part in SITE)

        counts, report = take(*changed)

        assert counts["texts that have changed there"] == 1
        assert Post.objects.get(slug="second").title == "Second again"
        assert Post.objects.get(slug="hello").title == "Mine"
        assert any("has changed there and here; what is here stays" in line for line in report)

    def test_what_was_deleted_here_stays_so(self, take):
        take(*SITE)
        Post.objects.get(slug="second").delete()
        Post.objects.get(slug="hello").put_in_bin()

        _, report = take(*SITE)

        assert not Post.objects.kept().exists()
        assert sum("was deleted here, and stays so" in line for line in report) == 2

    def test_a_rehearsal_changes_nothing_and_tells_the_same(self, take, uploads):
        rehearsed, told = take(*SITE, pictures=uploads, dry_run=True)

        assert not any(model.objects.exists() for model in (Post, Page, Tag, Picture, Redirect, Imported))
        assert not list((uploads.parent / "media").rglob("*"))
        counts, report = take(*SITE, pictures=uploads)
        assert (rehearsed, told) == (counts, report)


class LanguageTests:
    def test_texts_are_in_the_language_of_their_site(self, take):
        german = export(item(1, "Hallo", slug="hallo"), item(2, "Seite", type="page", slug="seite")).replace(
            b"<language>en-GB<", b"<language>de-AT<"
        )

        _, report = take(german)

        assert Post.objects.get().language == Page.objects.get().language == "de"
        assert not any("language" in line for line in report)

    def test_one_that_the_site_does_not_speak_is_told(self, take):
        _, report = take(export(item(1, "Ciao", slug="ciao")).replace(b"<language>en-GB<", b"<language>it-IT<"))

        assert Post.objects.get().language == "en"
        assert "the language it-IT is none of this site's; its texts are marked as English" in report

    def test_without_one_they_are_in_english(self, take):
        take(export(item(1, "Hello", slug="hello")).replace(b"<language>en-GB</language>", b""))

        assert Post.objects.get().language == "en"


class StatesTests:
    @pytest.mark.parametrize(
        ("options", "state", "told"),
        [
            ({}, "published", ""),
            ({"status": "future", "date": "2099-01-01 00:00:00"}, "scheduled", ""),
            ({"status": "draft"}, "draft", ""),
            ({"status": "pending"}, "draft", "was pending, and is a draft here"),
            ({"status": "private"}, "draft", "was private, and is a draft here"),
            ({"password": "secret"}, "draft", "was behind a password, and is a draft here"),
            ({"sticky": True}, "published", "was pinned to the top, which there is not here"),
        ],
    )
    def test_a_post_is_what_it_was_and_never_more_open(self, take, options, state, told):
        _, report = take(item(1, **options))

        assert Post.objects.get().state == state
        assert not told or any(told in line for line in report)
        assert "secret" not in "".join(report)

    @pytest.mark.parametrize("status", ["trash", "auto-draft", "inherit"])
    def test_what_was_thrown_away_is_left_out(self, take, status):
        _, report = take(item(1, status=status))

        assert not Post.objects.exists()
        assert f"post 1 “Hello”: is left out: {status}" in report

    @pytest.mark.parametrize("options", [{"status": "draft"}, {"status": "private"}, {"password": "x"}])
    def test_a_page_that_was_not_public_is_a_draft(self, take, client, options):
        take(item(1, type="page", slug="plans", **options))

        assert Page.objects.get().is_draft
        assert client.get("/p/plans/").status_code == 404
        assert "/p/plans/" not in client.get("/sitemap-pages.xml").text
        assert "Hello" not in client.get("/search/?q=hello").text.partition('role="status"')[2]

    def test_other_types_are_counted(self, take):
        _, report = take(item(1, type="nav_menu_item"), item(2, type="nav_menu_item"), item(3, type="product"))

        assert "2 of the type nav_menu_item are left out" in report
        assert "1 of the type product are left out" in report


class NamesTests:
    def test_slugs_that_are_taken_odd_or_missing_get_another(self, take):
        Post.objects.create(title="There", slug="hello", summary="x")

        _, report = take(
            item(1, slug="hello"),
            item(2, slug="hello"),
            item(3, slug="%d0%bf%d1%80%d0%b8"),
            item(4, slug="", title="Größe & Co"),
            item(5, slug="", title="???"),
            item(6, slug="2019"),
            item(7, slug="tags"),
            item(8, slug="x" * 200),
        )

        slugs = [Imported.objects.get(key=f"post {number}").object.slug for number in range(1, 9)]
        assert slugs[:7] == ["hello-2", "hello-3", "hello-4", "groe-co", "post-5", "post-2019", "post-tags"]
        assert len(slugs[7]) <= 80
        assert "post 3 “Hello”: has the slug “при”, and gets “hello-4”" in report

    def test_what_is_here_under_the_same_name_is_taken_for_the_same(self, take):
        Tag.objects.create(name="FUN", slug="joy")
        Author.objects.create(name="Ada", slug="ada")

        take(*SITE)

        assert Tag.objects.filter(name__iexact="fun").count() == 1
        assert Author.objects.filter(slug="ada").count() == 1

    def test_what_is_too_long_is_cut_and_told(self, take):
        _, report = take(
            item(1, "T" * 300, excerpt="word " * 200, terms=[("post_tag", "long", "L" * 90)], creator="c" * 200)
        )

        post = Post.objects.get()
        assert len(post.title) == 120 and len(post.summary) <= 300
        assert len(post.tags.get().name) == 40
        assert any("more than 120 characters" in line for line in report)
        post.full_clean(exclude=["body"])

    def test_addresses_of_numbers_only_are_told(self, take):
        _, report = take(
            item(1, link="https://old.example/?p=1"), item(2, body='<a href="https://old.example/?p=1">x</a>')
        )

        assert "addresses such as /?p=1, which cannot lead on: 1" in report
        assert '<a href="/blog/post-1/"' in Post.objects.get(slug="post-2").body


class PicturesTests:
    def test_what_is_missing_broken_or_no_picture_is_told(self, take, uploads):
        (uploads / "2019/05/paper.pdf").write_bytes(b"%PDF")
        _, report = take(
            picture(11, "2019/05/gone.jpg"),
            picture(12, "2019/05/broken.jpg", alt="x"),
            picture(13, "2019/05/paper.pdf"),
            item(1, body='<img class="wp-image-11" src="x">', meta={"_thumbnail_id": "12"}),
            pictures=uploads,
        )

        assert not Picture.objects.exists()
        assert "attachment 11 “IMG”: is not among the files: 2019/05/gone.jpg" in report
        assert any(line.startswith("file 2019/05/broken.jpg: This ") for line in report)
        assert any("paper.pdf" in line for line in report)
        assert any("has a cover that is not among the files" in line for line in report)

    @pytest.mark.parametrize("path", ["../secret.jpg", "/etc/passwd", "2019/../../secret.jpg", "%2e%2e/secret.jpg"])
    def test_nothing_outside_of_the_folder_is_read(self, take, uploads, path):
        (uploads.parent / "secret.jpg").write_bytes(encoded())

        take(
            picture(11, path, alt="x"),
            item(1, body=f'<img src="https://old.example/wp-content/uploads/{path}">'),
            pictures=uploads,
        )

        assert not Picture.objects.exists()

    def test_where_a_picture_was_taken_does_not_move_in(self, take, uploads):
        (uploads / "2019/05/sea.jpg").write_bytes(encoded(comment=b"taken at home"))

        take(picture(11, "2019/05/sea.jpg", alt="x"), pictures=uploads)

        with Picture.objects.get().file.open() as file:
            assert b"taken at home" not in file.read()

    def test_pictures_that_no_text_names_by_number_are_found_by_address(self, take, uploads):
        take(
            item(1, body='<img src="http://old.example/wp-content/uploads/2019/05/sea-150x150.jpg" alt="">'),
            pictures=uploads,
        )

        assert f'data-picture="{Picture.objects.get().pk}"' in Post.objects.get().body


class RefusalTests:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (export(item(1), item(2))[:-60], "broken-xml"),
            (b"<html></html>", "not-wordpress"),
            (b'<!DOCTYPE x [<!ENTITY a "b">]><rss>&a;</rss>', "entities"),
            (export(item(1)).replace(b"<wp:post_id>1", b"<wp:post_id>"), "bad-item"),
        ],
    )
    def test_a_broken_file_is_refused_whole(self, take, data, code):
        with pytest.raises(CommandError, match=f"^{code}: "):
            take(data)

        assert not Post.objects.exists() and not Imported.objects.exists()

    def test_a_file_or_folder_that_is_not_there_is_named(self, take, tmp_path):
        with pytest.raises(CommandError, match=r"no-file: .*nothing.xml"):
            call_command("import_wordpress", str(tmp_path / "nothing.xml"))
        with pytest.raises(CommandError, match="no-folder: "):
            take(item(1), pictures=tmp_path / "nowhere")

    @pytest.mark.django_db(transaction=True)
    def test_what_fails_in_the_middle_leaves_no_text(self, take, uploads, monkeypatch):
        def fail(*_):
            raise OSError("away")

        monkeypatch.setattr("gruveo.moving_in.Importer._lead_on", fail)
        with pytest.raises(OSError, match="away"):
            take(*SITE, pictures=uploads)

        assert not Post.objects.exists() and not Tag.objects.exists() and not Redirect.objects.exists()
        assert Picture.objects.count() == 2

        monkeypatch.undo()
        counts, _ = take(*SITE, pictures=uploads)
        assert counts["pictures that are here already"] == 2 and counts["posts"] == 2

    def test_markup_that_attacks_is_harmless(self, take, client):
        take(
            item(
                1,
                "<script>alert(1)</script>",
                body='<script>alert(2)</script><p onclick="x">a</p>',
                slug="x",
                excerpt="<b>x</b>",
            )
        )

        html = client.get("/blog/x/").text
        assert "<script>alert" not in html and "onclick" not in html


def test_a_thousand_posts_move_in_and_once_only(take):
    most = scaled(1000)
    posts = [
        item(
            number,
            f"Post {number}",
            body=f'About {number}.\n\n<a href="https://old.example/2019/05/post-{number - 1}/">before</a>\n\n[gallery ids="5"]',
            terms=[
                ("category", f"c{number % 20}", f"C{number % 20}"),
                ("post_tag", f"t{number % 50}", f"T{number % 50}"),
            ],
            creator=f"author{number % 5}",
            comments=number % 3,
        )
        for number in range(1, most + 1)
    ]

    counts, report = take(*posts)

    assert counts["posts"] == Post.objects.published().count() == most
    assert counts["tags"] == min(most, 20) + min(most, 50)
    assert f"{sum(number % 3 for number in range(1, most + 1))} comments are left out" in report
    assert f'<a href="/blog/post-{most - 1}/"' in Post.objects.get(slug=f"post-{most}").body
    counts, _ = take(*posts)
    assert counts["texts that are here already"] == Post.objects.count() == most
