"""The icon of the site in pixels, for phones and browsers that take no SVG: the shapes of static/img/icon.svg."""

import io
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw

_SIDE = 512  # of the drawing
_FINER = 4  # drawn so much larger, then made smaller, for smooth edges
_GROUND, _ONE, _TWO, _BOTH = "#0e1920", "#2ba3bb", "#f99864", "#fcfbf7"
# Left, top, right, bottom; then the radii of the corners, clockwise from the top left.
_SHAPE_ONE = ((84, 151, 294, 361), (96, 96, 96, 24))
_SHAPE_TWO = ((218, 151, 428, 361), (96, 24, 96, 96))


@lru_cache(maxsize=8)
def png(side: int) -> bytes:
    return _encode(_draw(side), "PNG", optimize=True)


@lru_cache(maxsize=1)
def ico() -> bytes:
    """For browsers that ask for /favicon.ico by themselves."""
    return _encode(_draw(48), "ICO", sizes=[(16, 16), (32, 32), (48, 48)])


def _draw(side: int) -> Image.Image:
    fine = side * _FINER
    image = Image.new("RGB", (fine, fine), _GROUND)
    one, two = _mask(fine, *_SHAPE_ONE), _mask(fine, *_SHAPE_TWO)
    for colour, mask in ((_ONE, one), (_TWO, two), (_BOTH, ImageChops.multiply(one, two))):
        image.paste(colour, mask=mask)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def _mask(fine: int, box: tuple[int, ...], radii: tuple[int, ...]) -> Image.Image:
    """White where the shape is."""
    scale = fine / _SIDE
    left, top, right, bottom = (value * scale for value in box)
    mask = Image.new("L", (fine, fine))
    draw = ImageDraw.Draw(mask)
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    quarters = [
        ((left, top), (middle_x, middle_y)),
        ((middle_x, top), (right, middle_y)),
        ((middle_x, middle_y), (right, bottom)),
        ((left, middle_y), (middle_x, bottom)),
    ]
    for number, (quarter, radius) in enumerate(zip(quarters, radii, strict=True)):
        corners = [corner == number for corner in range(4)]
        draw.rounded_rectangle(quarter, radius=radius * scale, fill=255, corners=tuple(corners))
    return mask


def _encode(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
