"""Posts, and which of them visitors may see."""

from datetime import datetime
from functools import cached_property

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from blog import markup


class PostQuerySet(models.QuerySet):
    def published(self, now: datetime | None = None) -> "PostQuerySet":
        """What visitors may see, the newest first: neither drafts nor posts of the future."""
        return self.filter(published_at__lte=now or timezone.now()).order_by("-published_at", "-pk")


class Post(models.Model):
    title = models.CharField(max_length=120)
    slug = models.SlugField(
        max_length=80, unique=True, help_text="The end of the address: /blog/<slug>/. Do not change it once published."
    )
    summary = models.CharField(max_length=300, help_text="One or two sentences, for the list and for search engines.")
    body = models.TextField(help_text="HTML. What is not allowed in a post is removed on saving.")
    published_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="Empty: a draft. In the future: appears then."
    )
    updated = models.DateTimeField(auto_now=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        ordering = ["-published_at", "-pk"]

    def __str__(self) -> str:
        return self.title

    def save(self, *args, **kwargs) -> None:
        self.body = markup.clean(self.body)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("blog:post", args=[self.slug])

    @property
    def html(self) -> SafeString:
        """The body, ready for a page, with ids on its headings."""
        return mark_safe(self._parts[0])  # cleaned in `_parts`

    @property
    def contents(self) -> list[markup.Heading]:
        return self._parts[1]

    @cached_property
    def _parts(self) -> tuple[str, list[markup.Heading]]:
        # Cleaned again: an import, a migration or another program may have written the row.
        return markup.for_reading(markup.clean(self.body))
