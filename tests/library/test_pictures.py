"""What becomes of a picture that is uploaded, and what is refused."""

import io
import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image, ImageCms

from library import filling, pictures
from tests.blog.test_posts import make_post
from tests.library.pictures import encoded, make_picture, public_picture, upload

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def opened(name: str) -> Image.Image:
    with default_storage.open(name) as file:
        return Image.open(io.BytesIO(file.read()))


class MakeTests:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
    def test_takes_what_browsers_show(self, kind):
        made = pictures.make(encoded(kind))

        assert (made.width, made.height) == (1200, 800)
        assert sorted(made.renditions) == ["1200.avif", "1200.webp", "480.avif", "480.webp", "960.avif", "960.webp"]

    def test_no_copy_is_larger_than_it(self):
        assert pictures.widths(300) == [300]
        assert pictures.widths(960) == [480, 960]
        assert pictures.widths(5000) == [480, 960, 1600]

    def test_a_huge_one_is_kept_smaller(self):
        made = pictures.make(encoded(size=(6000, 3000)))

        assert (made.width, made.height) == (2400, 1200)

    def test_what_is_transparent_stays_so(self):
        made = pictures.make(encoded("PNG", mode="RGBA"))

        assert made.suffix == "png"
        assert Image.open(made.original).mode == "RGBA"

    def test_where_it_was_taken_and_by_which_camera_is_gone(self):
        exif = Image.Exif()
        exif[0x010F] = "A camera"
        exif.get_ifd(0x8825).update({1: "N", 2: (50.0, 3.0, 41.0)})
        given = encoded(exif=exif.tobytes(), comment=b"taken at home")
        assert b"A camera" in given

        made = pictures.make(given)

        for file in [made.original, *made.renditions.values()]:
            data = file.read()
            assert b"A camera" not in data
            assert b"taken at home" not in data
            assert not Image.open(io.BytesIO(data)).getexif()

    def test_colours_of_another_profile_become_those_of_the_web_and_the_profile_goes(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

        for given in (profile, b"no profile at all"):
            made = pictures.make(encoded(icc_profile=given))
            assert "icc_profile" not in Image.open(made.original).info

    def test_it_stands_upright_as_the_camera_meant_it(self):
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter

        made = pictures.make(encoded(exif=exif.tobytes()))

        assert (made.width, made.height) == (800, 1200)

    def test_what_hides_behind_the_pixels_is_gone(self):
        made = pictures.make(encoded("GIF") + b"<script>alert(1)</script><?php evil(); ?>")

        for file in [made.original, *made.renditions.values()]:
            data = file.read()
            assert b"script" not in data
            assert b"php" not in data


class RefusalTests:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (SVG, "no-picture"),
            (b"", "no-picture"),
            (b"%PDF-1.7", "no-picture"),
            (b"GIF89a<script>alert(1)</script>", "no-picture"),
            (encoded()[:2000], "broken-picture"),
            (encoded("BMP"), "no-picture"),
            (encoded("TIFF"), "no-picture"),
            (b"x" * (pictures.MOST_BYTES + 1), "too-large"),
            (encoded("PNG", size=(8000, 8000), mode="1"), "too-many-pixels"),
        ],
        ids=["svg", "empty", "pdf", "polyglot", "cut", "bmp", "tiff", "large", "bomb"],
    )
    def test_what_is_no_picture_of_ours_is_refused(self, data, code):
        with pytest.raises(ValidationError) as refused:
            pictures.make(data)

        assert refused.value.code == code
        assert refused.value.messages[0].endswith(".")


@pytest.mark.django_db
class PictureTests:
    def test_its_files_stand_together_under_a_name_that_nobody_guesses(self):
        picture = make_picture()

        assert len(picture.token) >= 20
        for name in picture.files():
            assert name.startswith(f"drafts/{picture.token}/")
            assert default_storage.exists(name)
        assert opened(picture.files()[1]).format == "AVIF"

    def test_a_refused_one_leaves_nothing_behind(self, tmp_path):
        with pytest.raises(ValidationError):
            type(make_picture()).take(upload(SVG, "x.svg"), alt="x")

        assert len(list((tmp_path / "drafts").iterdir())) == 1

    def test_it_is_served_so_that_it_may_be_kept_for_ever(self, client):
        answer = client.get(public_picture().thumbnail)

        assert answer["Content-Type"] == "image/webp"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert Image.open(io.BytesIO(answer.content)).width == 480

    def test_a_private_one_is_served_to_who_has_its_signed_address(self, client):
        address = make_picture().thumbnail

        assert client.get(address)["Cache-Control"] == "private, max-age=3600"
        for other in (
            address.partition("?")[0],
            address[:-1],
            make_picture().thumbnail.partition("?")[0] + "?" + address.partition("?")[2],
        ):
            assert client.get(other).status_code == 404

    def test_a_signed_address_runs_out(self, client, monkeypatch):
        address = make_picture().thumbnail
        monkeypatch.setattr("library.storage.SIGNED_SECONDS", -1)

        assert client.get(address).status_code == 404

    def test_made_public_it_has_moved_with_all_its_files(self, tmp_path):
        picture = public_picture()
        picture.publish()

        assert all(default_storage.exists(name) for name in picture.files())
        assert not list((tmp_path / "drafts").rglob("*.*"))
        assert picture.thumbnail == f"/media/pictures/{picture.token}/480.webp"

    def test_a_draft_keeps_its_pictures_private_and_a_scheduled_post_does_not(self, django_capture_on_commit_callbacks):
        picture = make_picture()
        with django_capture_on_commit_callbacks(execute=True):
            post = make_post(cover=picture, days=None)
        picture.refresh_from_db()
        assert not picture.is_public

        post.published_at = timezone.now() + timedelta(days=1)
        with django_capture_on_commit_callbacks(execute=True):
            post.save()

        picture.refresh_from_db()
        assert picture.is_public

    @pytest.mark.parametrize(
        "name", ["nothing.webp", "../db.sqlite3", "../x.webp", "pictures", "pictures/x.svg", "%2e%2e/x.png"]
    )
    def test_nothing_else_is_served(self, client, name, tmp_path):
        (tmp_path.parent / "x.webp").write_bytes(b"secret")
        make_picture()

        assert client.get(f"/media/{name}").status_code == 404


@pytest.mark.django_db
class FillTests:
    def test_a_picture_stands_there_in_modern_formats_with_its_size(self):
        picture = make_picture('A "calm" sea')

        html = filling.fill(f'<figure><img data-picture="{picture.pk}" alt=""></figure>')

        for width, kind in ((480, "avif"), (1200, "webp")):
            address, _, _ = picture.rendition(width, kind).partition("?")  # it is signed with the time
            assert re.search(rf"{re.escape(address)}\?key=\S+ {width}w", html)
        assert 'width="1200" height="800" alt="A &quot;calm&quot; sea" loading="lazy"' in html

    def test_one_that_is_gone_leaves_nothing_behind(self):
        assert filling.fill('<p>x</p><figure><img data-picture="99"></figure>') == "<p>x</p><figure></figure>"

    def test_many_texts_need_one_query_and_those_without_a_picture_none(self, django_assert_num_queries):
        one, other = make_picture("One"), make_picture("Other")
        texts = [f'<img data-picture="{number}">' for number in (one.pk, other.pk, one.pk)]

        with django_assert_num_queries(1):
            filled = filling.fill_all(texts)
        with django_assert_num_queries(0):
            filling.fill("<p>x</p>")

        assert 'alt="One"' in filled[0]
        assert 'alt="Other"' in filled[1]
