"""Pictures from the disk of this machine; where they are in a bucket, nobody asks here."""

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}


@require_safe
def media(request: HttpRequest, name: str) -> HttpResponse:
    """A file of a picture. Its name is never used for another one, so it may be kept for ever."""
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None:
        raise Http404
    try:
        with default_storage.open(name) as file:
            content = file.read()
    except (FileNotFoundError, IsADirectoryError, SuspiciousFileOperation):
        raise Http404 from None
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})
