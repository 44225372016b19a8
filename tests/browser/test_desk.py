"""The admin as a whole: no page of it breaks the content security policy, axe finds nothing, and none is wider than a phone."""

import pytest
from django.contrib import admin

from tests.browser import axe
from tests.scale import scaled

pytestmark = pytest.mark.browser

# A list of Django's own that holds more than items.
NOT_OURS = ".select2-selection__rendered"

# Every list of the admin, by the names of its models.
MODELS = (
    "auth/group auth/user blog/author blog/post blog/tag library/picture library/redirect pages/faqentry pages/faqtopic pages/message "
    "pages/page signaling/call turnauth/apikey"
).split()
ADDED_ELSEWHERE = {"pages/message", "signaling/call"}
VARIANTS = [("desktop", "light"), ("phone", "dark")]
_IN_FULL = scaled(len(VARIANTS)) == len(VARIANTS)  # else each sees some pages only
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def test_the_list_names_every_model_of_the_admin():
    assert sorted(model._meta.label_lower.replace(".", "/") for model in admin.site._registry) == MODELS


def faults(page) -> list[str]:
    # Axe would read style sheets anew and put them into the page, which the policy forbids.
    return axe.faults(page, but=NOT_OURS, preload=False)


@pytest.mark.parametrize(("size", "scheme"), VARIANTS)
def test_every_page_of_the_desk_is_fit_to_be_used(newcomer, editor, size, scheme):
    look = {"viewport": SIZES[size], "color_scheme": scheme}
    found = {"enrol": faults(newcomer("bob", **look).page)}
    ada = editor("ada", **look)
    paths = ["/admin/", "/admin/recovery-codes/", "/admin/blog/post/1/change/", "/admin/password_change/"]
    paths += ["/admin/blog/post/1/history/", "/admin/blog/post/1/history/1/", "/admin/blog/post/1/delete/"]
    paths += ["/admin/signaling/call/growth/"]
    paths += [f"/admin/{model}/" for model in MODELS]
    paths += [f"/admin/{model}/add/" for model in MODELS if model not in ADDED_ELSEWHERE]
    if not _IN_FULL:
        paths = paths[:4] if size == "phone" else paths[::2]
    for path in paths:
        ada.open(path)
        assert ada.page.locator("#content h1, #content-main, .desk-narrow").count(), path
        if not path.startswith("/admin/auth/"):  # as Django has made them
            found[path] = faults(ada.page)
    ada.page.context.clear_cookies()
    for path in ["/admin/login/", "/admin/password_reset/", "/admin/password_reset/done/", "/admin/reset/x/y/"]:
        ada.open(path)
        found[path] = faults(ada.page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
