"""The pages that are read: how heavy and how steady they are, and what one can do on them."""

from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser

KIB = 1024
# What each may weigh with all that it asks for, as it comes over the network the first time.
WEIGHTS = {
    "/": 120 * KIB,
    "/blog/": 60 * KIB,
    "/blog/growing-without-a-bigger-machine/": 60 * KIB,
    "/blog/tags/scaling/": 60 * KIB,
    "/faq/": 60 * KIB,
    "/search/?q=calls": 60 * KIB,
    "/contact/": 60 * KIB,
    "/privacy/": 60 * KIB,
}
MOST_SHIFT = 0.02
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}
SHIFT = """
() => new Promise((resolve) => {
  let sum = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  });
  observer.observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(sum), 200)));
})
"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", WEIGHTS)
def test_a_page_is_light_steady_and_asks_nobody_else(person, server, path, size):
    visitor = person("Alice", viewport=SIZES[size])
    network = visitor.page.context.new_cdp_session(visitor.page)
    network.send("Network.enable")
    weights, hosts = [], set()
    network.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    network.on("Network.requestWillBeSent", lambda event: hosts.add(urlsplit(event["request"]["url"]).netloc))

    visitor.page.goto(visitor.url + path, wait_until="networkidle")

    assert visitor.page.evaluate(SHIFT) <= MOST_SHIFT
    assert len(weights) > 3
    assert sum(weights) <= WEIGHTS[path], f"{sum(weights) / KIB:.1f} KiB"
    assert hosts == {urlsplit(server.url).netloc}


def test_questions_are_found_as_one_types(person):
    alice = person("Alice").open("/faq/")
    alice.page.get_by_label("Find a question").type("Camera")

    shown = alice.page.locator("[data-question]:visible")
    assert shown.count() >= 1
    assert all("camera" in text.lower() for text in shown.all_inner_texts())
    assert alice.page.locator("[data-topic]:visible").count() < alice.page.locator("[data-topic]").count()
    assert alice.page.locator("#filter-count").inner_text().split()[0] == str(shown.count())

    alice.page.get_by_label("Find a question").fill("xyzzy")
    alice.sees_words("No question holds these words.")
    alice.page.get_by_label("Find a question").fill("")
    assert alice.page.locator("[data-question]:visible").count() == alice.page.locator("[data-question]").count()


def test_questions_are_found_without_javascript(person):
    alice = person("Alice", java_script_enabled=False).open("/faq/")
    alice.page.get_by_label("Find a question").fill("camera")
    alice.press("Find")

    alice.page.wait_for_url("**/faq/?q=camera")
    texts = alice.page.locator("[data-question]").all_inner_texts()
    assert texts and all("camera" in text.lower() for text in texts)


def test_an_answer_that_helped_is_counted_and_the_page_stays(person, server):
    alice = person("Alice").open("/faq/")
    alice.page.locator("#account").get_by_role("button", name="Yes").press("Enter")

    alice.page.locator("#account").get_by_text("Thank you").wait_for()
    assert alice.page.url == f"{server.url}/faq/"
    assert alice.page.context.cookies() == []
    bob = person("Bob", java_script_enabled=False).open("/faq/")
    bob.page.locator("#account").get_by_role("button", name="No").click()
    bob.page.locator("#account").get_by_text("Thank you").wait_for()
    counted = server.manage(
        "shell",
        "--no-imports",
        "-c",
        "from pages.models import FaqEntry; e = FaqEntry.objects.get(slug='account'); print(e.helped, e.did_not_help)",
    )
    assert counted.stdout.split() == ["1", "1"]


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_message_is_written_with_the_keyboard_alone(person, server, java_script_enabled):
    alice = person("Alice", java_script_enabled=java_script_enabled).open("/contact/")
    keyboard = alice.page.keyboard
    alice.page.get_by_label("About").focus()
    keyboard.type("Something")
    keyboard.press("Tab")
    keyboard.type("The picture froze.")
    keyboard.press("Tab")
    keyboard.type("nobody")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Enter")

    alice.sees_words("This does not look like an e-mail address.")
    assert alice.page.get_by_label("Message").input_value() == "The picture froze."
    alice.page.get_by_label("Your e-mail address").fill("ada@example.org")
    alice.press("Send")

    alice.sees_words("Your message has arrived.")
    alice.complaints = [one for one in alice.complaints if "400" not in one]  # of the form with the wrong address


def test_code_is_copied_with_one_press(person):
    alice = person("Alice", permissions=("clipboard-read", "clipboard-write"))
    alice.open("/blog/growing-without-a-bigger-machine/")
    alice.page.get_by_role("button", name="Copy").press("Enter")

    alice.page.get_by_role("button", name="Copied").wait_for()
    assert alice.page.evaluate("navigator.clipboard.readText()").startswith('username = f"{expires}:{user_id}"\n')


def test_the_values_of_a_chart_are_one_press_away(person):
    alice = person("Alice", java_script_enabled=False).open("/blog/growing-without-a-bigger-machine/")
    table = alice.page.locator(".chart-data table")
    assert not table.is_visible()

    alice.page.get_by_text("Show the values").press("Enter")

    assert "13" in table.inner_text()
    assert alice.page.get_by_role("img", name="Call minutes against the same time a year before").is_visible()


def test_on_paper_there_is_the_text_and_nothing_to_press(person):
    alice = person("Alice").open("/blog/growing-without-a-bigger-machine/")
    alice.page.get_by_role("button", name="Copy").wait_for()

    alice.page.emulate_media(media="print")

    assert alice.page.get_by_text("In one year, call minutes").is_visible()
    assert alice.page.locator("a:visible, button:visible").all_inner_texts() == ["The Gruveo team"]
