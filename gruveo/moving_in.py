"""
Takes over a site of WordPress. All of the file is read first, then pictures are taken one by one, and then all texts in one transaction:
whatever goes wrong, no half of it is here. What was taken is remembered, so a second run changes nothing that has not changed there.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify

from blog.models import Author, Post, Tag
from library import pictures, redirects, wordpress
from library.models import Imported, Picture
from library.wxr import Item, Site, Term
from pages.models import Page
from signaling import codes

_MOST_REPEATS = 1000
_NO_TOPIC = "uncategorized"
_LONGEST_PATH = 200
_LEFT_OUT = {"trash", "auto-draft", "inherit"}
_BY_BLOG = {"authors", "preview", "tags"}  # addresses that the blog itself has


class Importer:
    """
    One run. `files` is the folder with what stood in wp-content/uploads, `show` is told how far it is, and `report` holds a line for
    everything that could not be taken as it was.
    """

    def __init__(
        self,
        site: Site,
        *,
        files: Path | None = None,
        is_rehearsal: bool = False,
        show: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._site = site
        self._files = files
        self._is_rehearsal = is_rehearsal
        self._show = show
        self._source = _host_and_path(site.url)
        self._attachments = {item.number: item for item in site.items if item.type == "attachment"}
        self._by_path = {
            wordpress.without_size(item.file_url): item for item in self._attachments.values() if item.file_url
        }
        self._taken: dict[str, int | None] = {}  # pictures here, by where they lie in the folder
        self._addresses: dict[str, str] = {}  # where what stood at an address of the old site is now
        self._texts: list[tuple[Item, type[Post] | type[Page], str]] = []
        self.report: list[str] = list(site.notes)
        self._language = site.language.partition("-")[0].lower() or settings.LANGUAGE_CODE
        if self._language not in dict(settings.LANGUAGES):
            self.report.append(f"the language {site.language} is none of this site's; its texts are marked as English")
            self._language = settings.LANGUAGE_CODE
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """
        Raises:
            Whatever the database raises; then no text is here, and the pictures that are here serve the next run.
        """
        self._choose()
        self._take_pictures()
        with transaction.atomic():
            tags = self._tags()
            authors = self._authors()
            for place, (item, model, slug) in enumerate(self._texts, start=1):
                self._show(f"{place} of {len(self._texts)} texts")
                self._write(item, model, slug, tags, authors)
            self._lead_on(tags, authors)
            if self._is_rehearsal:
                transaction.set_rollback(True)

    # What is taken, and at which address

    def _choose(self) -> None:
        used = {
            Post: set(Post.objects.kept().values_list("slug", flat=True)),
            Page: set(Page.objects.kept().values_list("slug", flat=True)),
        }
        others: Counter[str] = Counter()
        for item in self._site.items:
            model = {"post": Post, "page": Page}.get(item.type)
            if model is None:
                if item.type not in {"attachment", "wp_block"}:
                    others[item.type] += 1
                continue
            if item.status in _LEFT_OUT:
                self._note(item, f"is left out: {item.status}")
                continue
            before = self._imported(item)
            here = before and before.object
            slug = here.slug if here else self._slug(item, model, used[model])
            used[model].add(slug)
            self._texts.append((item, model, slug))
            address = model(slug=slug).get_absolute_url()
            for old in {_path(item.link), f"/?{urlsplit(item.link).query}" if urlsplit(item.link).query else ""} - {
                "",
                "/",
            }:
                self._addresses[old.rstrip("/")] = address
        self.report += [f"{count} of the type {kind} are left out" for kind, count in sorted(others.items())]
        comments = sum(item.comments for item in self._site.items)
        if comments:
            self.report.append(f"{comments} comments are left out")

    def _slug(self, item: Item, model: type[models.Model], used: set[str]) -> str:
        most = model._meta.get_field("slug").max_length - 5
        written = unquote(item.slug)
        slug = (slugify(written) or slugify(item.title))[:most].strip("-") or f"{item.type}-{item.number}"
        if model is Post and (slug in _BY_BLOG or slug.isdecimal()):
            slug = f"post-{slug}"
        free = slug
        for number in range(2, _MOST_REPEATS):
            if free not in used:
                break
            free = f"{slug}-{number}"
        if written and free != written:
            self._note(item, f"has the slug “{written}”, and gets “{free}”")
        return free

    # Pictures

    def _take_pictures(self) -> None:
        for place, item in enumerate(self._attachments.values(), start=1):
            self._show(f"{place} of {len(self._attachments)} pictures")
            self._picture(item.number, item.file_url)

    def _picture(self, number: int | None, address: str) -> int | None:
        """The number here; what is not here yet is taken. None when it is not among the files, or is no picture."""
        item = self._attachments.get(number) or self._by_path.get(wordpress.without_size(address))
        name = self._file_name(item, address)
        if name not in self._taken:
            self._taken[name] = self._take(name, item)
        return self._taken[name]

    def _file_name(self, item: Item | None, address: str) -> str:
        written = item.meta.get("_wp_attached_file", "") if item else ""
        path = written or wordpress.without_size(item.file_url if item and item.file_url else address)
        return unquote(path.rpartition("/uploads/")[2].lstrip("/"))

    def _take(self, name: str, item: Item | None) -> int | None:
        file = self._file(name)
        if file is None:
            if item and not _is_of_another_kind(name):
                self._note(item, f"is not among the files: {name}")
            elif item:
                self._note(item, f"is no picture, and is left out: {name}")
            return None
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        before = Imported.objects.filter(source=self._source, key=f"file {name}").first()
        if before and before.digest == digest and before.object:
            self.counts["pictures that are here already"] += 1
            return before.object_id
        alt, caption = self._words(name, item)
        try:
            if self._is_rehearsal:
                pictures.make(data)
                self.counts["pictures"] += 1
                return len(self._taken) + 1
            with transaction.atomic():
                picture = Picture.take(SimpleUploadedFile(file.name, data), alt=alt, caption=caption)
                self._remember(f"file {name}", picture, digest)
        except ValidationError as error:
            self.report.append(f"file {name}: {error.messages[0]}")
            return None
        self.counts["pictures"] += 1
        return picture.pk

    def _file(self, name: str) -> Path | None:
        if self._files is None or not name:
            return None
        file = (self._files / name).resolve()
        is_inside = file.is_relative_to(self._files.resolve())  # a name such as ../../etc/passwd is not
        return file if is_inside and file.is_file() else None

    def _words(self, name: str, item: Item | None) -> tuple[str, str]:
        written = item.meta.get("_wp_attachment_image_alt", "").strip() if item else ""
        caption = wordpress.excerpt(item.excerpt, 300) if item else ""
        alt = written or caption or (item.title if item else "") or Path(name).stem
        if not written:
            self.report.append(f"file {name}: has no alternative text, and gets “{alt[:300]}”")
        return alt[:300], caption

    # Tags and authors

    def _tags(self) -> dict[str, Tag]:
        """By kind and slug there; what is here under the same name or slug is taken for the same."""
        found: dict[tuple[str, str], Tag] = {}
        terms = dict(self._site.terms)
        for item, _, _ in self._texts:
            for term in item.terms:
                terms.setdefault((term.kind, term.slug), term)
        for (kind, slug), term in sorted(terms.items()):
            if kind in {"category", "post_tag"} and slug and slug != _NO_TOPIC:
                found[kind, slug] = self._tag(term)
        return found

    def _tag(self, term: Term) -> Tag:
        name = " ".join((term.name or unquote(term.slug)).split())
        if len(name) > 40:
            self.report.append(f"tag “{name}”: is longer than 40 characters, and is cut")
        slug = (
            slugify(unquote(term.slug))[:40]
            or slugify(name)[:40]
            or f"tag-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        )
        here = Tag.objects.filter(models.Q(name__iexact=name[:40]) | models.Q(slug=slug)).first()
        if here is None:
            here = Tag.objects.create(name=name[:40], slug=slug)
            self.counts["tags"] += 1
        return here

    def _authors(self) -> dict[str, Author]:
        found = {}
        for login in dict.fromkeys(item.author for item, model, _ in self._texts if model is Post and item.author):
            if login not in self._site.authors:
                self.report.append(
                    f"author {login}: is not among the authors of the file, and is made from the name alone"
                )
            name = self._site.authors.get(login, login)[:80]
            slug = slugify(unquote(login))[:80] or f"author-{hashlib.sha256(login.encode()).hexdigest()[:8]}"
            here = Author.objects.filter(models.Q(name__iexact=name) | models.Q(slug=slug)).first()
            if here is None:
                here = Author.objects.create(name=name, slug=slug)
                self.counts["authors"] += 1
            found[login] = here
        return found

    # Texts

    def _write(self, item: Item, model: type[Post] | type[Page], slug: str, tags: dict, authors: dict) -> None:
        values, many = self._values(item, model, slug, tags, authors)
        digest = _digest(
            [{**values, "cover": None if values.get("cover_id") is None else self._cover_name(item)}, many]
        )
        before = self._imported(item)
        if before is None:
            self._save(item, model(), values, many, digest)
            self.counts[f"{item.type}s"] += 1
            return
        here = before.object
        if here is None or here.deleted_at:
            self._note(item, "was deleted here, and stays so")
        elif before.digest == digest:
            self.counts["texts that are here already"] += 1
        elif here.version != before.version:
            self._note(item, "has changed there and here; what is here stays")
        else:
            self._save(item, here, values, many, digest)
            self.counts["texts that have changed there"] += 1

    def _save(self, item: Item, text: Post | Page, values: dict, many: dict, digest: str) -> None:
        for name, value in values.items():
            setattr(text, name, value)
        text.save()
        for name, others in many.items():
            getattr(text, name).set(others)
        text.remember()
        self._remember(_key(item), text, digest)

    def _values(
        self, item: Item, model: type[Post] | type[Page], slug: str, tags: dict, authors: dict
    ) -> tuple[dict[str, Any], dict[str, list[int]]]:
        html, notes = wordpress.convert(item.body, self._around(item))
        for note in dict.fromkeys(notes):
            self._note(item, note)
        title = wordpress.excerpt(item.title, 10_000) or "Untitled"
        if len(title) > 120:
            self._note(item, "has a title of more than 120 characters, which is cut")
            title = title[:119] + "…"
        summary = wordpress.excerpt(item.excerpt, 300) or wordpress.excerpt(html, 300) or title
        is_shown = self._is_shown(item)
        if model is Page:
            return {
                "title": title,
                "slug": slug,
                "description": summary,
                "body": html,
                "is_draft": not is_shown,
                "order": min(max(item.order, 0), 32767) or 100,
                "language": self._language,
            }, {}
        values = {
            "title": title,
            "slug": slug,
            "summary": summary,
            "body": html,
            "published_at": (item.published or timezone.now()) if is_shown else None,
            "cover_id": self._cover(item),
            "language": self._language,
        }
        own = {tags[term.kind, term.slug].pk for term in item.terms if (term.kind, term.slug) in tags}
        return values, {"tags": sorted(own), "authors": [authors[item.author].pk] if item.author in authors else []}

    def _is_shown(self, item: Item) -> bool:
        if item.is_sticky:
            self._note(item, "was pinned to the top, which there is not here")
        if item.password:
            self._note(item, "was behind a password, and is a draft here")
        elif item.status in {"publish", "future"}:
            return True
        elif item.status != "draft":
            self._note(item, f"was {item.status}, and is a draft here")
        return False

    def _cover(self, item: Item) -> int | None:
        number = item.meta.get("_thumbnail_id", "")
        if not number.isdecimal():
            return None
        cover = self._picture(int(number), "")
        if cover is None:
            self._note(item, f"has a cover that is not among the files: {number}")
        return None if self._is_rehearsal else cover

    def _cover_name(self, item: Item) -> str:
        return self._file_name(self._attachments.get(int(item.meta["_thumbnail_id"])), "")

    def _around(self, item: Item) -> wordpress.Surroundings:
        return wordpress.Surroundings(
            picture=self._picture,
            link=self._now_at,
            children=[other.number for other in self._attachments.values() if other.parent == item.number],
            reusable={other.number: other.body for other in self._site.items if other.type == "wp_block"},
        )

    def _now_at(self, address: str) -> str | None:
        parts = urlsplit(address)
        if parts.netloc and parts.netloc.removeprefix("www.") != urlsplit(self._site.url).netloc.removeprefix("www."):
            return None
        path = unquote(parts.path).rstrip("/")
        found = self._addresses.get(path) if path else self._addresses.get(f"/?{parts.query}")
        return found and found + (f"#{parts.fragment}" if parts.fragment else "")

    # Old addresses

    def _lead_on(self, tags: dict[tuple[str, str], Tag], authors: dict[str, Author]) -> None:
        only_numbers = 0
        for item, model, slug in self._texts:
            if not self._is_led_on(item):
                continue
            old = _path(item.link)
            if old in {"", "/"}:
                only_numbers += 1
            else:
                self._lead(old, model(slug=slug).get_absolute_url(), item)
        for (kind, slug), tag in tags.items():
            if kind == "post_tag":
                self._lead(f"/tag/{unquote(slug)}/", tag.get_absolute_url())
            else:
                self._lead(f"/category/{self._nested(slug)}/", tag.get_absolute_url())
        for login, author in authors.items():
            self._lead(f"/author/{login}/", author.get_absolute_url())
        self._lead("/feed/", "/blog/rss.xml")
        if only_numbers:
            self.report.append(f"addresses such as /?p=1, which cannot lead on: {only_numbers}")

    def _is_led_on(self, item: Item) -> bool:
        return item.status in {"publish", "future", "private"} and not item.password

    def _nested(self, slug: str) -> str:
        """As WordPress writes the address of a category: behind its parents."""
        parts: list[str] = []
        while slug and slug not in parts:
            parts.insert(0, slug)
            term = self._site.terms.get(("category", slug))
            slug = term.parent if term else ""
        return unquote("/".join(parts))

    def _lead(self, old: str, new: str, item: Item | None = None) -> None:
        where = _key(item) if item else "address"
        if old.rstrip("/") == new.rstrip("/"):
            return
        if max(len(old), len(new)) > _LONGEST_PATH or any(mark.isspace() for mark in old) or "\\" in old:
            self.report.append(f"{where}: {old} cannot lead on to {new}: it is too long, or holds a space")
            return
        word = old.strip("/")
        if "/" not in word and codes.refusal(codes.normalise(word)) is None:
            self.report.append(
                f"{where}: /{word} could be the code of a call; it leads to {new} now, and is none any more"
            )
        redirects.moved(old, new)
        self.counts["addresses that lead on"] += 1

    # What was taken

    def _imported(self, item: Item) -> Imported | None:
        return Imported.objects.filter(source=self._source, key=_key(item)).first()

    def _remember(self, key: str, made: models.Model, digest: str) -> None:
        Imported.objects.update_or_create(
            source=self._source,
            key=key,
            defaults={
                "content_type": ContentType.objects.get_for_model(made),
                "object_id": made.pk,
                "digest": digest,
                "version": getattr(made, "version", 0),
            },
        )

    def _note(self, item: Item, text: str) -> None:
        self.report.append(f"{_key(item)} “{item.title[:60]}”: {text}")


def _key(item: Item) -> str:
    return f"{item.type} {item.number}"


def _path(link: str) -> str:
    return unquote(urlsplit(link).path)


def _host_and_path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/").lower()[:200] or "wordpress"


def _is_of_another_kind(name: str) -> bool:
    return Path(name).suffix.lower() not in {".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ""}


def _digest(values: list) -> str:
    def written(value):
        return value.isoformat() if isinstance(value, datetime) else str(value)

    return hashlib.sha256(json.dumps(values, sort_keys=True, default=written).encode()).hexdigest()
