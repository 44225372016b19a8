"""Posts, who wrote them and what they are about, and which of them visitors may see."""

from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from blog import article
from blog.order import Order
from library import filling, freshness, markup, redirects
from library.fields import RichTextField
from library.models import Addressed, Picture, WrittenQuerySet, new_token, publish_pictures_of

_WORDS_A_MINUTE = 230
_TAKEN = {"authors", "preview", "tags"}  # what blog.urls has there; names of years are numbers


class _Month(models.Func):
    """Year and month of a moment, in UTC, as text; SQLite keeps moments as text and would ask Python about each."""

    output_field = models.CharField()

    def as_sqlite(self, compiler, connection, **context) -> tuple[str, tuple]:
        return self.as_sql(compiler, connection, template="substr(%(expressions)s, 1, 7)", **context)

    def as_postgresql(self, compiler, connection, **context) -> tuple[str, tuple]:
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM')"
        return self.as_sql(compiler, connection, template=template, **context)


class NamedQuerySet(models.QuerySet):
    """Of tags and of authors."""

    def used(self) -> "NamedQuerySet":
        """Those of at least one post that visitors may see."""
        link = self.model.post_set.rel.through
        shown = {"post__deleted_at": None, "post__published_at__lte": timezone.now()}
        of_it = link.objects.filter(**{self.model._meta.model_name: models.OuterRef("pk")}, **shown)
        return self.filter(models.Exists(of_it))


class Author(models.Model):
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True, help_text="The end of the address: /blog/authors/…/.")
    bio = models.TextField(blank=True, help_text="A few sentences, without markup.")
    picture = models.ForeignKey(Picture, models.SET_NULL, null=True, blank=True)

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs) -> None:
        super().save(**kwargs)
        publish_pictures_of(self)

    def get_absolute_url(self) -> str:
        return reverse("blog:author", args=[self.slug])


class Tag(models.Model):
    name = models.CharField(max_length=40, unique=True)
    slug = models.SlugField(max_length=40, unique=True, help_text="The end of the address: /blog/tags/…/.")

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return _tag_path(self.slug)


class PostQuerySet(WrittenQuerySet):
    def published(self, now: datetime | None = None) -> "PostQuerySet":
        """What visitors may see, the newest first: neither drafts nor posts of the future, nor what lies in the bin."""
        return self.kept().filter(published_at__lte=now or timezone.now()).order_by("-published_at", "-pk")

    def drafts(self) -> "PostQuerySet":
        return self.kept().filter(published_at=None).order_by("-updated")

    def scheduled(self, now: datetime | None = None) -> "PostQuerySet":
        return self.kept().filter(published_at__gt=now or timezone.now()).order_by("published_at")

    def months(self) -> list[datetime]:
        """The months in which something was published, the newest first."""
        found = self.published().order_by().values_list(_Month("published_at"), flat=True).distinct()
        return [datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC) for month in sorted(found, reverse=True)]

    def order(self) -> Order:
        """Of those that visitors may see; asked once for each version, as a page that asked for its own would ask nearly as much."""
        return freshness.remembered("blog.order", self._order)

    def _order(self) -> Order:
        links = self.model.tags.through.objects.values_list("tag", "post")
        return Order(list(self.published().values_list("pk", flat=True)), links)

    def for_links(self) -> "PostQuerySet":
        """Without what a link does not need."""
        return self.only("slug", "title", "summary", "language")

    def for_cards(self) -> "PostQuerySet":
        """With all that a list shows of each, in a fixed number of queries."""
        return self.select_related("cover").prefetch_related("tags")

    def whole(self) -> "PostQuerySet":
        """With all that its own page shows, in a fixed number of queries."""
        return self.for_cards().prefetch_related("authors")


class Around(NamedTuple):
    """Posts that the page of another leads to."""

    newer: "Post | None"
    older: "Post | None"
    related: list["Post"]


class Post(Addressed):
    KEPT = ("title slug summary body cover authors tags published_at search_title search_description language").split()

    title = models.CharField(max_length=120)
    slug = models.SlugField(
        max_length=80,
        help_text="The end of the address: /blog/…/. When it changes, the old address leads to the new one.",
    )
    summary = models.CharField(max_length=300, help_text="One or two sentences, for the list and for search engines.")
    body = RichTextField()
    cover = models.ForeignKey(
        Picture, models.SET_NULL, null=True, blank=True, help_text="Above the text, and where the post is shared."
    )
    authors = models.ManyToManyField(Author, blank=True)
    tags = models.ManyToManyField(Tag, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="Empty: a draft. In the future: appears then.")
    search_title = models.CharField(
        max_length=70,
        blank=True,
        help_text="For search engines and where it is shared, if it should differ from the title.",
    )
    search_description = models.CharField(max_length=160, blank=True, help_text="The same for the summary.")
    preview_key = models.CharField(max_length=32, unique=True, default=new_token, editable=False)

    objects = PostQuerySet.as_manager()

    class Meta(Addressed.Meta):
        ordering = ["-published_at", "-pk"]
        indexes = [
            models.Index(fields=["published_at", "id"], condition=models.Q(deleted_at=None), name="blog_post_shown")
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        super().clean()
        if self.slug in _TAKEN or self.slug.isdecimal():
            raise ValidationError({"slug": "The blog itself has something at this address."})

    @transaction.atomic
    def save(self, **kwargs) -> None:
        before = type(self).objects.published().filter(pk=self.pk).values_list("slug", flat=True).first()
        super().save(**kwargs)
        if before and before != self.slug:
            redirects.moved(_path(before), _path(self.slug))
        elif self.state == "published":
            redirects.alive(_path(self.slug))

    def get_absolute_url(self) -> str:
        return _path(self.slug)

    @property
    def preview_url(self) -> str:
        """Where a draft can be read by whoever is given this address."""
        return reverse("blog:preview", args=[self.preview_key])

    @property
    def shared_title(self) -> str:
        """For search engines, and where the post is shared."""
        return self.search_title or self.title

    @property
    def shared_description(self) -> str:
        return self.search_description or self.summary

    @property
    def is_for_visitors(self) -> bool:
        return super().is_for_visitors and self.published_at is not None

    @property
    def state(self) -> str:
        """What visitors see of it: `draft`, `scheduled`, `published` or `binned`."""
        if self.deleted_at:
            return "binned"
        if self.published_at is None:
            return "draft"
        return "published" if self.published_at <= timezone.now() else "scheduled"

    @property
    def minutes(self) -> int:
        """How long reading it takes, at least one."""
        return max(1, round(markup.words(self.body) / _WORDS_A_MINUTE))

    def around(self, related: int) -> Around:
        """What the page of this post leads to, at most so many of them on the same topics."""
        order = Post.objects.order()
        newer, older = (order.newer(self.pk), order.older(self.pk)) if self.published_at else (None, None)
        others = order.related(self.pk, [tag.pk for tag in self.tags.all()], related)
        found = Post.objects.published().for_links().in_bulk({newer, older, *others} - {None})
        return Around(found.get(newer), found.get(older), [found[other] for other in others if other in found])

    @property
    def html(self) -> SafeString:
        """The body, ready for a page."""
        return mark_safe(self._article.html)  # cleaned in `_article`

    @property
    def contents(self) -> list[article.Heading]:
        return self._article.contents

    @cached_property
    def _article(self) -> article.Article:
        # Cleaned again: an import, a migration or another program may have written the row.
        with translation.override(self.language):  # what is said around a chart belongs to the text
            made = article.make(markup.clean(self.body), draw=_draw)
        return made._replace(html=filling.fill(made.html))


@lru_cache(maxsize=4096)
def _path(slug: str) -> str:
    return reverse("blog:post", args=[slug])


@lru_cache(maxsize=1024)
def _tag_path(slug: str) -> str:
    return reverse("blog:tag", args=[slug])


def _draw(layout: dict) -> str:
    return render_to_string("library/chart.html", layout).strip()
