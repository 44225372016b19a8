"""Pages at fixed addresses, and the questions that people ask."""

import nh3
from django.db import models
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

_TAGS = set("a b blockquote br code dd dl dt em h2 h3 i li ol p strong table tbody td th thead tr ul".split())
_ATTRIBUTES = {"a": {"href", "title"}}


def clean(html: str) -> str:
    """The body without anything that could run, call home or restyle the page; doing it twice changes nothing."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )


class Page(models.Model):
    # Fixed in code: an address that an editor could invent would take the room away from whoever uses it as a code.
    SLUGS = ["about", "privacy", "terms", "press", "contact"]

    slug = models.CharField("address", max_length=20, unique=True, choices=[(slug, f"/{slug}/") for slug in SLUGS])
    title = models.CharField(max_length=120)
    description = models.CharField(max_length=300, help_text="One sentence, under the title and for search engines.")
    body = models.TextField(help_text="HTML. What is not allowed in a page is removed on saving.")
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.title

    def save(self, *args, **kwargs) -> None:
        self.body = clean(self.body)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse(f"pages:{self.slug}")

    @property
    def html(self) -> SafeString:
        """The body, ready for a page; cleaned again, since another program may have written the row."""
        return mark_safe(clean(self.body))


class FaqQuerySet(models.QuerySet):
    def by_topic(self) -> dict[str, list["FaqEntry"]]:
        """All entries under their topics; a topic stands where its first entry does."""
        topics: dict[str, list[FaqEntry]] = {}
        for entry in self.order_by("order", "pk"):
            topics.setdefault(entry.topic, []).append(entry)
        return topics


class FaqEntry(models.Model):
    topic = models.CharField(max_length=60, help_text="Entries with the same topic stand together.")
    question = models.CharField(max_length=160)
    slug = models.SlugField(
        "anchor", max_length=60, unique=True, help_text="The end of the address: /faq/#<anchor>. Do not change it."
    )
    answer = models.TextField(help_text="HTML. What is not allowed in an answer is removed on saving.")
    order = models.PositiveSmallIntegerField(default=100, help_text="Lower numbers come first.")

    objects = FaqQuerySet.as_manager()

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = "FAQ entry"
        verbose_name_plural = "FAQ entries"

    def __str__(self) -> str:
        return self.question

    def save(self, *args, **kwargs) -> None:
        self.answer = clean(self.answer)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return f"{reverse('pages:faq')}#{self.slug}"

    @property
    def html(self) -> SafeString:
        """The answer, ready for a page; cleaned again, since another program may have written the row."""
        return mark_safe(clean(self.answer))
