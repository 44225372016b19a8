"""What could be found before a change of its table can be found after it."""

import pytest
from django.contrib.contenttypes.models import ContentType

from search import finding
from tests.migrating import migrate, migrate_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_the_way():
    yield
    migrate_all()


def test_texts_from_before_they_had_a_language_are_found_and_so_are_those_from_after():
    kind = ContentType.objects.get_for_model(ContentType)
    old = migrate(("search", "0002_index")).get_model("search", "Entry")
    values = {"content_type_id": kind.pk, "kind": "Blog", "url": "/blog/x/", "summary": "", "body": "A heron."}
    old.objects.create(object_id=1, title="Before", **values)

    new = migrate(("search", "0003_language")).get_model("search", "Entry")
    new.objects.create(object_id=2, title="After", language="pl", **values)

    assert {found.entry.title: found.entry.language for found in finding.find("heron").found} == {
        "Before": "en",
        "After": "pl",
    }


def test_the_way_back_leaves_an_index_too():
    migrate(("search", "0002_index"))

    assert finding._count(["heron"]) == 0
