"""Nobody is locked in: all content goes into one file, and comes back from it."""

import json
import zipfile
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from blog.models import Author, Post, Tag
from library import redirects
from library.models import Picture, Redirect
from pages.models import FaqEntry, FaqTopic, Page
from tests.library.pictures import make_picture

pytestmark = pytest.mark.django_db(transaction=True)
MODELS = (Post, Page, FaqEntry, FaqTopic, Tag, Author, Redirect, Picture)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def file(tmp_path):
    """The archive of a site with one of everything."""
    picture = make_picture("A calm sea", caption="Off Sopot", size=(120, 80))
    author = Author.objects.create(name="Ada", slug="ada", bio="Writes.", picture=picture)
    tag = Tag.objects.create(name="Fun", slug="fun")
    post = Post.objects.create(
        title="First", slug="first", summary="Short.", body=f'<p>Hi</p><figure><img data-picture="{picture.pk}"></figure>',
        cover=picture, published_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    post.authors.add(author)
    post.tags.add(tag)
    Post.objects.create(title="Draft", slug="draft", summary="Later.", body="")
    Post.objects.create(title="Gone", slug="gone", summary="x").put_in_bin()
    Page.objects.create(title="Team", slug="team", description="We.", body="<p>We</p>", is_draft=True, order=7)
    topic = FaqTopic.objects.create(name="Calls", order=3)
    FaqEntry.objects.create(topic=topic, question="Why?", slug="why", answer="<p>So.</p>", language="pl")
    redirects.moved("/old/", "/blog/first/")
    made = tmp_path / "site.zip"
    call_command("export_site", str(made))
    return made


def emptied() -> None:
    for model in MODELS:
        model.objects.all().delete()


def contents() -> dict:
    """All of the site, told without the numbers of rows."""
    return {
        "posts": [
            (post.title, post.slug, post.summary, post.published_at, post.cover and post.cover.alt, "data-picture" in post.body,
             [str(tag) for tag in post.tags.all()], [str(author) for author in post.authors.all()])
            for post in Post.objects.kept().order_by("slug")
        ],
        "pages": list(Page.objects.kept().values_list("title", "slug", "description", "body", "is_draft", "order")),
        "questions": list(FaqEntry.objects.kept().values_list("question", "slug", "answer", "language", "topic__name", "topic__order")),
        "authors": list(Author.objects.values_list("name", "slug", "bio", "picture__alt")),
        "redirects": list(Redirect.objects.values_list("old_path", "new_path", "by_hand")),
        "pictures": list(Picture.objects.values_list("alt", "caption", "width", "height")),
    }  # fmt: skip


def rewritten(file, name: str, change) -> None:
    """The same archive, with one of its parts changed; None leaves it out."""
    with zipfile.ZipFile(file) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    parts[name] = change(parts.get(name, b""))
    with zipfile.ZipFile(file, "w") as archive:
        for entry, data in parts.items():
            if data is not None:
                archive.writestr(entry, data)


def edited(change):
    def edit(data: bytes) -> bytes:
        content = json.loads(data)
        change(content)
        return json.dumps(content).encode()

    return edit


class RoundTripTests:
    def test_all_of_it_comes_back_on_an_empty_site(self, file, client):
        before = contents()
        emptied()

        call_command("import_site", str(file))

        assert contents() == before
        post = Post.objects.get(slug="first")
        picture = Picture.objects.get()
        assert f'data-picture="{picture.pk}"' in post.body and picture.is_public
        assert client.get(picture.thumbnail).status_code == 200
        assert post.history.count() == 1
        assert client.get("/old/")["Location"] == "/blog/first/"
        assert not Post.objects.filter(slug="gone").exists()

    def test_what_is_here_and_the_same_stays(self, file, capsys):
        before = [list(model.objects.order_by("pk").values()) for model in MODELS]

        call_command("import_site", str(file))

        assert [list(model.objects.order_by("pk").values()) for model in MODELS] == before
        assert "here already" in capsys.readouterr().out

    def test_twice_is_once(self, file):
        emptied()
        call_command("import_site", str(file))
        before = [list(model.objects.order_by("pk").values()) for model in MODELS]

        call_command("import_site", str(file))

        assert [list(model.objects.order_by("pk").values()) for model in MODELS] == before

    def test_what_is_here_and_differs_is_named_and_only_replaced_when_asked(self, file):
        Post.objects.filter(slug="first").update(title="Mine")
        Page.objects.all().delete()

        with pytest.raises(CommandError, match=r"is-here-already: .*post first"):
            call_command("import_site", str(file))
        assert Post.objects.get(slug="first").title == "Mine"
        assert not Page.objects.exists()

        call_command("import_site", str(file), replace=True)
        assert Post.objects.get(slug="first").title == "First"
        assert Page.objects.exists()

    def test_a_tag_that_was_added_here_is_a_difference_too(self, file):
        Post.objects.get(slug="first").tags.clear()

        with pytest.raises(CommandError, match="is-here-already"):
            call_command("import_site", str(file))

    def test_an_old_archive_stays_until_the_new_one_is_whole(self, file, monkeypatch):
        before = file.read_bytes()

        def fail(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("gruveo.archive.msgspec.json.format", fail)
        with pytest.raises(CommandError, match="No space left"):
            call_command("export_site", str(file))

        assert file.read_bytes() == before
        assert not list(file.parent.glob("*.part"))


class RefusalTests:
    @pytest.mark.parametrize(
        ("name", "change", "code"),
        [
            ("manifest.json", lambda data: None, "missing-file"),
            ("manifest.json", lambda data: b"{", "bad-content"),
            ("manifest.json", lambda data: data.replace(b"gruveo-site", b"other"), "not-ours"),
            ("manifest.json", lambda data: data.replace(b'"version":1', b'"version":2'), "newer"),
            ("content.json", lambda data: None, "missing-file"),
            ("content.json", lambda data: data[:-9], "bad-content"),
            ("content.json", edited(lambda content: content["posts"][0].update(slug=7)), "bad-content"),
            ("content.json", edited(lambda content: content["posts"][0].update(cover=99)), "bad-content"),
            ("content.json", edited(lambda content: content["posts"][0].update(tags=["no-such"])), "bad-content"),
            ("content.json", edited(lambda content: content["questions"][0].update(topic="no-such")), "bad-content"),
            ("content.json", edited(lambda content: content["posts"][0].update(slug="../x")), "bad-value"),
            ("content.json", edited(lambda content: content["posts"][0].update(title="x" * 500)), "bad-value"),
            ("content.json", edited(lambda content: content["pages"][0].update(place="everywhere")), "bad-value"),
            (
                "content.json",
                edited(lambda content: content["redirects"][0].update(new="https://evil.example/")),
                "bad-value",
            ),
            (
                "content.json",
                edited(lambda content: content["pictures"][0].update(file="../../etc/passwd")),
                "bad-content",
            ),
            ("content.json", edited(lambda content: content["pictures"][0].update(file="media/9.jpg")), "missing-file"),
        ],
    )
    def test_a_wrong_archive_is_refused_whole(self, file, name, change, code):
        emptied()
        rewritten(file, name, change)

        with pytest.raises(CommandError, match=f"^{code}: "):
            call_command("import_site", str(file))

        assert not Post.objects.exists() and not Page.objects.exists() and not Redirect.objects.exists()

    def test_what_is_wrong_is_named_with_its_place(self, file):
        rewritten(file, "content.json", edited(lambda content: content["posts"][1].update(slug=7)))

        with pytest.raises(CommandError, match=r"\$\.posts\[1\]\.slug"):
            call_command("import_site", str(file))

    def test_what_calls_itself_a_picture_and_is_none_is_refused(self, file):
        picture = Picture.objects.get()
        name = f"media/{picture.pk}.jpg"
        emptied()
        rewritten(file, name, lambda data: b"<svg onload=alert(1)>")

        with pytest.raises(CommandError, match=r"^bad-picture: "):
            call_command("import_site", str(file))

    def test_markup_that_attacks_is_harmless(self, file):
        emptied()
        attack = '<script>alert(1)</script><p onclick="x">a</p>'
        rewritten(file, "content.json", edited(lambda content: content["posts"][0].update(body=attack)))

        call_command("import_site", str(file))

        assert Post.objects.get(slug="first").body == "<p>a</p>"

    def test_a_bomb_is_refused_by_its_size(self, file, monkeypatch):
        monkeypatch.setattr("gruveo.archive._MOST_CONTENT", 100)

        with pytest.raises(CommandError, match=r"^too-large: "):
            call_command("import_site", str(file))

    def test_no_archive_and_no_file_are_named(self, tmp_path):
        (tmp_path / "x.zip").write_bytes(b"hello")

        with pytest.raises(CommandError, match=r"^no-archive: "):
            call_command("import_site", str(tmp_path / "x.zip"))
        with pytest.raises(CommandError, match=r"^no-file: "):
            call_command("import_site", str(tmp_path / "nothing.zip"))
