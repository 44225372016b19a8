"""Where operators make keys for programs, and take them back."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from turnauth.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    list_display = ["name", "state", "created", "last_used", "revoked"]
    list_filter = [("revoked", admin.EmptyFieldListFilter)]
    search_fields = ["name"]
    readonly_fields = ["created", "last_used", "revoked"]
    actions = ["revoke"]

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        return "Revoked" if key.revoked else "Serves"

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return ["name", *self.readonly_fields] if obj else ["name"]

    def save_model(self, request: HttpRequest, obj: ApiKey, form, change: bool) -> None:
        if not change:
            request.drawn_key = obj.draw()
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """
        Shows the key on the answer itself, once.

        Attack stopped: a message after a redirect would put it into a cookie or the session's row.
        """
        context = {**self.admin_site.each_context(request), "title": f"Key for {obj}", "key": request.drawn_key}
        response = TemplateResponse(request, "admin/turnauth/apikey/drawn.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(description="Revoke selected API keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset) -> None:
        count = queryset.revoke(now=timezone.now())
        self.message_user(request, f"{count} of them served until now.", messages.SUCCESS)
