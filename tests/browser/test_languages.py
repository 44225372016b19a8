"""The site in other languages, as people meet it."""

import pytest

from tests.browser.test_pages import PAGES

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("language", ["de", "es", "fr", "pl"])
def test_no_page_is_wider_than_a_small_phone(person, language):
    visitor = person("Anna", locale=language, viewport=PHONE)

    for path in PAGES:
        visitor.page.goto(visitor.url + path)
        assert visitor.page.locator("html").get_attribute("lang") == language
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
        cut = visitor.page.evaluate(
            "[...document.querySelectorAll('button, .button, .site-nav-link')]"
            ".filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.trim())"
        )
        assert cut == [], path
    visitor.complaints = [one for one in visitor.complaints if "404" not in one]  # of the pages that are to be 404


def test_a_call_in_polish_from_the_first_word_to_the_last(person, code):
    ala = person("Ala", locale="pl-PL")
    ala.open()
    ala.page.get_by_label("Kod", exact=True).fill(code)
    ala.press("Wideorozmowa")
    ala.sees_words("Czekamy na drugą osobę")
    assert ala.page.get_by_role("button", name="Wycisz mikrofon").is_visible()

    jan = person("Jan", locale="pl-PL", viewport=PHONE).open(f"/{code}")
    jan.page.get_by_label("Twoje imię (jeśli chcesz)").fill("Jan")
    jan.press("Wideorozmowa")
    ala.is_in_a_call_with(1)
    jan.is_in_a_call_with(1)

    jan.press("Rozłącz")
    jan.sees_words("Rozmowa zakończona")
    jan.sees_words("Czas rozmowy:")
    ala.sees_words("Jan opuszcza rozmowę")
    ala.press("Rozłącz")
    ala.sees_phase("ended")
    said = ala.page.locator("main").inner_text()
    assert not {"Hang up", "Copy link", "Call again", "You hung up"} & set(said.split("\n"))


def test_a_language_is_chosen_at_the_foot_and_stays(person):
    visitor = person("Anna", locale="en-GB").open("/faq/?q=camera")

    visitor.page.get_by_role("link", name="Deutsch").press("Enter")

    visitor.page.get_by_role("heading", name="Fragen und Antworten").wait_for()
    assert visitor.page.url == f"{visitor.url}/faq/?q=camera"
    visitor.open("/")
    visitor.page.get_by_role("heading", name="Trefft euch bei einem Wort.").wait_for()
    visitor.open("/faq/")
    visitor.page.get_by_label("Eine Frage finden").fill("camera")
    visitor.page.get_by_text("Fragen", exact=False).first.wait_for()
    assert visitor.page.locator("[data-count]").inner_text().endswith(("Frage", "Fragen"))
