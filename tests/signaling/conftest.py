"""What the tests of signaling share."""

import pytest

from tests.signaling.databases import Database


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request, tmp_path) -> Database:
    """An empty one of each kind that the site may have."""
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'calls.sqlite3'}", tmp_path)
    return Database(request.getfixturevalue("postgres").make_database(), tmp_path)
