"""Addresses that have moved."""

import pytest

from library import redirects
from library.models import Redirect

pytestmark = pytest.mark.django_db


def test_what_moved_is_found():
    redirects.moved("/blog/old/", "/blog/new/")

    assert redirects.target("/blog/old/") == "/blog/new/"
    assert redirects.target("/blog/new/") is None


def test_who_moves_twice_is_found_at_once():
    redirects.moved("/a/", "/b/")
    redirects.moved("/b/", "/c/")
    redirects.moved("/b/", "/c/")

    assert redirects.target("/a/") == "/c/"
    assert redirects.target("/b/") == "/c/"


def test_who_moves_back_leads_nobody_in_a_circle():
    redirects.moved("/a/", "/b/")
    redirects.moved("/b/", "/a/")

    assert redirects.target("/a/") is None
    assert redirects.target("/b/") == "/a/"


def test_what_stays_has_not_moved():
    redirects.moved("/a/", "/a/")

    assert not Redirect.objects.exists()


def test_an_address_at_which_something_stands_again_leads_nowhere():
    redirects.moved("/a/", "/b/")
    redirects.alive("/a/")

    assert redirects.target("/a/") is None


def test_one_written_by_hand_is_flattened():
    redirects.moved("/a/", "/b/")
    by_hand = Redirect.objects.create(old_path="/b/", new_path="/c/")
    redirects.flatten(by_hand)

    assert redirects.target("/a/") == "/c/"
