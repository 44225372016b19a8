"""Where operators look at calls; nobody changes them."""

from datetime import timedelta

from django.contrib import admin

from signaling.models import Call


@admin.register(Call)
class CallAdmin(admin.ModelAdmin):
    list_display = ["started", "duration", "largest", "connected", "relayed", "room"]
    list_filter = ["connected", "relayed"]
    search_fields = ["=room", "=call_id"]
    date_hierarchy = "started"
    show_full_result_count = False  # of millions of rows
    fields = ["call_id", "room", "started", "ended", "duration", "largest", "connected", "relayed"]
    readonly_fields = ["duration"]

    @admin.display(description="Duration")
    def duration(self, call: Call) -> str:
        """Hours, minutes and seconds."""
        return str(timedelta(seconds=round((call.ended - call.started).total_seconds())))

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
