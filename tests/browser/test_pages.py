"""What every page owes its visitors: nothing from third parties, no accessibility fault that a tool can find, a way with the keyboard."""

from urllib.parse import urlsplit

import pytest

from tests.browser.axe import faults
from tests.browser.people import Person
from tests.scale import scaled

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/blog/",
    "/blog/growing-without-a-bigger-machine/",
    "/blog/tags/scaling/",
    "/blog/authors/gruveo/",
    "/blog/2026/11/",
    "/faq/",
    "/faq/?q=camera",
    "/search/",
    "/search/?q=calls",
    "/search/?q=nothinglikeit",
    "/contact/",
    "/contact/?sent",
    "/about/",
    "/privacy/",
    "/press/",
    "/a-code-for-axe",
    "/a+b",
    "/nothing.php",
]
LONG_CODE = "x" * 64
# The recent codes of this browser, as another call would have left them; a page without an address has no storage.
RECENT = "if (location.protocol === 'http:') localStorage.setItem('gruveo.recent', '%s');"
VARIANTS = [("desktop", "dark"), ("phone", "light"), ("desktop", "light"), ("phone", "dark")]  # the first two always
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}


def hosts_asked(visitor: Person) -> set[str]:
    """Fills itself from now on."""
    hosts: set[str] = set()
    visitor.page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    return hosts


@pytest.mark.parametrize(("size", "scheme"), VARIANTS[: max(2, scaled(len(VARIANTS)))])
def test_axe_finds_nothing_on_any_page_and_none_asks_anybody_else_or_sets_a_cookie(person, server, size, scheme):
    recent = RECENT % f'["{LONG_CODE}", "heron"]'
    visitor = person("Alice", viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce", init_script=recent)
    hosts = hosts_asked(visitor)

    for path in PAGES:
        visitor.page.goto(visitor.url + path)
        assert faults(visitor.page) == [], path
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is wider than the screen"
    assert hosts == {urlsplit(server.url).netloc}
    assert visitor.page.context.cookies() == []
    visitor.complaints = [one for one in visitor.complaints if "404" not in one]  # of the pages that are to be 404


def test_axe_finds_nothing_in_a_call_which_asks_nobody_else_and_sets_no_cookie(person, server, code):
    alice = person("Alice", reduced_motion="reduce")
    hosts = hosts_asked(alice)

    def faults_in_both_schemes() -> list[str]:
        found = []
        for scheme in ("light", "dark"):
            alice.page.emulate_media(color_scheme=scheme)
            found += faults(alice.page)
        return found

    alice.call(code).sees_phase("waiting")
    assert faults_in_both_schemes() == []

    person("Bob").call(code).sees_others(1)
    alice.sees_phase("connected")
    assert faults_in_both_schemes() == []

    alice.press("Hang up")
    alice.sees_phase("ended")
    assert faults_in_both_schemes() == []
    assert hosts == {urlsplit(server.url).netloc}
    assert alice.page.context.cookies() == []


def test_the_suggested_code_is_one_press_and_another_one_another(person):
    alice = person("Alice").open()
    suggestion = alice.page.locator("[data-take]")
    first = suggestion.inner_text()

    alice.press("Suggest another code")
    assert suggestion.inner_text() != first
    suggestion.click()

    assert alice.page.get_by_label("Code", exact=True).input_value() == suggestion.inner_text()


def test_codes_that_were_used_are_remembered_in_this_browser_and_can_be_removed(person, code):
    alice = person("Alice").call(code).sees_phase("waiting")
    alice.press("Hang up")
    alice.sees_phase("ended")
    alice.open()
    recent = alice.page.locator("[data-recent-list] a", has_text=code)
    recent.wait_for()

    alice.page.locator("[data-recent-list] button").first.click()

    recent.wait_for(state="detached")
    alice.open()
    assert recent.count() == 0


def test_a_code_of_full_length_among_the_recent_ones_leaves_its_button_in_reach(person):
    alice = person("Alice", viewport=SIZES["phone"], init_script=RECENT % f'["{LONG_CODE}"]').open()

    remove = alice.page.get_by_role("button", name=f"Remove {LONG_CODE}").bounding_box()

    assert remove["x"] + remove["width"] <= SIZES["phone"]["width"]
    assert remove["width"] == remove["height"]


def test_removing_a_code_leads_on_to_the_next_and_from_the_last_to_the_one_before(person):
    alice = person("Alice", init_script=RECENT % '["otter", "heron", "newt"]').open()
    focused = "document.activeElement.textContent.trim()"

    alice.press("Remove heron")
    assert alice.page.evaluate(focused) == "Remove newt"
    alice.page.keyboard.press("Enter")
    assert alice.page.evaluate(focused) == "Remove otter"
    alice.page.keyboard.press("Enter")
    assert alice.page.evaluate("document.activeElement.id") == "code"


def test_when_a_page_was_changed_stands_below_it_and_not_beside_it(person):
    alice = person("Alice", viewport=SIZES["desktop"]).open("/privacy/")

    body, changed = [alice.page.locator(part).bounding_box() for part in (".reading-body", ".reading > .reading-meta")]

    assert changed["x"] == body["x"]
    assert changed["y"] >= body["y"] + body["height"]


def test_without_javascript_the_form_leads_to_the_call_page_which_says_what_is_missing(person, code):
    alice = person("Alice", java_script_enabled=False).open()
    alice.page.get_by_label("Code", exact=True).fill(f"  {code.upper()} ")
    alice.press("Video call")

    alice.page.wait_for_url(f"{alice.url}/{code}")
    assert "Calls need JavaScript" in alice.page.locator(".without-script").inner_text()
