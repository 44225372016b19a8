"""Pictures in a bucket, over the real interface of S3: what is public, what is private, and how those of a disk come there."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.management import CommandError, call_command
from django.utils import timezone

from blog.models import Author
from library import filling
from library.models import Picture
from library.storage import DiskStorage
from tests.blog.test_posts import make_post
from tests.library.pictures import encoded, make_picture, upload
from tests.server import BASE_DIR, child_env

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]
KEYS = {"AWS_ACCESS_KEY_ID": "of-the-tests", "AWS_SECRET_ACCESS_KEY": "of-the-tests"}
FOR_EVER = "public, max-age=31536000, immutable"


class Bucket:
    """One in which anybody may read what is below `pictures/`, as a CDN may."""

    def __init__(self, api: str, name: str) -> None:
        self.name = name
        self.api = api
        self.s3 = boto3.client("s3", endpoint_url=api, region_name="us-east-1")
        self.s3.create_bucket(Bucket=name)
        allowed = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{name}/pictures/*",
        }
        self.s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))

    def files(self) -> dict[str, dict]:
        return {entry["Key"]: entry for entry in self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])}

    def get(self, address: str) -> tuple[int, dict]:
        """What a browser gets at an address of it; that of the CDN is the bucket's own here."""
        path = address.removeprefix("https://cdn.example")
        direct = address if path == address else f"{self.api}/{self.name}{path}"
        try:
            with urllib.request.urlopen(direct, timeout=20) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            return error.code, {}


@pytest.fixture
def bucket(aws_api, settings, monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    made = Bucket(aws_api, f"b{time.time_ns()}")
    options = {
        "bucket_name": made.name,
        "region_name": "us-east-1",
        "endpoint_url": aws_api,
        "addressing_style": "path",
        "custom_domain": "cdn.example",
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "library.storage.BucketStorage", "OPTIONS": options},
    }
    return made


class PrivacyTests:
    def test_a_new_picture_is_private_and_shown_by_signed_address(self, bucket):
        picture = make_picture()

        assert {name.partition("/")[0] for name in bucket.files()} == {"drafts"}
        address = picture.file.url
        status, headers = bucket.get(address)
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        assert headers["Cache-Control"] == "private, max-age=3600"
        assert "X-Amz-Expires=3600" in address
        assert bucket.get(address.partition("?")[0])[0] == 403

    def test_with_a_text_for_visitors_it_becomes_public(self, bucket):
        picture = make_picture()
        post = make_post(body=f'<figure><img data-picture="{picture.pk}"></figure>', days=None)
        assert {name.partition("/")[0] for name in bucket.files()} == {"drafts"}
        old = picture.file.url

        post.published_at = timezone.now() + timedelta(days=1)
        post.save()

        picture.refresh_from_db()
        assert {name.partition("/")[0] for name in bucket.files()} == {"pictures"}
        assert picture.file.url == f"https://cdn.example/pictures/{picture.token}/original.jpg"
        for name in picture.files():
            status, headers = bucket.get(default_storage.url(name))
            assert (status, headers["Cache-Control"]) == (200, FOR_EVER)
            assert headers["Content-Type"] == {"jpg": "image/jpeg"}.get(name[-3:], f"image/{name.rpartition('.')[2]}")
        assert bucket.get(old)[0] == 404
        assert f"https://cdn.example/pictures/{picture.token}/" in filling.fill(post.body)

    def test_it_stays_public_when_the_text_is_withdrawn(self, bucket):
        picture = make_picture()
        post = make_post(cover=picture)

        post.published_at = None
        post.save()

        picture.refresh_from_db()
        assert picture.is_public

    def test_the_picture_of_an_author_is_public(self, bucket):
        picture = make_picture()

        Author.objects.create(name="Ada", slug="ada", picture=picture)

        picture.refresh_from_db()
        assert picture.is_public

    def test_what_was_cut_off_in_the_middle_is_done_by_the_next_save(self, bucket, monkeypatch):
        picture = make_picture()
        copy, copied = type(storages["default"]).copy, []

        def fail(self, old, new):
            if len(copied) == 3:
                raise ConnectionError("away")
            copied.append(old)
            copy(self, old, new)

        with monkeypatch.context() as patch:
            patch.setattr(type(storages["default"]), "copy", fail)
            post = make_post(cover=picture)
        picture.refresh_from_db()
        assert not picture.is_public
        assert bucket.get(picture.file.url)[0] == 200

        post.save()

        picture.refresh_from_db()
        assert picture.is_public
        assert {name.partition("/")[0] for name in bucket.files()} == {"pictures"}

    def test_without_a_cdn_every_address_is_signed(self, bucket, settings):
        default = settings.STORAGES["default"]
        without = {**default, "OPTIONS": {**default["OPTIONS"], "custom_domain": None}}
        settings.STORAGES = {**settings.STORAGES, "default": without}
        picture = make_picture()
        make_post(cover=picture)

        picture.refresh_from_db()

        assert "X-Amz-Signature=" in picture.file.url
        assert bucket.get(picture.file.url)[0] == 200


class AdminTests:
    def test_an_upload_through_the_admin_lies_in_the_bucket(self, bucket, admin_client):
        answer = admin_client.post("/admin/library/picture/upload/", {"upload": upload(), "alt": "A calm sea"})

        assert answer.status_code == 201
        assert len(bucket.files()) == len(Picture.objects.get().files())
        assert bucket.get(answer.json()["thumbnail"])[0] == 200

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"\xff\xd8" + bytes(10 * 1024 * 1024), "too-large"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no-picture"),
            (encoded()[:2000], "broken-picture"),
        ],
    )
    def test_what_is_refused_leaves_nothing_there(self, bucket, admin_client, data, code):
        answer = admin_client.post("/admin/library/picture/upload/", {"upload": upload(data), "alt": "A calm sea"})

        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert bucket.files() == {}

    def test_a_deleted_picture_takes_its_files_along(self, bucket, admin_client):
        picture = make_picture()

        admin_client.post(f"/admin/library/picture/{picture.pk}/delete/", {"post": "yes"})

        assert bucket.files() == {}


class CleaningTests:
    def test_only_old_files_of_no_picture_go(self, bucket, settings, monkeypatch):
        kept = make_picture()
        default_storage.save("pictures/gone/original.jpg", ContentFile(encoded()))

        call_command("clean_media")
        assert "pictures/gone/original.jpg" in bucket.files()

        monkeypatch.setattr("gruveo.management.commands.clean_media._YOUNG", timedelta(seconds=-60))
        call_command("clean_media", dry_run=True)
        assert "pictures/gone/original.jpg" in bucket.files()
        call_command("clean_media")
        assert sorted(bucket.files()) == sorted(kept.files())

    def test_a_size_that_is_missing_is_made_anew(self, bucket):
        picture = make_picture()
        default_storage.delete(picture.files()[1])

        call_command("clean_media")

        assert sorted(bucket.files()) == sorted(picture.files())

    def test_a_lost_file_is_told(self, bucket, capsys):
        picture = make_picture()
        default_storage.delete(picture.file.name)

        call_command("clean_media")

        assert f"picture {picture.pk} “A calm sea” has lost its file" in capsys.readouterr().err


class CopyingTests:
    def test_what_is_on_the_disk_comes_into_the_bucket_and_may_be_stopped(self, bucket, tmp_path):
        folder = tmp_path / "media"
        disk = DiskStorage(folder)
        for number in range(400):
            disk.save(f"pictures/{number}/original.jpg", ContentFile(encoded(size=(20, 20)) + bytes(number)))
        command = [sys.executable, "manage.py", "copy_media", "--from", str(folder)]
        env = child_env(
            tmp_path, DEBUG="1", **KEYS, AWS_STORAGE_BUCKET_NAME=bucket.name, AWS_S3_ENDPOINT_URL=bucket.api
        )
        running = subprocess.Popen(
            command, cwd=BASE_DIR, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while len(bucket.files()) < 20 and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
        there = bucket.files()
        assert running.returncode == 130
        assert "Run it again to go on." in said
        assert 20 <= len(there) < 400

        done = subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=120)

        assert done.stdout == f"{400 - len(there)} files copied, {len(there)} were there already.\n", done.stderr
        now = bucket.files()
        assert {name: now[name]["LastModified"] for name in there} == {
            name: entry["LastModified"] for name, entry in there.items()
        }
        for number in range(400):
            assert now[f"pictures/{number}/original.jpg"]["Size"] == disk.size(f"pictures/{number}/original.jpg")

    def test_without_a_bucket_it_says_so(self):
        with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME is not set"):
            call_command("copy_media")

    def test_a_folder_that_is_not_there_is_named(self, bucket, tmp_path):
        with pytest.raises(CommandError, match="There is no folder"):
            call_command("copy_media", "--from", str(tmp_path / "nowhere"))


def test_a_server_reads_its_bucket_from_the_environment(bucket, make_server):
    cdn = "http://cdn.localhost:9"
    server = make_server(**KEYS, AWS_STORAGE_BUCKET_NAME=bucket.name, AWS_S3_ENDPOINT_URL=bucket.api, MEDIA_ORIGIN=cdn)

    with server.get("/blog/") as answer:
        html, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]

    assert f"img-src 'self' data: blob: {cdn} {bucket.api}" in policy
    assert "<h1" in html
