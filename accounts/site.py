"""The admin site: staff come in with two factors, and find their work on its front page."""

from urllib.parse import urlencode

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django_otp import login as otp_login

from accounts import front, second_factor


class TokenForm(forms.Form):
    token = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class Desk(AdminSite):
    site_header = site_title = "Gruveo"
    index_title = "Your work"
    index_template = "admin/desk.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and request.user.is_verified()

    def get_urls(self) -> list:
        return [
            path("second-factor/", never_cache(self.second_factor), name="second_factor"),
            path("second-factor/enrol/", never_cache(self.enrol), name="enrol"),
            path("recovery-codes/", self.admin_view(self.recovery_codes), name="recovery_codes"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().index(request, {**(extra_context or {}), "blocks": front.blocks(request)})

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Who has given the password is led on to the second factor."""
        if super().has_permission(request) and not request.user.is_verified():
            return HttpResponseRedirect(_with_next(reverse("admin:second_factor"), _next(request)))
        return super().login(request, extra_context)

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Asks for a code of the app, or a recovery code; leads to enrolment whoever has neither."""
        if not super().has_permission(request):
            return HttpResponseRedirect(_with_next(reverse("admin:login"), _next(request)))
        if request.user.is_verified():
            return HttpResponseRedirect(_next(request))
        if not second_factor.has_one(request.user):
            return HttpResponseRedirect(_with_next(reverse("admin:enrol"), _next(request)))
        form = TokenForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                device = second_factor.check(request.user, form.cleaned_data["token"])
            if device:
                otp_login(request, device)
                return HttpResponseRedirect(_next(request))
            form.add_error("token", self._why_not(request))
        return self._page(request, "second_factor", "Second factor", form=form)

    def enrol(self, request: HttpRequest) -> HttpResponse:
        """Shows the QR code until the app's code has been typed; then, once, the recovery codes."""
        if not super().has_permission(request):
            return HttpResponseRedirect(_with_next(reverse("admin:login"), _next(request)))
        if second_factor.has_one(request.user):
            return HttpResponseRedirect(_with_next(reverse("admin:second_factor"), _next(request)))
        device = second_factor.begin(request.user)
        form = TokenForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            codes = second_factor.confirm(device, "".join(form.cleaned_data["token"].split()))
            if codes:
                otp_login(request, device)
                return self._page(request, "recovery_codes", "Your recovery codes", codes=codes, next=_next(request))
            form.add_error(
                "token", "This is not the code that the app shows now. Wait for the next one, then try again."
            )
        shown = {"key": second_factor.key_of(device), "qr": second_factor.picture_of(device)}
        return self._page(request, "enrol", "Set up your second factor", form=form, **shown)

    def recovery_codes(self, request: HttpRequest) -> HttpResponse:
        """New ones in place of those that are left."""
        codes = second_factor.new_recovery_codes(request.user) if request.method == "POST" else None
        return self._page(request, "recovery_codes", "Recovery codes", codes=codes, next=reverse("admin:index"))

    def _why_not(self, request: HttpRequest) -> str:
        seconds = second_factor.wait(request.user)
        if seconds > 1:
            return f"This code is wrong, or was used before. The next one is looked at in {seconds} seconds."
        return "This code is wrong, or was used before. Try the next one."

    def _page(self, request: HttpRequest, name: str, title: str, **context) -> TemplateResponse:
        context = {
            **self.each_context(request),
            "title": title,
            "next": _next(request),
            "is_nav_sidebar_enabled": False,
            **context,
        }
        return TemplateResponse(request, f"accounts/{name}.html", context)


def _next(request: HttpRequest) -> str:
    target = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    allowed = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if allowed else reverse("admin:index")


def _with_next(url: str, target: str) -> str:
    return f"{url}?{urlencode({REDIRECT_FIELD_NAME: target})}"
