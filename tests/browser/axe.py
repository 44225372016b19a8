"""What axe finds wrong with a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def faults(page: Page, *, but: str = "", **options) -> list[str]:
    """The rule and the first element of each; none when the page is fine. What stands in `but` is not looked at."""
    context = {"exclude": [[but]]} if but else None
    # Without the list of all that is fine, which is long, and which nobody reads.
    options = {"resultTypes": ["violations"], **options}
    found = _run(page, context, options)
    if found:  # a part that was built only now may have asked for its font only now; what is wrong stays wrong
        found = _run(page, context, options)
    return [f"{one['id']}: {one['nodes'][0]['html'][:300]}" for one in found]


def _run(page: Page, context: dict | None, options: dict) -> list[dict]:
    # Icons that are words of a font are no words once it is there.
    page.evaluate("document.fonts.ready.then(() => null)")
    return Axe().run(page, context=context, options=options).response["violations"]
