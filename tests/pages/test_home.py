"""The home page, with and without JavaScript."""

import pytest

from pages import sample
from pages.hints import HINTS
from signaling import codes

pytestmark = pytest.mark.django_db


class HomeTests:
    def test_shows_one_field_and_two_buttons(self, client):
        html = client.get("/").content.decode()

        assert '<label class="code-label" for="code">Code</label>' in html
        assert html.count("<input") == 1
        assert "Video call" in html
        assert "Voice call" in html

    def test_gives_the_browser_the_rules_of_codes(self, client):
        response = client.get("/")

        assert response.context["rules"] == codes.RULES
        assert 'id="code-rules"' in response.content.decode()

    def test_leads_to_the_first_questions(self, client):
        sample.add()

        assert "/faq/#how-to-call" in client.get("/").content.decode()

    def test_sets_no_cookie(self, client):
        assert not client.get("/").cookies

    def test_holds_no_inline_style_or_script(self, client):
        html = client.get("/").content.decode()

        assert " style=" not in html
        assert "<style" not in html
        assert html.count("<script") == html.count("<script src") + html.count(
            '<script type="module" src'
        ) + html.count('type="application/json"')

    def test_refuses_to_be_posted_to(self, client):
        assert client.post("/", {"code": "blue-heron"}).status_code == 405


class FormWithoutJavaScriptTests:
    def test_leads_to_the_normal_form_of_the_code(self, client):
        response = client.get("/", {"code": "  Blue Heron "})

        assert response.status_code == 303
        assert response["Location"] == "/blue-heron"

    def test_encodes_what_is_not_ascii(self, client):
        assert client.get("/", {"code": "Öl"})["Location"] == "/%C3%B6l"

    def test_keeps_the_code_away_from_caches_and_other_sites(self, client):
        for code in ["blue-heron", "a?b"]:
            response = client.get("/", {"code": code})

            assert response["Referrer-Policy"] == "no-referrer"
            assert response["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        ("typed", "hint"),
        [
            ("", "empty"),
            ("   ", "empty"),
            ("x" * 65, "too-long"),
            ("a?b", "characters"),
            ("..", "dots"),
            ("index.php", "file"),
            ("Blog", "taken"),
        ],
    )
    def test_says_beside_the_field_what_is_wrong(self, client, typed, hint):
        response = client.get("/", {"code": typed})

        assert response.status_code == 200
        assert response.context["problem"] == HINTS[hint]
        assert 'aria-invalid="true"' in response.content.decode()

    def test_shows_what_was_typed_as_text_only(self, client):
        html = client.get("/", {"code": '"><script>alert(1)</script>'}).content.decode()

        assert "<script>alert" not in html

    def test_never_leads_to_another_host(self, client):
        for typed in ["//evil.example", "https://evil.example", "\\\\evil.example"]:
            assert client.get("/", {"code": typed}).status_code == 200
