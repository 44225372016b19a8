"""What becomes of a picture that an editor gives us, and how it stands on a page."""

import contextlib
import hashlib
import io
import warnings
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

WIDTHS = (480, 960, 1600)  # pixels
MOST_BYTES = 10 * 1024 * 1024
_MOST_PIXELS = 50_000_000
_MOST_SIDE = 2400  # of what is kept of the original
_TAKEN = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
_QUALITY = {"AVIF": 60, "WEBP": 80, "JPEG": 88}


class Made(NamedTuple):
    """A picture that is fit to be shown: what was given, without anything but its pixels, and smaller ones."""

    original: ContentFile
    suffix: str
    width: int
    height: int
    content_hash: str
    renditions: dict[str, ContentFile]  # by the end of their names: "480.webp"


def make(data: bytes) -> Made:
    """
    Decodes what was given and draws it anew, so that neither where it was taken nor what else hides in the file remains.

    Raises:
        ValidationError: too large, not a picture that browsers show, or broken.
    """
    image = _decode(data)
    image.thumbnail((_MOST_SIDE, _MOST_SIDE))
    suffix = "jpg" if image.mode == "RGB" else "png"
    original = _encode(image, "JPEG" if suffix == "jpg" else "PNG")
    renditions = {}
    for width in widths(image.width):
        smaller = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
        renditions[f"{width}.avif"] = ContentFile(_encode(smaller, "AVIF"))
        renditions[f"{width}.webp"] = ContentFile(_encode(smaller, "WEBP"))
    digest = hashlib.sha256(original).hexdigest()
    return Made(ContentFile(original), suffix, image.width, image.height, digest, renditions)


def widths(original: int) -> list[int]:
    """Which widths there are of a picture that is so wide; none is larger than it."""
    return [width for width in WIDTHS if width < original] + ([original] if original <= WIDTHS[-1] else [])


def _decode(data: bytes) -> Image.Image:
    if len(data) > MOST_BYTES:
        raise ValidationError(
            "This file is larger than %(most)s MB. Make the picture smaller, then try again.",
            code="too-large",
            params={"most": MOST_BYTES // 1024 // 1024},
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_TAKEN)
            if image.width * image.height > _MOST_PIXELS:
                raise ValidationError(
                    "This picture has more than %(most)s million pixels. Make it smaller, then try again.",
                    code="too-many-pixels",
                    params={"most": _MOST_PIXELS // 1_000_000},
                )
            return _pixels(image)
    except UnidentifiedImageError:
        raise ValidationError(
            "This is not a picture that we can show. Take a JPEG, PNG, WebP, GIF or AVIF file.", code="no-picture"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise ValidationError("This picture is broken: it cannot be read to its end.", code="broken-picture") from None


def _pixels(image: Image.Image) -> Image.Image:
    """What the picture shows and nothing else, upright and in the colours of the web (sRGB)."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if profile:
        # A profile that makes no sense, or is for another kind of colours, is as good as none.
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            wide = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(image, wide, ImageCms.createProfile("sRGB"), outputMode=image.mode)
    image.info = {}
    return image


def _encode(image: Image.Image, format: str) -> bytes:
    out = io.BytesIO()
    options = {"quality": _QUALITY[format]} if format in _QUALITY else {"optimize": True}
    if format == "AVIF":
        options["speed"] = 8
    image.save(out, format, **options)
    return out.getvalue()
