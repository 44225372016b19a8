"""Posts, who wrote them and what they are about, and which of them visitors may see."""

from datetime import datetime
from functools import cached_property

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe

from blog import article
from library import filling, markup, redirects
from library.fields import RichTextField
from library.models import Addressed, Picture, WrittenQuerySet, new_token, publish_pictures_of

_WORDS_A_MINUTE = 230
_TAKEN = {"authors", "preview", "tags"}  # what blog.urls has there; names of years are numbers


class NamedQuerySet(models.QuerySet):
    """Of tags and of authors."""

    def used(self) -> "NamedQuerySet":
        """Those of at least one post that visitors may see."""
        return self.filter(post__in=Post.objects.published().order_by()).distinct()


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
        return reverse("blog:tag", args=[self.slug])


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
        return list(self.published().datetimes("published_at", "month", order="DESC"))

    def whole(self) -> "PostQuerySet":
        """With all that a page shows of each, in a fixed number of queries."""
        return self.select_related("cover").prefetch_related("authors", "tags")


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
    published_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="Empty: a draft. In the future: appears then."
    )
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

    def neighbour(self, direction: int) -> "Post | None":
        """The post that was published next, for 1, or before, for -1."""
        if self.published_at is None:
            return None
        later = models.Q(published_at__gt=self.published_at) | models.Q(published_at=self.published_at, pk__gt=self.pk)
        published = Post.objects.published().exclude(pk=self.pk)
        return published.filter(later).last() if direction > 0 else published.exclude(later).first()

    def related(self, count: int) -> list["Post"]:
        """Those that share the most tags with it, the newest first among equals."""
        tags = [tag.pk for tag in self.tags.all()]
        others = Post.objects.published().exclude(pk=self.pk).filter(tags__in=tags)
        shared = others.annotate(shared=models.Count("pk")).order_by("-shared", "-published_at")
        return list(shared.select_related("cover")[:count]) if tags else []

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


def _path(slug: str) -> str:
    return reverse("blog:post", args=[slug])


def _draw(layout: dict) -> str:
    return render_to_string("library/chart.html", layout).strip()
