"""Where operators look at calls; nobody changes them."""

from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path

from signaling.growth import Month, as_csv, as_json, cells
from signaling.growth_charts import draw
from signaling.models import Call

_FILES = {"csv": (as_csv, "text/csv; charset=utf-8"), "json": (as_json, "application/json")}


@admin.register(Call)
class CallAdmin(admin.ModelAdmin):
    list_display = ["started", "duration", "largest", "connected", "relayed", "connect_ms", "room"]
    list_filter = ["connected", "relayed"]
    search_fields = ["=room", "=call_id"]
    date_hierarchy = "started"
    show_full_result_count = False  # of millions of rows
    fields = ["call_id", "room", "started", "ended", "duration", "largest", "connected", "relayed", "connect_ms"]
    readonly_fields = ["duration"]
    change_list_template = "admin/signaling/calls.html"

    def get_urls(self) -> list:
        page, file = map(self.admin_site.admin_view, (self.growth, self.growth_file))
        return [
            path("growth/", page, name="signaling_growth"),
            *(path(f"growth.{kind}", file, {"kind": kind}, name=f"signaling_growth_{kind}") for kind in _FILES),
            *super().get_urls(),
        ]

    def growth(self, request: HttpRequest) -> HttpResponse:
        """Charts and a table, by month; `since` and `until` choose which."""
        rows, error = self._growth(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Growth",
            "opts": self.opts,
            "error": error,
            "since": request.GET.get("since", ""),
            "until": request.GET.get("until", ""),
            "query": request.GET.urlencode(),
            "charts": draw(rows),
            "headings": ["Month", "Minutes", "Growth", "Calls", "Mean", "Relayed", "Connect", "Unconnected"],
            "months": [cells(row) for row in reversed(rows)],
            "is_over": all(row.is_over for row in rows),
        }
        return TemplateResponse(request, "admin/signaling/growth.html", context, status=400 if error else 200)

    def growth_file(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The same figures for a spreadsheet or a program."""
        rows, error = self._growth(request)
        if error:
            return JsonResponse({"code": "bad-month", "text": error}, status=400)
        write, content_type = _FILES[kind]
        headers = {"Content-Disposition": f'attachment; filename="growth.{kind}"'}
        return HttpResponse(write(rows) + "\n", content_type=content_type, headers=headers)

    def _growth(self, request: HttpRequest) -> tuple[list, str]:
        """The months that were asked for, or what is wrong with the question."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            since, until = (
                Month.parse(text) if (text := request.GET.get(name)) else None for name in ("since", "until")
            )
        except ValueError as error:
            return [], str(error)
        if since and until and until < since:
            return [], f"{until} is before {since}."
        return Call.objects.growth(since=since, until=until), ""

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
