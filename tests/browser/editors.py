"""Somebody who works in the admin."""

import base64

from django_otp.oath import totp

from tests.browser.people import Person

PASSWORD = "correct horse 77"
MAKE_ACCOUNTS = f"""
from django.contrib.auth import get_user_model
for name in {{names}}:
    get_user_model().objects.create_superuser(name, name + "@example.org", {PASSWORD!r})
"""


class Editor:
    """Somebody at the desk."""

    def __init__(self, person: Person, name: str) -> None:
        self.person = person
        self.page = person.page
        self._name = name
        self._session: list[dict] = []
        self.codes: list[str] = []

    def give_password(self) -> None:
        self.page.fill("#id_username", self._name)
        self.page.fill("#id_password", PASSWORD)
        self.page.keyboard.press("Enter")

    def enrol(self) -> "Editor":
        self.page.wait_for_url("**/enrol/**")
        text = self.page.locator(".desk-key").text_content().replace(" ", "")
        key = base64.b32decode(text + "=" * (-len(text) % 8))
        self.page.fill("#id_token", f"{totp(key):06d}")
        self.page.keyboard.press("Enter")
        self.page.locator("[data-code]").last.wait_for()
        self.codes = self.page.locator("[data-code]").all_text_contents()
        self._session = [cookie for cookie in self.page.context.cookies() if cookie["name"] == "session"]
        self.page.get_by_text("I have kept them").click()
        return self

    def again(self, person: Person) -> "Editor":
        """The same account in another browser, signed in."""
        one = Editor(person, self._name)
        one._session, one.codes = self._session, self.codes
        one.page.context.add_cookies(self._session)
        return one

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
