"""What must never get into the repository."""

import re

from tests import committed
from tests.server import BASE_DIR

# Where packages come from is the business of each machine's own configuration.
REGISTRY = re.compile(
    r"https?://[\w.-]*(pypi\.|pythonhosted\.|npmjs\.|yarnpkg\.|deb\.debian\.)|--(extra-)?index-url[ =]|--find-links[ =]"
)
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(root|work|home/\w+|Users/\w+)/[\w.]")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def tracked_text() -> list[tuple[str, str]]:
    """Files that are tracked, or will be with the next `git add`."""
    return [(str(file.relative_to(BASE_DIR)), file.read_text(errors="replace")) for file in committed.files()]


def test_no_registry_no_path_of_a_machine_no_key():
    files = tracked_text()

    assert len(files) > 30
    for pattern in (REGISTRY, MACHINE_PATH, PRIVATE_KEY):
        assert not [f"{name}: {found[0]}" for name, text in files if (found := pattern.search(text))]


def test_nothing_that_is_made_is_tracked():
    assert not [
        name
        for name, _ in tracked_text()
        if re.match(r"(var|\.venv|node_modules)/", name) or name.endswith((".sqlite3", ".pyc"))
    ]
