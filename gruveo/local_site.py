"""
The site of one machine, made ready: secrets, database, sample content, static files.

Everything here may be done again at any time, and quickly: what is done already is left alone.
"""

import hashlib
import io
import os
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from gruveo import local_env


def configure(environ: MutableMapping[str, str], origins: list[str]) -> None:
    """Makes the secrets once, and sets Django up for a local site at these origins."""
    local_env.make(environ)
    local_env.load(environ)
    environ.update(LOCAL="1", DEBUG="0", SITE_ORIGINS=",".join(origins), DJANGO_SETTINGS_MODULE="gruveo.settings")
    django.setup()


def prepare() -> None:
    """Brings database and static files up to date; sample content only into a new database."""
    is_new = not MigrationRecorder(connection).has_table()
    call_command("migrate", verbosity=0, interactive=False)
    _add_sample_content(settings.VAR_DIR / "sample-content-added", is_new=is_new)
    _collect_static(settings.VAR_DIR / "static-collected")


def has_administrator() -> bool:
    """Whether anybody can sign in to the admin."""
    return get_user_model().objects.filter(is_staff=True, is_active=True).exists()


def _add_sample_content(mark: Path, *, is_new: bool) -> None:
    if mark.exists() and not is_new:
        return  # what an editor has deleted since stays deleted
    call_command("sample_content", verbosity=0, stdout=io.StringIO())
    mark.touch()


def _collect_static(mark: Path) -> None:
    state = _static_state()
    if mark.exists() and mark.read_text() == state and Path(settings.STATIC_ROOT, "staticfiles.json").exists():
        return
    mark.unlink(missing_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    mark.write_text(state)


def _static_state() -> str:
    """Changes whenever a static file or a program that turns it into another does."""
    digest = hashlib.sha256(f"{version('django')} {version('whitenoise')}".encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list(["CVS", ".*", "*~"]), key=lambda found: found[0]):
            stat = os.stat(storage.path(name))  # noqa: PTH116 - storage paths are text
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
