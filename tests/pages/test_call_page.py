"""The page of a call: one address for each code, and none for what is no code."""

from urllib.parse import quote

import pytest
from django.db import OperationalError, connection

from library import redirects
from pages.models import Page
from signaling import codes

pytestmark = pytest.mark.django_db


class CallPageTests:
    def test_is_at_the_normal_form_of_the_code(self, client):
        response = client.get("/blue-heron")

        assert response.status_code == 200
        assert response.templates[0].name == "pages/room.html"
        assert response.context["code"] == "blue-heron"

    def test_names_the_signaling_server_of_another_host(self, client, settings):
        settings.SIGNALING_URL = "wss://signal.example.org/signaling"

        assert client.get("/blue-heron").context["signaling_url"] == "wss://signal.example.org/signaling"

    @pytest.mark.parametrize("path", ["/", "/blue-heron"])
    def test_offers_to_hide_the_address_only_where_there_is_a_relay(self, client, settings, path):
        without = client.get(path).content.decode()
        settings.TURN_SERVERS, settings.TURN_SECRETS = {"": ("turn.example",)}, ("t" * 32,)

        html = client.get(path).content.decode()

        assert "Hide my IP address" not in without
        assert 'role="switch"' in html
        assert "turn.example" not in html

    @pytest.mark.parametrize(
        "typed", ["Blue Heron", "BLUE-HERON", "blue-heron/", " blue\u00a0heron", "blue\u00adheron", "ﬁ"]
    )
    def test_another_spelling_is_led_to_it(self, client, typed):
        response = client.get("/" + quote(typed))

        assert response.status_code == 302
        assert response["Location"] == codes.path(codes.normalise(typed.removesuffix("/")))

    @pytest.mark.parametrize("code", ["öl", "привет", "👩\u200d🚀", "dr.who", "don't", "١٢٣", "_-_"])
    def test_a_redirect_ends_at_once(self, client, code):
        response = client.get("/" + quote(codes.normalise(code)))

        assert response.status_code == 200

    def test_keeps_the_code_away_from_caches_and_other_sites(self, client):
        for path in ["/blue-heron", "/Blue%20Heron", "/a%3Fb", "/index.php"]:
            response = client.get(path)

            assert response["Referrer-Policy"] == "no-referrer"
            assert response["X-Robots-Tag"] == "noindex"
            assert response["Cache-Control"] == "no-store"

    def test_sets_no_cookie(self, client):
        assert not client.get("/blue-heron").cookies

    def test_asks_the_database_nothing_once_it_is_known_what_has_moved(self, client, django_assert_num_queries):
        client.get("/blue-heron")

        with django_assert_num_queries(0):
            client.get("/another-heron")

    @pytest.mark.parametrize("typed", ["old-post", "Old-Post", "old-post/"])
    def test_an_address_from_before_leads_to_where_it_has_gone_and_is_no_code(self, client, typed):
        redirects.moved("/Old-Post/", "/blog/old-post/")

        answer = client.get(f"/{typed}?a=1")

        assert (answer.status_code, answer["Location"]) == (301, "/blog/old-post/?a=1")

    def test_a_database_that_is_away_does_not_keep_anybody_from_calling(self, client):
        def refuse(*_):
            raise OperationalError("away")

        with connection.execute_wrapper(refuse):
            assert client.get("/blue-heron").status_code == 200

    def test_refuses_to_be_posted_to(self, client):
        assert client.post("/blue-heron").status_code == 405


class NoCodeTests:
    @pytest.mark.parametrize("path", ["/.env", "/...", "/index.php", "/media", "/metrics/", "/Jobs"])
    def test_an_address_of_scanners_or_of_the_site_is_not_found(self, client, path):
        response = client.get(path)

        assert response.status_code == 404
        assert response.templates[0].name == "pages/not_found.html"

    @pytest.mark.parametrize("typed", ["a?b", "x" * 65, "a;b", "<script>", "%", "a\nb;"])
    def test_a_mistyped_code_is_told_why(self, client, typed):
        response = client.get("/" + quote(typed, safe=""))

        assert response.status_code == 404
        assert response.templates[0].name == "pages/bad_code.html"
        assert response.context["problem"]
        assert "<script>" not in response.content.decode()

    def test_bytes_that_are_no_text_are_refused(self, client):
        assert client.get("/%ff%fe").status_code == 404

    def test_two_segments_are_no_code(self, client):
        assert client.get("/blue/heron").status_code == 404

    @pytest.mark.parametrize("name", ["blog", "faq", "admin", "about", "Privacy"])
    def test_a_fixed_name_without_its_slash_is_led_on(self, client, name):
        response = client.get(f"/{name}")

        assert response.status_code == 302
        assert response["Location"] == f"/{name.lower()}/"

    def test_no_page_can_take_an_address_that_is_a_code(self):
        assert set(Page.AT_ROOT) <= set(codes.RULES["reserved"])
