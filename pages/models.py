"""Pages of editors, the questions that people ask, and what visitors write to us."""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from library import filling, markup, redirects
from library.fields import RichTextField
from library.models import Addressed, WrittenQuerySet


class PageQuerySet(WrittenQuerySet):
    def shown(self) -> "PageQuerySet":
        """What visitors may see: neither drafts nor what lies in the bin."""
        return self.kept().filter(is_draft=False)

    def linked(self) -> "PageQuerySet":
        """Those with a link on every page, in order, without their bodies."""
        return self.shown().exclude(place="").order_by("order", "title").only("slug", "title", "place", "language")


class Page(Addressed):
    # Fixed in code: an address at the root that an editor could invent would take a code away from whoever uses it.
    AT_ROOT = ("about", "privacy", "terms", "press", "contact")
    PLACES = [("", "nowhere"), ("header", "in the header"), ("footer", "in the footer")]
    KEPT = "title slug description body is_draft place order language".split()

    title = models.CharField(max_length=120)
    slug = models.SlugField(
        max_length=60,
        help_text=f"The end of the address: /p/…/. These stand at the root: {', '.join(AT_ROOT)}.",
    )
    description = models.CharField(max_length=300, help_text="One sentence, under the title and for search engines.")
    body = RichTextField(blank=True)
    is_draft = models.BooleanField("draft", default=False, help_text="Visitors do not see it.")
    place = models.CharField("link", max_length=10, blank=True, default="", choices=PLACES)
    order = models.PositiveSmallIntegerField(default=100, help_text="Among the links; lower numbers come first.")

    objects = PageQuerySet.as_manager()

    class Meta(Addressed.Meta):
        ordering = ["order", "title"]

    def __str__(self) -> str:
        return self.title

    @transaction.atomic
    def save(self, **kwargs) -> None:
        before = Page.objects.shown().filter(pk=self.pk).values_list("slug", flat=True).first()
        super().save(**kwargs)
        if before and before != self.slug and not _is_fixed(before):
            redirects.moved(_path(before), _path(self.slug))
        elif self.is_for_visitors:
            redirects.alive(_path(self.slug))

    @property
    def is_for_visitors(self) -> bool:
        return super().is_for_visitors and not self.is_draft

    def get_absolute_url(self) -> str:
        return _path(self.slug)

    @property
    def html(self) -> SafeString:
        """The body, ready for a page; cleaned again, since another program may have written the row."""
        return mark_safe(filling.fill(markup.clean(self.body)))


class FaqTopic(models.Model):
    name = models.CharField(max_length=60, unique=True)
    order = models.PositiveSmallIntegerField(default=100, help_text="Lower numbers come first.")

    class Meta:
        ordering = ["order", "name"]
        verbose_name = "FAQ topic"

    def __str__(self) -> str:
        return self.name


class FaqQuerySet(WrittenQuerySet):
    def in_order(self) -> "FaqQuerySet":
        return self.kept().select_related("topic").order_by("topic__order", "topic__name", "order", "pk")

    def matching(self, words: str = "") -> list["FaqEntry"]:
        """
        Those in which each of the words stands somewhere, in capitals or not, and all when there are none; each with its answer as
        `html`, ready for a page, and as `text`.
        """
        wanted = words.casefold().split()
        found, answers = [], []
        for entry in self.in_order():
            answer = markup.clean(entry.answer)  # again: another program may have written the row
            entry.text = markup.plain(answer)
            if all(word in f"{entry.question} {entry.text}".casefold() for word in wanted):
                found.append(entry)
                answers.append(answer)
        for entry, html in zip(found, filling.fill_all(answers), strict=True):
            entry.html = mark_safe(html)
        return found


class FaqEntry(Addressed):
    KEPT = "topic question slug answer order language".split()

    topic = models.ForeignKey(FaqTopic, models.PROTECT)
    question = models.CharField(max_length=160)
    slug = models.SlugField("anchor", max_length=60, help_text="The end of the address: /faq/#….")
    answer = RichTextField()
    order = models.PositiveSmallIntegerField(default=100, help_text="Within its topic; lower numbers come first.")
    helped = models.PositiveIntegerField(default=0, editable=False)
    did_not_help = models.PositiveIntegerField(default=0, editable=False)

    objects = FaqQuerySet.as_manager()

    class Meta(Addressed.Meta):
        ordering = ["topic", "order", "pk"]
        verbose_name = "FAQ entry"
        verbose_name_plural = "FAQ entries"

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        return f"{reverse('pages:faq')}#{self.slug}"

    def count(self, *, did_help: bool) -> None:
        """One more visitor has said so; who it was is not kept."""
        field = "helped" if did_help else "did_not_help"
        FaqEntry.objects.filter(pk=self.pk).update(**{field: models.F(field) + 1})


class MessageQuerySet(models.QuerySet):
    def done_before(self, time: datetime) -> "MessageQuerySet":
        """Those that have been dealt with and came before then."""
        return self.filter(done=True, created__lt=time)

    def of(self, email: str) -> "MessageQuerySet":
        """Those whose writer gave this address."""
        return self.filter(email__iexact=email.strip())

    def mentioning(self, email: str) -> "MessageQuerySet":
        """Those of others in which it stands."""
        email = email.strip()
        mentions = models.Q(text__icontains=email) | models.Q(note__icontains=email)
        return self.filter(mentions).exclude(email__iexact=email)

    def erase(self) -> int:
        """Deletes them for good, with the lines of the admin's own log that quote them. Answers how many."""
        with transaction.atomic():
            ids = list(self.values_list("pk", flat=True))
            kind = ContentType.objects.get_for_model(self.model)
            LogEntry.objects.filter(content_type=kind, object_id__in=map(str, ids)).delete()
            self.filter(pk__in=ids).delete()
        return len(ids)


class Message(models.Model):
    """What a visitor has written to us; of who it was only what they gave."""

    KINDS = [
        ("question", _("A question or an idea")),
        ("problem", _("Something does not work")),
        ("abuse", _("Somebody misuses Gruveo")),
        ("press", _("Press")),
    ]

    kind = models.CharField("about", max_length=10, choices=KINDS)
    text = models.TextField("message", max_length=5000)
    email = models.EmailField("your e-mail address", blank=True)
    report = models.CharField("report id", max_length=40, blank=True)
    created = models.DateTimeField("received", auto_now_add=True)
    done = models.BooleanField(default=False)
    note = models.TextField("our note", blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text[:60]}"


def _is_fixed(slug: str) -> bool:
    """These addresses stay those of the site, whatever stands there."""
    return slug in Page.AT_ROOT


def _path(slug: str) -> str:
    return reverse(f"pages:{slug}") if _is_fixed(slug) else reverse("pages:page", args=[slug])
