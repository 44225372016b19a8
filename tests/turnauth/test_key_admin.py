"""Operators make keys for programs, see each once, and take them back."""

import re

import pytest

from turnauth.models import ApiKey, digest

LIST = "/admin/turnauth/apikey/"


@pytest.fixture
def drawn(admin_client):
    """The page that shows a new key."""
    return admin_client.post(f"{LIST}add/", {"name": "The app"})


def key_of(response) -> str:
    return re.search(r"<code data-key>([^<]+)</code>", response.content.decode())[1]


class ApiKeyAdminTests:
    def test_a_new_key_is_shown_once_and_kept_as_a_hash(self, admin_client, drawn):
        key = key_of(drawn)

        assert len(key) > 40
        assert ApiKey.objects.get().digest == digest(key)
        assert "no-store" in drawn["Cache-Control"]
        entry = ApiKey.objects.get()
        for page in (LIST, f"{LIST}{entry.pk}/change/", f"{LIST}{entry.pk}/history/"):
            html = admin_client.get(page).content.decode()
            assert "The app" in html
            assert key not in html and entry.digest not in html

    def test_it_is_in_no_cookie_and_no_session(self, admin_client, drawn):
        key = key_of(drawn)

        assert not any(key in cookie.value for cookie in admin_client.cookies.values())
        assert not any(key in str(value) for value in admin_client.session.values())

    def test_two_keys_differ(self, admin_client, drawn):
        assert key_of(admin_client.post(f"{LIST}add/", {"name": "Another"})) != key_of(drawn)

    def test_a_name_serves_once(self, admin_client, drawn):
        again = admin_client.post(f"{LIST}add/", {"name": "The app"})

        assert "already exists" in again.content.decode()
        assert ApiKey.objects.count() == 1

    def test_a_new_name_is_not_a_new_key(self, admin_client, drawn):
        entry = ApiKey.objects.get()

        admin_client.post(f"{LIST}{entry.pk}/change/", {"name": "The app of 2027", "digest": "0" * 64, "revoked": "x"})

        changed = ApiKey.objects.get()
        assert (changed.name, changed.digest, changed.revoked) == ("The app of 2027", entry.digest, None)

    def test_revoking_is_an_action_and_keeps_the_first_date(self, admin_client, drawn):
        chosen = {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]}
        admin_client.post(LIST, chosen)
        revoked = ApiKey.objects.get().revoked

        admin_client.post(LIST, chosen)

        assert revoked is not None
        assert ApiKey.objects.get().revoked == revoked
        assert "Revoked" in admin_client.get(LIST).content.decode()

    def test_it_is_for_the_staff_only(self, client, db):
        assert client.get(LIST).status_code == 302
        client.post(f"{LIST}add/", {"name": "Charlie"})
        assert not ApiKey.objects.exists()
