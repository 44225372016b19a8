"""Pictures from the disk of this machine; where they are in a bucket, nobody asks here."""

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from library import storage


@require_safe
def media(request: HttpRequest, name: str) -> HttpResponse:
    """A file of a picture; a private one for those who were given its signed address."""
    kind = storage.TYPES.get(name.rpartition(".")[2])
    if kind is None or (storage.is_private(name) and not storage.is_signed(name, request.GET.get("key", ""))):
        raise Http404
    try:
        with default_storage.open(name) as file:
            content = file.read()
    except (FileNotFoundError, IsADirectoryError, SuspiciousFileOperation):
        raise Http404 from None
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": storage.cache_control(name)})
