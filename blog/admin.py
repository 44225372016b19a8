"""Where editors write posts."""

from django.contrib import admin
from django.utils import timezone

from blog.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    list_display = ["title", "state", "published_at", "updated"]
    list_filter = ["published_at"]
    search_fields = ["title", "summary", "body"]
    prepopulated_fields = {"slug": ["title"]}
    date_hierarchy = "published_at"
    fieldsets = [
        (None, {"fields": ["title", "slug", "summary", "body"]}),
        ("Publishing", {"fields": ["published_at"]}),
    ]

    @admin.display(description="State")
    def state(self, post: Post) -> str:
        if post.published_at is None:
            return "Draft"
        return "Published" if post.published_at <= timezone.now() else "Scheduled"

    def view_on_site(self, post: Post) -> str | None:
        """No link to a page that visitors, and so editors, would find missing."""
        return post.get_absolute_url() if self.state(post) == "Published" else None
