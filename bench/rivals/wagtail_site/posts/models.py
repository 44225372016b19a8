"""A blog as Wagtail's tutorial builds it, with what the pages beside it show: authors, tags, neighbours, related posts, months."""

from django.core.paginator import Paginator
from django.db import models
from modelcluster.contrib.taggit import ClusterTaggableManager
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from taggit.models import Tag, TaggedItemBase
from wagtail.fields import RichTextField
from wagtail.models import Page, Site

_PER_PAGE = 10
_RELATED = 3
_WORDS_A_MINUTE = 230


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
        context["tags"] = Tag.objects.filter(posts_posttag_items__content_object__live=True).distinct().order_by("name")
        context["months"] = posts.datetimes("published", "month", order="DESC")
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
        others = PostPage.objects.live().exclude(pk=self.pk)
        context["newer"] = others.filter(published__gt=self.published).order_by("published").first()
        context["older"] = others.filter(published__lt=self.published).order_by("-published").first()
        related = others.filter(tags__in=self.tags.all()).annotate(shared=models.Count("pk"))
        context["related"] = related.order_by("-shared", "-published")[:_RELATED]
        return context | menu(request)


class TextPage(Page):
    body = RichTextField()

    def get_context(self, request):
        return super().get_context(request) | menu(request)


def menu(request) -> dict:
    return {"menu": Site.find_for_request(request).root_page.get_children().live().in_menu()}
