"""The media library for editors, addresses that have moved, and how every text of theirs is edited."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe
from js_asset import Media, Script

from library import history, links, redirects
from library.models import KEPT_IN_BIN, Picture, Redirect, Revision, Written

_CHOICES = 24  # pictures that are offered at once
_EDITOR_MODULES = Media(js=[Script("js/desk/keeping.js", type="module")])


def moment(value) -> str:
    """A time in the editor's zone, and in UTC for whoever points at it."""
    if value is None:
        return ""
    here, utc = timezone.localtime(value), value.astimezone(timezone.get_fixed_timezone(0))
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        f"{utc:%-d %b %Y, %H:%M}",
        f"{here:%-d %b %Y, %H:%M}",
    )


class WrittenForm(forms.ModelForm):
    """Refuses to save on top of a version that its editor has not seen."""

    def clean(self) -> dict:
        cleaned = super().clean()
        seen = self.data.get("seen_version", "")
        if self.instance.pk and seen.isdecimal() and int(seen) != self.instance.version:
            raise ValidationError(
                "Somebody saved a newer version while you wrote. Nothing of yours is lost: it stands below. Compare it with theirs, "
                "which is shown above the form; if you save again, yours replaces it.",
                code="newer",
            )
        return cleaned


class ListForm(forms.ModelForm):
    """For what is changed in a list: each field says whose it is, for those who do not see its row."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"


class EditedInList(admin.ModelAdmin):
    """For models with `list_editable`."""

    def get_changelist_form(self, request: HttpRequest, **kwargs) -> type[forms.ModelForm]:
        return super().get_changelist_form(request, form=ListForm, **kwargs)


class BinFilter(admin.SimpleListFilter):
    title = "bin"
    parameter_name = "bin"

    def lookups(self, request, model_admin):
        return [("yes", "In the bin")]

    def choices(self, changelist):
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=["bin"]),
            "display": "No",
        }
        yield {
            "selected": self.value() == "yes",
            "query_string": changelist.get_query_string({"bin": "yes"}),
            "display": "In the bin",
        }

    def queryset(self, request, queryset):
        return queryset.binned() if self.value() == "yes" else queryset.kept()


class WrittenAdmin(EditedInList):
    """For the texts of library.models.Written."""

    form = WrittenForm
    change_form_template = "admin/library/written_form.html"
    delete_confirmation_template = "admin/library/delete_written.html"
    actions = ["take_from_bin"]

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}_version"
        view = self.admin_site.admin_view(self.version_view)
        return [path("<int:pk>/history/<int:version>/", view, name=name), *super().get_urls()]

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, AdminSplitDateTime):
            for part, name in zip(field.widget.widgets, ("date", "time"), strict=True):
                part.attrs["aria-label"] = f"{field.label}, {name}"
        return field

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Written | None:
        """For a save it is held until the save is done, so that of two at the same moment one sees the other's."""
        if request.method != "POST" or not transaction.get_connection().in_atomic_block:
            return super().get_object(request, object_id, from_field)
        try:
            return self.get_queryset(request).select_for_update(of=("self",)).get(pk=self.opts.pk.to_python(object_id))
        except (self.model.DoesNotExist, ValidationError, ValueError):
            return None

    def render_change_form(
        self, request: HttpRequest, context: dict, obj: Written | None = None, **kwargs
    ) -> HttpResponse:
        context["media"] = Media.from_media(context["media"] + _EDITOR_MODULES, nonce=str(request.csp_nonce))
        form = context["adminform"].form
        if obj is not None:
            stored = self.model._default_manager.get(pk=obj.pk)
            context["stored_version"] = stored.version
            if form.has_error("__all__", "newer"):
                context |= self._both(stored, form)
        return super().render_change_form(request, context, obj=obj, **kwargs)

    def _both(self, stored: Written, form: forms.ModelForm) -> dict:
        theirs, mine = stored.snapshot(), {**stored.snapshot()}
        for name in set(mine) & set(form.cleaned_data):
            field = self.opts.get_field(name)
            value = form.cleaned_data[name]
            if field.many_to_many:
                mine[name] = [[other.pk, str(other)] for other in value]
            elif field.is_relation:
                mine[name] = [[value.pk, str(value)]] if value else []
            else:
                mine[name] = None if value is None else field.value_to_string(form.instance)
        last = stored.history.first()
        return {"differences": self._named(history.differences(mine, theirs)), "newer": last}

    def save_related(self, request: HttpRequest, form, formsets, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.remember(request.user)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        written = self.get_object(request, object_id)
        places = links.linking_to(written.get_absolute_url()) if written else []
        return super().delete_view(request, object_id, {**(extra_context or {}), "places": places})

    def delete_model(self, request: HttpRequest, obj: Written) -> None:
        obj.put_in_bin()
        messages.info(request, f"It lies in the bin for {KEPT_IN_BIN.days} days; the filter “In the bin” shows it.")

    def delete_queryset(self, request: HttpRequest, queryset) -> None:
        for written in queryset:
            written.put_in_bin()

    @admin.action(description="Take out of the bin")
    def take_from_bin(self, request: HttpRequest, queryset) -> None:
        for written in queryset:
            try:
                with transaction.atomic():
                    written.take_from_bin()
            except IntegrityError:
                messages.error(request, f"“{written}” stays in the bin: something else has its address now.")
            else:
                messages.success(request, f"“{written}” is back.")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        written = self._visible(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Versions of “{written}”",
            "opts": self.opts,
            "original": written,
            "revisions": written.history.select_related("saved_by"),
            "version_url": f"admin:{self.opts.app_label}_{self.opts.model_name}_version",
        }
        return TemplateResponse(request, "admin/library/history.html", context)

    def version_view(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """What was different then; POST makes it so again."""
        written = self._visible(request, str(pk))
        revision = written.history.filter(version=version).first()
        if revision is None:
            raise Http404
        if request.method == "POST":
            return self._restore(request, written, revision)
        context = {
            **self.admin_site.each_context(request),
            "title": f"“{written}” as of version {version}",
            "opts": self.opts,
            "original": written,
            "revision": revision,
            "differences": self._named(history.differences(revision.snapshot, written.snapshot())),
            "may_restore": self.has_change_permission(request, written),
        }
        return TemplateResponse(request, "admin/library/version.html", context)

    def _restore(self, request: HttpRequest, written: Written, revision: Revision) -> HttpResponse:
        if not self.has_change_permission(request, written):
            raise PermissionDenied
        try:
            with transaction.atomic():
                missing = written.restore(revision)
                written.remember(request.user)
        except IntegrityError:
            messages.error(request, "This version cannot be restored: something else has its address now.")
        else:
            messages.success(request, f"Version {revision.version} is back, as version {written.version}.")
            for title in missing:
                messages.warning(request, f"“{title}” belonged to it and is gone for good, so it was left out.")
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[written.pk])
        )

    def _visible(self, request: HttpRequest, object_id: str) -> Written:
        written = self.get_object(request, object_id)
        if written is None:
            raise Http404
        if not self.has_view_or_change_permission(request, written):
            raise PermissionDenied
        return written

    def _named(self, found: list[history.Difference]) -> list[dict]:
        return [{"label": self.opts.get_field(one.field).verbose_name, "parts": one.parts} for one in found]


class PictureForm(forms.ModelForm):
    """A new picture needs a file; of one that is here only the words can be changed, for texts name it by its number."""

    upload = forms.FileField(
        label="File", help_text="JPEG, PNG, WebP, GIF or AVIF, up to 10 MB. Where it was taken is removed from it."
    )

    class Meta:
        model = Picture
        fields = ["alt", "caption", "credit"]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["upload"]

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("upload") and not self.errors:
            try:
                self.instance = Picture.take(cleaned["upload"], alt=cleaned["alt"])
            except ValidationError as error:
                self.add_error("upload", error)
        return cleaned


@admin.register(Picture)
class PictureAdmin(admin.ModelAdmin):
    form = PictureForm
    list_display = ["shown", "alt", "size", "uploaded_by", "when"]
    list_display_links = ["shown", "alt"]
    list_filter = ["created", "uploaded_by"]
    search_fields = ["alt", "caption", "credit", "original_name"]
    readonly_fields = ["large", "size", "original_name", "uploaded_by", "when", "places"]
    delete_confirmation_template = "admin/library/delete_written.html"

    def get_fieldsets(self, request: HttpRequest, obj: Picture | None = None):
        if obj is None:
            return [(None, {"fields": ["upload", "alt", "caption", "credit"]})]
        about = ["size", "original_name", "uploaded_by", "when", "places"]
        return [(None, {"fields": ["large", "alt", "caption", "credit"]}), ("About it", {"fields": about})]

    def get_urls(self) -> list:
        wrap = self.admin_site.admin_view
        return [
            path("choose/", wrap(require_safe(self.choose)), name="library_picture_choose"),
            path("upload/", wrap(require_POST(self.upload)), name="library_picture_upload"),
            path("<int:pk>/file/", wrap(require_safe(self.file)), name="library_picture_file"),
            *super().get_urls(),
        ]

    @admin.display(description="picture")
    def shown(self, picture: Picture) -> str:
        return format_html(
            '<img class="desk-thumbnail" src="{}" alt="{}" loading="lazy">', picture.thumbnail, picture.alt
        )

    @admin.display(description="picture")
    def large(self, picture: Picture) -> str:
        return format_html('<img class="desk-picture" src="{}" alt="{}">', picture.file.url, picture.alt)

    @admin.display(description="pixels", ordering="width")
    def size(self, picture: Picture) -> str:
        return f"{picture.width} × {picture.height}"

    @admin.display(description="uploaded", ordering="created")
    def when(self, picture: Picture) -> str:
        return moment(picture.created)

    @admin.display(description="shown in")
    def places(self, picture: Picture) -> str:
        return ", ".join(place.title for place in links.showing(picture)) or "nothing yet"

    def save_model(self, request: HttpRequest, obj: Picture, form, change: bool) -> None:
        if not change:
            obj.uploaded_by = request.user
        super().save_model(request, obj, form, change)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        picture = self.get_object(request, object_id)
        places = links.showing(picture) if picture else []
        return super().delete_view(request, object_id, {**(extra_context or {}), "places": places, "is_picture": True})

    def delete_model(self, request: HttpRequest, obj: Picture) -> None:
        names = obj.files()
        super().delete_model(request, obj)
        transaction.on_commit(lambda: [default_storage.delete(name) for name in names])

    def delete_queryset(self, request: HttpRequest, queryset) -> None:
        for picture in queryset:
            self.delete_model(request, picture)

    def choose(self, request: HttpRequest) -> JsonResponse:
        """What the text editor offers: the newest, or those whose words hold `q`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found, _ = self.get_search_results(request, Picture.objects.all(), request.GET.get("q", ""))
        page = Paginator(found, _CHOICES).get_page(request.GET.get("page"))
        return JsonResponse({"pictures": [_described(picture) for picture in page], "more": page.has_next()})

    def upload(self, request: HttpRequest) -> JsonResponse:
        """A picture that was pasted or dropped; answers 400 with `code` and `error` when it cannot be taken."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PictureForm(request.POST, request.FILES)
        if not form.is_valid():
            field, errors = next(iter(form.errors.as_data().items()))
            error = errors[0]
            return JsonResponse({"code": error.code, "field": field, "error": error.messages[0]}, status=400)
        picture = form.save(commit=False)
        picture.uploaded_by = request.user
        picture.save()
        return JsonResponse(_described(picture), status=201)

    def file(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How the text editor shows a picture of which it knows the number."""
        picture = Picture.objects.filter(pk=pk).first()
        if picture is None:
            raise Http404
        return HttpResponseRedirect(picture.file.url)


@admin.register(Redirect)
class RedirectAdmin(admin.ModelAdmin):
    list_display = ["old_path", "new_path", "by_hand", "created"]
    list_filter = ["by_hand"]
    search_fields = ["old_path", "new_path"]

    def save_model(self, request: HttpRequest, obj: Redirect, form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        redirects.flatten(obj)

    def delete_model(self, request: HttpRequest, obj: Redirect) -> None:
        redirects.forget(obj)

    def delete_queryset(self, request: HttpRequest, queryset) -> None:
        for redirect in queryset:
            redirects.forget(redirect)


def _described(picture: Picture) -> dict:
    return {"id": picture.pk, "alt": picture.alt, "caption": picture.caption, "thumbnail": picture.thumbnail}
