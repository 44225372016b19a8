"""Where editors write pages and answers, and read what visitors have written."""

from django.contrib import admin
from django.http import HttpRequest

from library.admin import BinFilter, EditedInList, WrittenAdmin, moment
from pages.models import FaqEntry, FaqTopic, Message, Page


@admin.register(Page)
class PageAdmin(WrittenAdmin):
    list_display = ["title", "address", "is_draft", "place", "order", "changed"]
    list_editable = ["place", "order"]
    list_filter = ["is_draft", "place", BinFilter]
    search_fields = ["title", "description", "body"]
    prepopulated_fields = {"slug": ["title"]}
    fieldsets = [
        (None, {"fields": ["title", "slug", "description", "body", "is_draft"]}),
        ("Where it is linked", {"fields": ["place", "order"]}),
    ]

    @admin.display(description="address", ordering="slug")
    def address(self, page: Page) -> str:
        return page.get_absolute_url()

    @admin.display(description="changed", ordering="updated")
    def changed(self, page: Page) -> str:
        return moment(page.updated)


@admin.register(FaqTopic)
class FaqTopicAdmin(EditedInList):
    list_display = ["name", "order"]
    list_editable = ["order"]
    search_fields = ["name"]


@admin.register(FaqEntry)
class FaqEntryAdmin(WrittenAdmin):
    list_display = ["question", "topic", "order", "helped", "did_not_help", "changed"]
    list_editable = ["order"]
    list_filter = ["topic", BinFilter]
    list_select_related = ["topic"]
    search_fields = ["question", "answer"]
    autocomplete_fields = ["topic"]
    prepopulated_fields = {"slug": ["question"]}
    readonly_fields = ["helped", "did_not_help"]
    fieldsets = [
        (None, {"fields": ["question", "slug", "answer"]}),
        ("Where it stands", {"fields": ["topic", "order", "language"]}),
        ("“Was this helpful?”", {"fields": ["helped", "did_not_help"]}),
    ]

    @admin.display(description="changed", ordering="updated")
    def changed(self, entry: FaqEntry) -> str:
        return moment(entry.updated)


@admin.register(Message)
class MessageAdmin(EditedInList):
    """What was written stays as it is; ours are the note, and whether it is done."""

    list_display = ["kind", "beginning", "email", "received", "done"]
    list_display_links = ["kind", "beginning"]
    list_editable = ["done"]
    list_filter = ["done", "kind", "created"]
    search_fields = ["text", "email", "report", "note"]
    readonly_fields = ["kind", "text", "email", "report", "received"]
    fields = [*readonly_fields, "done", "note"]
    date_hierarchy = "created"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="message")
    def beginning(self, message: Message) -> str:
        return f"{message.text[:80]}…" if len(message.text) > 80 else message.text

    @admin.display(description="received", ordering="created")
    def received(self, message: Message) -> str:
        return moment(message.created)
