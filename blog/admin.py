"""Where editors write posts."""

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from blog.models import Author, Post, Tag
from library.admin import BinFilter, WrittenAdmin, moment

_NO_PICTURE = mark_safe('<span class="desk-thumbnail desk-thumbnail-none"></span>')
_STATES = {"draft": "Draft", "scheduled": "Scheduled", "published": "Published", "binned": "In the bin"}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [(state, name) for state, name in _STATES.items() if state != "binned"]

    def queryset(self, request, queryset):
        match self.value():
            case "draft":
                return queryset.drafts()
            case "scheduled":
                return queryset.scheduled()
            case "published":
                return queryset.published()
        return queryset


@admin.register(Post)
class PostAdmin(WrittenAdmin):
    list_display = ["picture", "title", "state", "published", "by", "changed"]
    list_display_links = ["title"]
    list_filter = [StateFilter, "tags", "authors", BinFilter]
    search_fields = ["title", "summary", "body"]
    prepopulated_fields = {"slug": ["title"]}
    autocomplete_fields = ["cover", "authors", "tags"]
    date_hierarchy = "published_at"
    fieldsets = [
        (None, {"fields": ["title", "slug", "summary", "body"]}),
        ("Beside the text", {"fields": ["cover", "authors", "tags", "language"]}),
        ("Publishing", {"fields": ["published_at"]}),
        ("Search engines", {"classes": ["collapse"], "fields": ["search_title", "search_description"]}),
    ]
    actions = ["publish", "withdraw", "take_from_bin"]

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).select_related("cover").prefetch_related("authors")

    @admin.display(description="picture")
    def picture(self, post: Post) -> str:
        if not post.cover:
            return _NO_PICTURE
        return format_html('<img class="desk-thumbnail" src="{}" alt="" loading="lazy">', post.cover.thumbnail)

    @admin.display(description="state", ordering="published_at")
    def state(self, post: Post) -> str:
        return format_html('<span class="desk-state" data-state="{}">{}</span>', post.state, _STATES[post.state])

    @admin.display(description="published", ordering="published_at")
    def published(self, post: Post) -> str:
        return moment(post.published_at)

    @admin.display(description="by")
    def by(self, post: Post) -> str:
        return ", ".join(author.name for author in post.authors.all())

    @admin.display(description="changed", ordering="updated")
    def changed(self, post: Post) -> str:
        return moment(post.updated)

    def view_on_site(self, post: Post) -> str | None:
        """No link to a page that visitors, and so editors, would find missing; the preview serves drafts."""
        return post.get_absolute_url() if post.state == "published" else None

    @admin.action(description="Publish now", permissions=["change"])
    def publish(self, request: HttpRequest, queryset) -> None:
        self._set(request, queryset.kept().exclude(published_at__lte=timezone.now()), timezone.now(), "published")

    @admin.action(description="Withdraw: make drafts of them", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset) -> None:
        self._set(request, queryset.kept().exclude(published_at=None), None, "withdrawn")

    def _set(self, request: HttpRequest, queryset, published_at, done: str) -> None:
        posts = list(queryset)
        for post in posts:
            post.published_at = published_at
            post.save()
            post.remember(request.user)
        messages.success(request, f"{len(posts)} {done}.")


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["picture"]


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
