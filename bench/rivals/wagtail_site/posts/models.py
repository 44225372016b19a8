"""
A blog as Wagtail's tutorial builds it, with what the pages beside it show: authors, tags, neighbours, related posts, months; asked of the
database as carefully as there.
"""

from datetime import UTC, datetime

from django.core.paginator import Paginator
from django.db import models
from modelcluster.contrib.taggit import ClusterTaggableManager
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from taggit.models import Tag, TaggedItemBase
from wagtail.fields import RichTextField
from wagtail.models import Page, Site

_PER_PAGE = 10
_RELATED = 3
_MONTHS = 12
_WORDS_A_MINUTE = 230


class Month(models.Func):
    """SQLite keeps moments as text, and would ask Python about each."""

    template = "substr(%(expressions)s, 1, 7)"
    output_field = models.CharField()


class Author(models.Model):
    name = models.CharField(max_length=80)

    def __str__(self):
        return self.name


class PostIndexPage(Page):
    summary = models.CharField(max_length=300)

    def get_context(self, request):
        context = super().get_context(request)
        posts = PostPage.objects.child_of(self).live().order_by("-published", "-pk")
        context["page_of_posts"] = Paginator(posts.prefetch_related("tags"), _PER_PAGE).get_page(
            request.GET.get("page")
        )
        used = PostTag.objects.filter(tag=models.OuterRef("pk"), content_object__live=True)
        context["tags"] = Tag.objects.filter(models.Exists(used)).order_by("name")
        found = posts.order_by().values_list(Month("published"), flat=True).distinct()
        months = [datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC) for month in sorted(found, reverse=True)]
        context["months"] = months[:_MONTHS]
        context["years"] = sorted({month.year for month in months[_MONTHS:]}, reverse=True)
        return context | menu(request)


class PostTag(TaggedItemBase):
    content_object = ParentalKey("PostPage", related_name="tagged_items", on_delete=models.CASCADE)


class PostPage(Page):
    summary = models.CharField(max_length=300)
    body = RichTextField()
    published = models.DateTimeField(db_index=True)
    authors = ParentalManyToManyField(Author)
    tags = ClusterTaggableManager(through=PostTag)

    @property
    def minutes(self) -> int:
        return max(1, round(len(self.body.split()) / _WORDS_A_MINUTE))

    def get_context(self, request):
        context = super().get_context(request)
        others = PostPage.objects.live().defer("body")
        context["newer"] = others.filter(published__gt=self.published).order_by("published").first()
        context["older"] = others.filter(published__lt=self.published).order_by("-published").first()
        links = PostTag.objects.filter(tag__in=self.tags.all(), content_object__live=True).exclude(content_object=self)
        counted = links.values("content_object").annotate(shared=models.Count("pk"))
        best = counted.order_by("-shared", "-content_object__published")[:_RELATED]
        numbers = [link["content_object"] for link in best]
        found = PostPage.objects.defer("body").in_bulk(numbers)
        context["related"] = [found[number] for number in numbers]
        return context | menu(request)


class TextPage(Page):
    body = RichTextField()

    def get_context(self, request):
        return super().get_context(request) | menu(request)


def menu(request) -> dict:
    return {"menu": Site.find_for_request(request).root_page.get_children().live().in_menu()}
