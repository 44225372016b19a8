"""Addresses at which nothing stands any more, as visitors come by them."""

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection

from library import redirects
from library.models import Redirect

pytestmark = pytest.mark.django_db


def test_what_has_moved_is_led_on(client):
    redirects.moved("/2019/05/hello/", "/blog/hello/")

    answer = client.get("/2019/05/hello/")

    assert (answer.status_code, answer["Location"]) == (301, "/blog/hello/")


def test_what_stands_at_its_address_is_not_led_away(client):
    Redirect.objects.create(old_path="/faq/", new_path="/elsewhere/")

    assert client.get("/faq/").status_code == 200


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "blog", "/a b"])
def test_nobody_is_led_to_another_site(target):
    with pytest.raises(ValidationError):
        Redirect(old_path="/old/", new_path=target).full_clean()


def test_a_word_of_the_root_is_known_however_it_is_written():
    Redirect.objects.create(old_path="/Old-Page/", new_path="/blog/old-page/")

    assert redirects.of_word("old-page") == redirects.of_word("OLD-PAGE") == "/blog/old-page/"
    assert redirects.of_word("other") is None


def test_a_change_is_seen_at_once(django_capture_on_commit_callbacks):
    assert redirects.of_word("old") is None

    with django_capture_on_commit_callbacks(execute=True):
        redirects.moved("/old/", "/new/")
    assert redirects.of_word("old") == "/new/"
    with django_capture_on_commit_callbacks(execute=True):
        redirects.alive("/old/")
    assert redirects.of_word("old") is None


def test_words_are_asked_of_the_database_once(django_assert_num_queries):

    with django_assert_num_queries(1):
        for word in ["heron", "otter", "newt"]:
            redirects.of_word(word)


def test_without_a_database_what_is_missing_is_still_missing(client):
    def refuse(*_):
        raise OperationalError("away")

    with connection.execute_wrapper(refuse):
        assert client.get("/.well-known/assetlinks.json").status_code == 404


def test_without_a_cache_the_database_is_asked(settings, monkeypatch):
    Redirect.objects.create(old_path="/old/", new_path="/new/")
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere/redis.sock"}
    }

    assert redirects.of_word("old") == "/new/"
