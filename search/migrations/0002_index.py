"""What makes the search quick, in the words of each database."""

from django.db import migrations

_POSTGRESQL = [
    """
    ALTER TABLE search_entry ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('english'::regconfig, title), 'A')
        || setweight(to_tsvector('english'::regconfig, summary), 'B')
        || setweight(to_tsvector('english'::regconfig, body), 'C')
    ) STORED
    """,
    "CREATE INDEX search_entry_vector ON search_entry USING gin (vector)",
]
_SQLITE = [
    """
    CREATE VIRTUAL TABLE search_fts USING fts5(
        title, summary, body, content='search_entry', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER search_entry_added AFTER INSERT ON search_entry BEGIN
        INSERT INTO search_fts(rowid, title, summary, body) VALUES (new.id, new.title, new.summary, new.body);
    END
    """,
    """
    CREATE TRIGGER search_entry_gone AFTER DELETE ON search_entry BEGIN
        INSERT INTO search_fts(search_fts, rowid, title, summary, body)
        VALUES ('delete', old.id, old.title, old.summary, old.body);
    END
    """,
    """
    CREATE TRIGGER search_entry_changed AFTER UPDATE ON search_entry BEGIN
        INSERT INTO search_fts(search_fts, rowid, title, summary, body)
        VALUES ('delete', old.id, old.title, old.summary, old.body);
        INSERT INTO search_fts(rowid, title, summary, body) VALUES (new.id, new.title, new.summary, new.body);
    END
    """,
]
_BACK = {
    "postgresql": ["ALTER TABLE search_entry DROP COLUMN vector"],
    "sqlite": [
        "DROP TRIGGER search_entry_added",
        "DROP TRIGGER search_entry_gone",
        "DROP TRIGGER search_entry_changed",
        "DROP TABLE search_fts",
    ],
}


def make(apps, schema_editor) -> None:
    for statement in {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove(apps, schema_editor) -> None:
    for statement in _BACK[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]
    operations = [migrations.RunPython(make, remove)]
