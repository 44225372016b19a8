"""Topics become rows of their own, and the pages that were in the footer stay there."""

from django.db import migrations

_IN_FOOTER = ["about", "privacy", "terms", "press"]


def make_topics(apps, schema_editor):
    topics = apps.get_model("pages", "FaqTopic").objects
    entries = apps.get_model("pages", "FaqEntry").objects
    for entry in entries.order_by("order", "pk"):
        topic, _ = topics.get_or_create(name=entry.topic_name, defaults={"order": 10 * topics.count() + 10})
        entries.filter(pk=entry.pk).update(topic=topic)


def name_topics(apps, schema_editor):
    entries = apps.get_model("pages", "FaqEntry").objects
    for entry in entries.select_related("topic"):
        entries.filter(pk=entry.pk).update(topic_name=entry.topic.name)


def link_pages(apps, schema_editor):
    pages = apps.get_model("pages", "Page").objects
    for place, slug in enumerate(_IN_FOOTER, start=1):
        pages.filter(slug=slug).update(place="footer", order=10 * place)


class Migration(migrations.Migration):
    dependencies = [("pages", "0002_editors")]
    operations = [
        migrations.RunPython(make_topics, name_topics),
        migrations.RunPython(link_pages, migrations.RunPython.noop),
    ]
