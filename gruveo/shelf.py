"""
Static files of every version that serves at the moment, on a shelf in the bucket.

While a deployment goes from machine to machine, a page of one version may be followed by a request for its static files at a machine of the
other. Each version puts its files there before it serves, and a machine that lacks one takes it from there. Only names with a hash of
the content are on it, so what lies there is never out of date.
"""

import mimetypes
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from library.storage import BucketStorage

FOLDER = "static/"
_HASHED = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.[0-9a-f]{12}(?:\.[a-z0-9]+)?", re.ASCII)
_AT_ONCE = 8  # files on their way
_HEADERS = {"Cache-Control": "max-age=315360000, public, immutable", "Access-Control-Allow-Origin": "*"}


def is_there() -> bool:
    """Only a site of many machines has a bucket, and needs this."""
    return isinstance(storages["default"], BucketStorage)


def fill(root: Path) -> int:
    """Puts all files of `root` there that have a hash in their name, and tells how many; may be done again."""
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    names = [name for name in names if _HASHED.fullmatch(name)]
    bucket = storages["default"].bucket

    def put(name: str) -> None:
        bucket.Object(FOLDER + name).put(Body=(root / name).read_bytes(), ContentType=_type(name))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(put, names))
    return len(names)


@require_safe
def take(request: HttpRequest, name: str) -> HttpResponse:
    """A file that this version does not have."""
    if not _HASHED.fullmatch(name):
        raise Http404
    try:
        body = storages["default"].bucket.Object(FOLDER + name).get()["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            raise Http404 from error
        raise
    except BotoCoreError:
        return HttpResponse("The bucket does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(body, content_type=_type(name), headers=_HEADERS)


def _type(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
