"""Files of pictures, as editors and others upload them."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from library.models import Picture


def encoded(kind: str = "JPEG", size: tuple[int, int] = (1200, 800), mode: str = "RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "teal").save(out, kind, **options)
    return out.getvalue()


def upload(data: bytes | None = None, name: str = "sea.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, encoded() if data is None else data)


def make_picture(alt: str = "A calm sea", **values) -> Picture:
    return Picture.take(upload(encoded(size=values.pop("size", (1200, 800)))), alt=alt, **values)


def public_picture(alt: str = "A calm sea", **values) -> Picture:
    picture = make_picture(alt, **values)
    picture.publish()
    return picture
