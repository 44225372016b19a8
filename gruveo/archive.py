"""
All content of a site in one file, and back: a ZIP with `manifest.json`, `content.json` and the pictures; docs/moving.md describes it for
whoever wants to leave. Nothing is ever unpacked onto the disk: what is read is read by names that the content gives.
"""

import hashlib
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.utils import timezone

from blog.models import Author, Post, Tag
from library import redirects
from library.models import Imported, Picture, Redirect
from pages.models import FaqEntry, FaqTopic, Page

FORMAT = "gruveo-site"
VERSION = 1
_MOST_CONTENT = 512 * 1024 * 1024
_MOST_PICTURE = 64 * 1024 * 1024
_NUMBER = re.compile(r'(<img[^>]* data-picture=")(\d+)(")')
_FILE = re.compile(r"media/[1-9]\d*\.(?:jpg|png)")


class BadArchive(Exception):
    """`code` is stable; the text names what is wrong, and where."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Manifest(msgspec.Struct):
    format: str
    version: int
    made: datetime
    counts: dict[str, int]


class PictureRow(msgspec.Struct):
    """`number` is how texts name it; `file` where it is in the archive."""

    number: int
    file: str
    alt: str
    caption: str = ""
    credit: str = ""
    name: str = ""


class TagRow(msgspec.Struct):
    slug: str
    name: str


class AuthorRow(msgspec.Struct):
    slug: str
    name: str
    bio: str = ""
    picture: int | None = None


class PostRow(msgspec.Struct):
    """`published_at` is missing for a draft; `authors` and `tags` are slugs, `cover` is the number of a picture."""

    slug: str
    title: str
    summary: str
    body: str
    cover: int | None = None
    authors: list[str] = []
    tags: list[str] = []
    published_at: datetime | None = None
    search_title: str = ""
    search_description: str = ""
    language: str = "en"


class PageRow(msgspec.Struct):
    slug: str
    title: str
    description: str
    body: str
    is_draft: bool = False
    place: str = ""
    order: int = 100
    language: str = "en"


class TopicRow(msgspec.Struct):
    name: str
    order: int = 100


class QuestionRow(msgspec.Struct):
    slug: str
    topic: str
    question: str
    answer: str
    order: int = 100
    language: str = "en"


class RedirectRow(msgspec.Struct):
    old: str
    new: str
    by_hand: bool = False


class Content(msgspec.Struct):
    pictures: list[PictureRow] = []
    tags: list[TagRow] = []
    authors: list[AuthorRow] = []
    posts: list[PostRow] = []
    pages: list[PageRow] = []
    topics: list[TopicRow] = []
    questions: list[QuestionRow] = []
    redirects: list[RedirectRow] = []


def write(file: Path, *, show: Callable[[str], None] = lambda text: None) -> dict[str, int]:
    """Writes the archive beside `file` first, so that an old one stays until the new one is whole; answers how much of what is in it."""
    unfinished = file.with_name(file.name + ".part")
    try:
        with transaction.atomic(), zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            content = _content(archive, show)
            counts = {name: len(getattr(content, name)) for name in content.__struct_fields__}
            archive.writestr("content.json", msgspec.json.format(msgspec.json.encode(content)))
            archive.writestr("manifest.json", msgspec.json.encode(Manifest(FORMAT, VERSION, timezone.now(), counts)))
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return counts


def _content(archive: zipfile.ZipFile, show: Callable[[str], None]) -> Content:
    rows = []
    pictures = list(Picture.objects.order_by("pk"))
    for place, picture in enumerate(pictures, start=1):
        show(f"{place} of {len(pictures)} pictures")
        name = f"media/{picture.pk}.{picture.file.name.rpartition('.')[2]}"
        with picture.file.open() as data:
            archive.writestr(zipfile.ZipInfo(name), data.read())  # not compressed: pictures are already
        rows.append(PictureRow(picture.pk, name, picture.alt, picture.caption, picture.credit, picture.original_name))
    posts = Post.objects.kept().prefetch_related("authors", "tags").order_by("pk")
    return Content(
        pictures=rows,
        tags=[TagRow(tag.slug, tag.name) for tag in Tag.objects.order_by("slug")],
        authors=[
            AuthorRow(author.slug, author.name, author.bio, author.picture_id)
            for author in Author.objects.order_by("slug")
        ],
        posts=[
            PostRow(
                **_plain(post, PostRow, "cover authors tags"),
                cover=post.cover_id,
                authors=sorted(author.slug for author in post.authors.all()),
                tags=sorted(tag.slug for tag in post.tags.all()),
            )
            for post in posts
        ],
        pages=[PageRow(**_plain(page, PageRow)) for page in Page.objects.kept().order_by("pk")],
        topics=[TopicRow(topic.name, topic.order) for topic in FaqTopic.objects.order_by("pk")],
        questions=[
            QuestionRow(**_plain(entry, QuestionRow, "topic"), topic=entry.topic.name)
            for entry in FaqEntry.objects.kept().select_related("topic").order_by("pk")
        ],
        redirects=[
            RedirectRow(redirect.old_path, redirect.new_path, redirect.by_hand)
            for redirect in Redirect.objects.order_by("pk")
        ],
    )


def _plain(instance: models.Model, row: type[msgspec.Struct], without: str = "") -> dict[str, Any]:
    return {name: getattr(instance, name) for name in row.__struct_fields__ if name not in without.split()}


class Reader:
    """
    Takes an archive in. What is here under the same address must be the same, unless it `is_to_replace`; all texts come in one transaction,
    and `counts` tells what has come.
    """

    def __init__(
        self, file: Path, *, is_to_replace: bool = False, show: Callable[[str], None] = lambda text: None
    ) -> None:
        self._file = file
        self._is_to_replace = is_to_replace
        self._show = show
        self._pictures: dict[int, int] = {}  # numbers here, by those there
        self._conflicts: list[str] = []
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """
        Raises:
            BadArchive: `no-archive`, `not-ours`, `newer`, `bad-content`, `missing-file`, `too-large`, `bad-picture`, `bad-value`, or
                `is-here-already` when something here differs from what would come.
        """
        try:
            with zipfile.ZipFile(self._file) as archive:
                content = self._read(archive)
                self._take_pictures(archive, content.pictures)
        except zipfile.BadZipFile as error:
            raise BadArchive("no-archive", f"{error}.") from None
        with transaction.atomic():
            self._take(content)
            if self._conflicts:
                raise BadArchive(
                    "is-here-already",
                    "here are others under the same addresses: "
                    + ", ".join(self._conflicts[:20])
                    + ". --replace takes their place.",
                )

    def _read(self, archive: zipfile.ZipFile) -> Content:
        manifest = _decoded(archive, "manifest.json", Manifest)
        if manifest.format != FORMAT:
            raise BadArchive("not-ours", f"manifest.json names the format {manifest.format!r}, not {FORMAT!r}.")
        if manifest.version > VERSION:
            raise BadArchive("newer", f"it is of version {manifest.version}, and this site reads up to {VERSION}.")
        content = _decoded(archive, "content.json", Content)
        numbers = {row.number for row in content.pictures}
        for row in content.pictures:
            if not _FILE.fullmatch(row.file):
                raise BadArchive("bad-content", f"picture {row.number} has its file at {row.file!r}.")
            _info(archive, row.file, _MOST_PICTURE)
        for kind, rows in (("author", content.authors), ("post", content.posts)):
            for row in rows:
                used = row.picture if kind == "author" else row.cover
                if used is not None and used not in numbers:
                    raise BadArchive("bad-content", f"{kind} {row.slug!r} shows picture {used}, which is not there.")
        return content

    def _take_pictures(self, archive: zipfile.ZipFile, rows: list[PictureRow]) -> None:
        """Each is made anew from its file, so that what an archive calls a picture is one."""
        for place, row in enumerate(rows, start=1):
            self._show(f"{place} of {len(rows)} pictures")
            data = archive.read(row.file)
            digest = hashlib.sha256(data).hexdigest()
            before = Imported.objects.filter(source=FORMAT, key=digest).first()
            here = (before and before.object) or Picture.objects.filter(content_hash=digest).first()
            if here is None:
                here = self._take_picture(row, data, digest)
                self.counts["pictures"] += 1
            self._pictures[row.number] = here.pk

    def _take_picture(self, row: PictureRow, data: bytes, digest: str) -> Picture:
        upload = SimpleUploadedFile(row.name or Path(row.file).name, data)
        try:
            with transaction.atomic():
                picture = Picture.take(upload, alt=row.alt, caption=row.caption, credit=row.credit)
                kind = ContentType.objects.get_for_model(picture)
                made = {"content_type": kind, "object_id": picture.pk, "digest": digest}
                Imported.objects.update_or_create(source=FORMAT, key=digest, defaults=made)
        except ValidationError as error:
            raise BadArchive("bad-picture", f"{row.file}: {error.messages[0]}") from None
        return picture

    def _take(self, content: Content) -> None:
        tags = {row.slug: self._put(Tag, {"slug": row.slug}, {"name": row.name}) for row in content.tags}
        authors = {
            row.slug: self._put(
                Author,
                {"slug": row.slug},
                {"name": row.name, "bio": row.bio, "picture_id": self._pictures.get(row.picture)},
            )
            for row in content.authors
        }
        for row in content.posts:
            values = _plain(row, PostRow, "slug body cover authors tags")
            post = self._put(
                Post,
                {"slug": row.slug},
                {**values, "body": self._renumbered(row.body), "cover_id": self._pictures.get(row.cover)},
                {
                    "authors": [_named(authors, slug, "author", row.slug) for slug in row.authors],
                    "tags": [_named(tags, slug, "tag", row.slug) for slug in row.tags],
                },
            )
            post.remember()
        for row in content.pages:
            values = {**_plain(row, PageRow, "slug body"), "body": self._renumbered(row.body)}
            self._put(Page, {"slug": row.slug}, values).remember()
        topics = {row.name: self._put(FaqTopic, {"name": row.name}, {"order": row.order}) for row in content.topics}
        for row in content.questions:
            values = {
                "question": row.question,
                "answer": self._renumbered(row.answer),
                "order": row.order,
                "language": row.language,
                "topic_id": _named(topics, row.topic, "topic", row.slug).pk,
            }
            self._put(FaqEntry, {"slug": row.slug}, values).remember()
        for row in content.redirects:
            try:
                Redirect(old_path=row.old, new_path=row.new).full_clean(validate_unique=False)
            except ValidationError as error:
                raise BadArchive("bad-value", f"redirect {row.old!r}: {'; '.join(error.messages)}") from None
            redirects.moved(row.old, row.new, by_hand=row.by_hand)

    def _put(
        self,
        model: type[models.Model],
        key: dict[str, str],
        values: dict[str, Any],
        many: dict[str, list] | None = None,
    ) -> Any:
        many = many or {}
        (word,) = key.values()
        there = getattr(model.objects, "kept", model.objects.all)()
        here = there.filter(**key).first()
        if here is not None:
            is_same = all(getattr(here, name) == value for name, value in values.items())
            if is_same and all(set(getattr(here, name).all()) == set(others) for name, others in many.items()):
                self.counts["here already"] += 1
                return here
            if not self._is_to_replace:
                self._conflicts.append(f"{model._meta.verbose_name} {word}")
        instance = here or model(**key)
        for name, value in values.items():
            setattr(instance, name, value)
        try:
            # The database judges what must be there once only; a body may be empty.
            instance.full_clean(validate_unique=False, validate_constraints=False, exclude=["body"])
        except ValidationError as error:
            raise BadArchive("bad-value", f"{model._meta.verbose_name} {word!r}: {'; '.join(error.messages)}") from None
        instance.save()
        for name, others in many.items():
            getattr(instance, name).set(others)
        self.counts[str(model._meta.verbose_name_plural)] += 1
        return instance

    def _renumbered(self, html: str) -> str:
        def put(match: re.Match) -> str:
            number = self._pictures.get(int(match[2]))
            return f"{match[1]}{number}{match[3]}" if number else f"{match[1]}0{match[3]}"

        return _NUMBER.sub(put, html)


def _decoded(archive: zipfile.ZipFile, name: str, type: type) -> Any:
    _info(archive, name, _MOST_CONTENT)
    try:
        return msgspec.json.decode(archive.read(name), type=type)
    except msgspec.DecodeError as error:
        raise BadArchive("bad-content", f"{name}: {error}.") from None


def _info(archive: zipfile.ZipFile, name: str, most: int) -> zipfile.ZipInfo:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise BadArchive("missing-file", f"{name} is not in it.") from None
    if info.file_size > most:
        raise BadArchive("too-large", f"{name} has more than {most // 1024 // 1024} MB.")
    return info


def _named(found: dict[str, Any], name: str, kind: str, where: str) -> Any:
    if name not in found:
        raise BadArchive("bad-content", f"{where!r} names the {kind} {name!r}, which is not there.")
    return found[name]
