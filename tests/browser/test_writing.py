"""An editor at work in Chromium, under the headers of production; any violation of the content security policy fails."""

import base64
import re

import pytest

from tests.browser.people import Person
from tests.library.pictures import encoded

pytestmark = pytest.mark.browser
# As if a picture had been copied elsewhere and were pasted here.
PASTE = """
(element, bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], "pasted.png", { type: "image/png" }));
  element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}
"""


def status(visitor: Person, path: str) -> int:
    found = visitor.page.goto(visitor.url + path).status
    visitor.complaints = [one for one in visitor.complaints if "404" not in one]  # of the pages that are to be 404
    return found


class WholeWayTests:
    def test_a_post_is_written_previewed_scheduled_published_edited_compared_and_restored(self, editor, person):
        ada, visitor = editor("ada"), person("Bob")
        page = ada.page
        ada.open("/admin/")
        page.get_by_role("link", name="gruveo", exact=True).wait_for()

        # Written, with a picture that is pasted
        ada.open("/admin/blog/post/add/")
        page.fill("#id_title", "A whole way")
        page.fill("#id_summary", "From a draft to a restored version.")
        ada.write("First words.")
        page.keyboard.press("Enter")
        page.locator(".prose-editor > .ProseMirror").evaluate(PASTE, base64.b64encode(encoded("PNG")).decode())
        page.fill("#desk-alt", "A calm sea")
        page.fill("#desk-caption", "At six in the morning")
        page.get_by_role("button", name="Insert", exact=True).click()
        page.locator(".prose-editor figure img[data-picture]").wait_for()
        ada.save()
        change = page.url

        # Previewed on the real page, by whoever has the address; nobody else sees it
        preview = page.get_by_role("link", name="Preview").get_attribute("href")
        assert status(visitor, preview) == 200
        picture = visitor.page.get_by_role("img", name="A calm sea")
        assert (
            picture.evaluate("async (img) => { img.loading = 'eager'; await img.decode(); return img.naturalWidth; }")
            > 0
        )
        assert visitor.page.get_by_text("At six in the morning").is_visible()
        assert status(visitor, "/blog/a-whole-way/") == 404

        # Scheduled: not there yet
        page.fill("#id_published_at_0", "2099-01-01")
        page.fill("#id_published_at_1", "09:00:00")
        ada.save()
        assert status(visitor, "/blog/a-whole-way/") == 404
        assert visitor.page.goto(visitor.url + "/blog/").ok
        assert visitor.page.get_by_text("A whole way").count() == 0

        # Published
        page.fill("#id_published_at_0", "2026-01-01")
        ada.save()
        assert status(visitor, "/blog/a-whole-way/") == 200

        # Edited, compared, restored
        ada.write(" And more words.")
        ada.save()
        visitor.page.reload()
        visitor.page.get_by_text("And more words.").wait_for()
        page.get_by_role("link", name="History").click()
        page.locator(".desk-versions a").nth(1).click()
        assert [text.strip() for text in page.locator("ins").all_text_contents()] == ["And more words."]
        page.get_by_role("button", name="Restore this version").click()
        page.wait_for_url(change)
        visitor.page.reload()
        assert visitor.page.get_by_text("First words.").is_visible()
        assert visitor.page.get_by_text("And more words.").count() == 0

    def test_a_picture_of_the_library_is_chosen_with_the_keyboard_alone(self, editor):
        ada = editor("ada")
        page = ada.page
        ada.open("/admin/library/picture/add/")
        page.set_input_files("#id_upload", {"name": "hill.jpg", "mimeType": "image/jpeg", "buffer": encoded()})
        page.fill("#id_alt", "A green hill")
        page.locator("[name=_save]").press("Enter")
        page.locator(".messagelist .success").wait_for()

        ada.open("/admin/blog/post/add/")
        page.locator("[data-name=pictures]").press("Enter")
        page.get_by_role("searchbox", name="Search").fill("green hill")
        choice = page.locator("[data-query='green hill'] .desk-choice").first
        choice.focus()
        page.keyboard.press("Enter")

        assert page.locator(".prose-editor figure img").get_attribute("alt") == "A green hill"

    def test_a_block_of_code_gets_its_language_and_a_chart_is_one(self, editor, person):
        ada = editor("ada")
        page = ada.page
        ada.open("/admin/blog/post/add/")
        page.fill("#id_title", "In colours")
        page.fill("#id_summary", "Code and a chart.")
        for language, text in [("Python", "import this"), ("chart", "title: Minutes\nMay: 3\nJune: 21")]:
            ada.write("")
            assert "disabled" in page.locator("[data-name=codeLanguage]").get_attribute("class")
            page.keyboard.type("``` ")
            page.keyboard.type(text)
            page.locator("[data-name=codeLanguage]").click()
            page.locator("dialog[open]").get_by_label("Language").fill(language)
            page.keyboard.press("Enter")
            page.locator(f"pre code.language-{language.lower()}").wait_for()
            page.keyboard.press("ArrowDown")
        ada.save()

        reader = person("Bob").open(page.get_by_role("link", name="Preview").get_attribute("href")).page
        reader.locator(".code-kn", has_text="import").wait_for()
        reader.get_by_role("img", name="Minutes").wait_for()


class NothingIsLostTests:
    def test_a_lost_session_costs_no_text(self, editor):
        ada = editor("ada")
        ada.open("/admin/blog/post/add/")
        ada.page.fill("#id_title", "Nearly lost")
        ada.page.fill("#id_summary", "Nearly.")
        ada.write("These words must not be lost.")
        ada.page.locator("[data-kept]").evaluate("(place) => delete place.dataset.state")
        ada.page.locator("[data-kept][data-state=kept]").wait_for(state="attached")
        assert "must not be lost" in ada.kept

        ada.page.context.clear_cookies(name="session")
        ada.page.locator("[name=_continue]").click()
        ada.page.wait_for_url("**/admin/login/**")
        ada.give_password()
        ada.page.wait_for_url("**/second-factor/**")
        ada.page.fill("#id_token", ada.codes.pop())
        ada.page.keyboard.press("Enter")
        ada.page.wait_for_url("**/admin/blog/post/add/")
        ada.page.get_by_role("button", name="Bring it back").click()

        ada.shows_text("These words must not be lost.")
        ada.save()
        assert "must not be lost" not in ada.kept
        ada.page.reload()
        ada.shows_text("These words must not be lost.")
        assert ada.page.get_by_role("button", name="Bring it back").count() == 0

    def test_of_two_editors_at_once_none_loses_a_word(self, editor):
        ada, eve = editor("ada"), editor("eve")
        ada.open("/admin/blog/post/add/")
        ada.page.fill("#id_title", "Two at once")
        ada.page.fill("#id_summary", "Both write.")
        ada.write("Together.")
        ada.save()
        path = ada.page.url.removeprefix(ada.person.url)
        eve.open(path)

        ada.write(" Words of Ada.")
        ada.save()
        eve.write(" Words of Eve.")
        eve.page.locator("[name=_continue]").click()

        eve.page.get_by_text(re.compile("Somebody saved a newer version")).wait_for()
        assert eve.page.locator("ins").all_text_contents() == ["Ada."]
        assert eve.page.locator("del").all_text_contents() == ["Eve."]
        eve.shows_text("Words of Eve.")
        eve.save()
        ada.page.reload()
        ada.shows_text("Words of Eve.")
