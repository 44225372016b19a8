"""What a site has written before a change of its tables is still there after it."""

import pytest

from tests.migrating import migrate, migrate_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_the_way():
    yield
    migrate_all()


def test_topics_that_were_words_become_rows_and_the_footer_stays():
    migrate(("accounts", None))  # which needs what comes after it here
    old = migrate(("pages", "0001_initial"))
    entries = old.get_model("pages", "FaqEntry").objects
    for order, (topic, slug) in enumerate([("Calls", "a"), ("Privacy", "b"), ("Calls", "c")]):
        entries.create(topic=topic, slug=slug, question=slug, answer="x", order=order)
    for slug in ["privacy", "about", "contact"]:
        old.get_model("pages", "Page").objects.create(slug=slug, title=slug, description="x", body="x")

    new = migrate(("pages", "0004_topic_of_each"))

    entries = new.get_model("pages", "FaqEntry").objects.order_by("order")
    assert [(entry.topic.name, entry.slug) for entry in entries] == [("Calls", "a"), ("Privacy", "b"), ("Calls", "c")]
    topics = new.get_model("pages", "FaqTopic").objects.order_by("order")
    assert [topic.name for topic in topics] == ["Calls", "Privacy"]
    pages = new.get_model("pages", "Page").objects.order_by("order")
    assert [(page.slug, page.place) for page in pages] == [("about", "footer"), ("privacy", "footer"), ("contact", "")]
