"""The shelf of static files: what is asked of it, and what is refused before it is asked."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.http import Http404
from django.test import RequestFactory

from gruveo import shelf

pytestmark = pytest.mark.server
KEYS = {"AWS_ACCESS_KEY_ID": "of-the-tests", "AWS_SECRET_ACCESS_KEY": "of-the-tests"}
FILE = "css/tokens.0123456789ab.css"


@pytest.fixture
def storage(settings, aws_api, monkeypatch):
    """The settings of a bucket that there is not yet."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    options = {"bucket_name": "shelf-of-the-tests", "endpoint_url": aws_api, "region_name": "us-east-1"}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "library.storage.BucketStorage", "OPTIONS": options},
    }
    return options


@pytest.fixture
def bucket(storage):
    from django.core.files.storage import storages  # noqa: PLC0415 - of the settings above

    bucket = storages["default"].bucket
    bucket.create()
    yield bucket
    bucket.objects.delete()
    bucket.delete()


def take(name: str):
    return shelf.take(RequestFactory().get(f"/static/{name}"), name)


class TakeTests:
    def test_a_file_is_found_again_as_what_it_is(self, bucket, tmp_path):
        (tmp_path / "css").mkdir()
        (tmp_path / FILE).write_text("a{}")
        (tmp_path / "css" / "tokens.css").write_text("a{}")

        assert shelf.fill(tmp_path) == shelf.fill(tmp_path) == 1

        answer = take(FILE)
        assert (answer.status_code, answer.content) == (200, b"a{}")
        assert answer["Content-Type"] == "text/css; charset=utf-8"
        assert "immutable" in answer["Cache-Control"]

    @pytest.mark.parametrize(
        "name",
        [
            FILE,
            "css/tokens.css",
            "../drafts/secret.0123456789ab.webp",
            "css/../../drafts/secret.0123456789ab.webp",
            "/etc/passwd.0123456789ab.x",
            "",
        ],
    )
    def test_what_is_not_there_or_is_no_such_name_is_not_found(self, bucket, name):
        bucket.Object("drafts/secret.0123456789ab.webp").put(Body=b"private")

        with pytest.raises(Http404):
            take(name)

    def test_a_bucket_that_does_not_answer_is_told(self, storage):
        storage |= {"endpoint_url": "http://127.0.0.1:9"}

        assert take(FILE).status_code == 503


class CommandTests:
    def test_without_a_bucket_it_says_so(self):
        with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME is not set"):
            call_command("shelve_static", stdout=StringIO())

    def test_without_collected_files_it_says_so(self, bucket, settings, tmp_path):
        settings.STATIC_ROOT = tmp_path

        with pytest.raises(CommandError, match="no collected static files"):
            call_command("shelve_static", stdout=StringIO())
