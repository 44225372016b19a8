"""In which language a text is. SQLite makes the table anew for it, which ends the triggers: the index goes before and comes back after."""

from importlib import import_module

from django.db import migrations, models

_index = import_module("search.migrations.0002_index")


def make(apps, schema_editor) -> None:
    _index.make(apps, schema_editor)
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("INSERT INTO search_fts(search_fts) VALUES ('rebuild')")


class Migration(migrations.Migration):
    dependencies = [("search", "0002_index")]
    operations = [
        migrations.RunPython(_index.remove, make),
        migrations.AddField("entry", "language", models.CharField(default="en", max_length=5)),
        migrations.RunPython(make, _index.remove),
    ]
