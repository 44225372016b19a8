"""Each page has one address, and speaks the language that was chosen, or else the one that the browser asks for."""

import re

import pytest

from pages import sample
from pages.models import FaqEntry, Page
from tests.blog.test_posts import make_post

pytestmark = pytest.mark.django_db

GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}
TITLES = {
    "en": "Meet at a word.",
    "de": "Trefft euch bei einem Wort.",
    "es": "Encontraos en una palabra.",
    "fr": "Retrouvez-vous autour d’un mot.",
    "pl": "Spotkajcie się przy słowie.",
}


def text_of(response) -> str:
    return response.content.decode()


class NegotiationTests:
    @pytest.mark.parametrize("language", TITLES)
    def test_the_browser_is_answered_in_its_language(self, client, language):
        response = client.get("/", headers={"accept-language": language})

        assert TITLES[language] in text_of(response)
        assert f'<html lang="{language}">' in text_of(response)
        assert response["Content-Language"] == language

    def test_a_variety_is_answered_in_the_language(self, client):
        assert TITLES["de"] in text_of(client.get("/", **GERMAN))

    @pytest.mark.parametrize("asked", ["", "ja", "xx-broken;q=nonsense", "*"])
    def test_a_language_that_there_is_none_of_is_answered_in_english(self, client, asked):
        assert TITLES["en"] in text_of(client.get("/", headers={"accept-language": asked}))

    def test_what_was_chosen_comes_before_what_the_browser_asks_for(self, client):
        client.cookies["language"] = "pl"

        assert TITLES["pl"] in text_of(client.get("/", **GERMAN))

    def test_a_cookie_that_names_none_counts_for_nothing(self, client):
        client.cookies["language"] = "../../etc"

        assert TITLES["de"] in text_of(client.get("/", **GERMAN))

    @pytest.mark.parametrize("path", ["/", "/faq/", "/contact/", "/blog/", "/search/", "/some-code", "/a/b/c", "/a+b"])
    def test_caches_on_the_way_are_told_what_a_page_depends_on(self, client, path):
        varies = client.get(path, **GERMAN)["Vary"].split(", ")

        assert {"Accept-Language", "Cookie"} <= set(varies)

    @pytest.mark.parametrize(
        "path", ["/blog/rss.xml", "/sitemap.xml", "/robots.txt", "/manifest.webmanifest", "/healthz"]
    )
    def test_what_programs_read_is_the_same_in_all_languages(self, client, path):
        german, english = client.get(path, **GERMAN), client.get(path)

        assert german.content == english.content
        assert "Content-Language" not in german
        assert "Accept-Language" not in german.get("Vary", "")

    def test_nobody_gets_a_cookie_who_has_chosen_nothing(self, client):
        assert not client.get("/", **GERMAN).cookies

    def test_staff_work_in_english(self, admin_client):
        response = admin_client.get("/admin/", **GERMAN)

        assert '<html lang="en' in text_of(response)
        assert "Log out" in text_of(response)


class ChoiceTests:
    def test_is_kept_in_a_cookie_and_leads_to_the_address_without_it(self, client):
        response = client.get("/faq/?q=a%26b&lang=fr&q=c")

        assert response.status_code == 302
        assert response["Location"] == "/faq/?q=a%26b&q=c"
        cookie = response.cookies["language"]
        assert (cookie.value, cookie["path"], cookie["samesite"]) == ("fr", "/", "Lax")
        assert cookie["httponly"] and cookie["max-age"] == 365 * 24 * 3600
        assert "Questions et réponses" in text_of(client.get(response["Location"]))

    @pytest.mark.parametrize("path", ["/", "/blog/", "/blue-heron", "/%F0%9F%90%A6", "/nothing/here/"])
    def test_works_on_each_page_and_changes_nothing_else_of_the_address(self, client, path):
        assert client.get(f"{path}?lang=de")["Location"] == path

    def test_leads_to_this_site_only(self, client):
        response = client.get("//example.org/?lang=de")

        assert response["Location"].startswith("/") and not response["Location"].startswith("//")

    @pytest.mark.parametrize("lang", ["", "xx", "de-AT", "DE", "../de", "de\r\nSet-Cookie: a=b"])
    def test_of_one_that_there_is_none_of_is_not_kept(self, client, lang):
        response = client.get("/faq/", {"lang": lang})

        assert response["Location"] == "/faq/"
        assert not response.cookies

    def test_of_a_call_page_does_not_tell_the_code(self, client):
        response = client.get("/blue-heron?lang=de")

        assert response["Cache-Control"] == "no-store" and response["Referrer-Policy"] == "no-referrer"

    def test_is_offered_on_each_page_in_each_language(self, client):
        html = text_of(client.get("/search/?q=a", **GERMAN))

        links = re.findall(r'<a[^>]*href="\?([^"]*)" lang="(\w\w)"[^>]*>([^<]+)</a>', html)
        assert links == [
            (f"q=a&amp;lang={code}", code, name)
            for code, name in [
                ("en", "English"),
                ("de", "Deutsch"),
                ("es", "Español"),
                ("fr", "Français"),
                ("pl", "Polski"),
            ]
        ]
        assert html.count('lang="de" hreflang="de" rel="nofollow" aria-current="true"') == 1


class ContentTests:
    def test_a_post_stays_in_its_own_language_and_says_which(self, client):
        make_post(title="Ein Wort genügt", body="<p>Hallo</p>", language="de")

        html = text_of(client.get("/blog/first/", headers={"accept-language": "pl"}))

        assert '<html lang="pl">' in html
        assert '<h1 class="reading-title" lang="de">Ein Wort genügt</h1>' in html
        assert '<div class="prose" lang="de" data-prose>' in html
        assert '"inLanguage": "de"' in html
        assert '<h2 class="post-card-title" lang="de">' in text_of(client.get("/blog/"))

    def test_what_stands_around_a_chart_belongs_to_the_post(self, client):
        chart = "type: bars\ntitle: Anrufe\n2024: 1.5\n2025: 2.5"
        make_post(body=f'<pre><code class="language-chart">{chart}</code></pre>', language="de")

        english, polish = (
            text_of(client.get("/blog/first/", headers={"accept-language": language})) for language in ("en", "pl")
        )

        assert "Werte zeigen" in english and "Werte zeigen" in polish
        drawn = re.search(r"<svg class=\"chart-drawing\".*?</svg>", polish, re.DOTALL)[0]
        assert not re.search(r'="\d+,\d', drawn)  # SVG has points, whatever the language has

    def test_questions_and_pages_say_theirs(self, client):
        sample.add()
        FaqEntry.objects.update(language="fr")
        Page.objects.filter(slug="about").update(language="es")

        faq, about = text_of(client.get("/faq/")), text_of(client.get("/about/"))

        assert '<h3 class="question-title" lang="fr">' in faq
        assert '<h1 class="reading-title" lang="es">' in about
        assert re.search(r'href="/about/" lang="es"', faq)

    def test_dates_are_written_as_the_language_writes_them(self, client):
        make_post()

        german = text_of(client.get("/blog/", **GERMAN))

        assert re.search(r">\d\d?\. [A-ZÄ][a-zä]+ \d{4}</time>", german)

    def test_what_is_wrong_with_a_form_is_told_in_the_language(self, client):
        answer = client.post("/contact/", {"kind": "", "text": ""}, HTTP_SEC_FETCH_SITE="same-origin", **GERMAN)

        assert answer.status_code == 400
        assert "Schreib uns erst etwas." in text_of(answer)
        assert "Wähle, worum es geht." in text_of(answer)

    def test_why_a_code_is_refused_is_told_in_the_language(self, client):
        assert "Ein Code beginnt nicht mit einem Punkt." in text_of(client.get("/?code=.x", **GERMAN))


def test_a_kept_page_is_kept_for_each_language(client, settings):
    settings.PAGES_KEPT_SECONDS = 300

    for _ in range(2):
        for language, title in TITLES.items():
            response = client.get("/", headers={"accept-language": language})
            assert title in text_of(response)
            assert response["Content-Language"] == language
