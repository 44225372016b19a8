"""Somebody who works in the admin."""

import base64

from django_otp.oath import totp

from tests.browser.people import Person

PASSWORD = "correct horse 77"


class Editor:
    """Somebody at the desk."""

    def __init__(self, person: Person, name: str) -> None:
        self.person = person
        self.page = person.page
        self._name = name
        self._key = b""

    def give_password(self) -> None:
        self.page.fill("#id_username", self._name)
        self.page.fill("#id_password", PASSWORD)
        self.page.keyboard.press("Enter")

    def enrol(self) -> "Editor":
        self.page.wait_for_url("**/enrol/**")
        text = self.page.locator(".desk-key").text_content().replace(" ", "")
        self._key = base64.b32decode(text + "=" * (-len(text) % 8))
        self.page.fill("#id_token", f"{totp(self._key):06d}")
        self.page.keyboard.press("Enter")
        self.page.locator("[data-code]").last.wait_for()
        self.codes = self.page.locator("[data-code]").all_text_contents()
        self.page.get_by_text("I have kept them").click()
        return self

    def open(self, path: str) -> None:
        self.page.goto(self.person.url + path)

    def write(self, text: str) -> None:
        self.page.locator(".prose-editor > .ProseMirror").click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def shows_text(self, text: str) -> None:
        self.page.locator(".prose-editor > .ProseMirror", has_text=text).wait_for()

    def save(self) -> None:
        self.page.locator("[name=_continue]").click()
        self.page.locator(".messagelist .success").wait_for()

    @property
    def kept(self) -> str:
        return self.page.evaluate("JSON.stringify({...localStorage})")
