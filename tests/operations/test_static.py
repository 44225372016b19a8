"""Hashed names, and imports between ES modules that are rewritten to them."""

import re
from itertools import pairwise

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

PLAIN = {"a.js": 'import { b } from "./b.js";\nb();\n', "b.js": "export function b() {}\n"}


@pytest.fixture
def collect(settings, tmp_path):
    """Collects these files with the storage that production uses."""

    def run(files: dict[str, str]):
        (tmp_path / "source").mkdir()
        for name, text in files.items():
            (tmp_path / "source" / name).write_text(text)
        settings.STATICFILES_DIRS = [tmp_path / "source"]
        settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        collect_into(settings, tmp_path / "out")
        return tmp_path / "out"

    return run


def collect_into(settings, folder) -> None:
    settings.STATIC_ROOT = folder
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "gruveo.storage.HashedStaticFilesStorage"}}
    call_command("collectstatic", interactive=False, verbosity=0)


def test_imports_are_rewritten_to_hashed_names(collect):
    folder = collect(PLAIN)

    (entry,) = folder.glob("a.*.js")
    target = re.search(r'from "\./(b\.[0-9a-f]{12}\.js)"', entry.read_text())[1]
    assert (folder / target).exists()


@pytest.mark.parametrize("names", ["abcdefghij", "jihgfedcba", "ajbichdgef"])
def test_deep_chain_of_imports_passes_in_whatever_order_it_is_read(collect, names):
    modules = {f"{name}.js": f'import "./{imported}.js";\n' for name, imported in pairwise(names)}

    folder = collect({**modules, f"{names[-1]}.js": "export {};\n"})

    (entry,) = folder.glob(f"{names[0]}.*.js")
    assert re.search(rf'"\./{names[1]}\.[0-9a-f]{{12}}\.js"', entry.read_text())


def test_missing_import_fails(collect):
    with pytest.raises(Exception, match=r"c\.js"):
        collect({**PLAIN, "b.js": 'import "./c.js";\n'})


def test_cycle_of_imports_fails(collect):
    with pytest.raises(RuntimeError, match="Max post-process passes exceeded"):
        collect({**PLAIN, "b.js": 'import "./a.js";\nexport function b() {}\n'})


def test_our_own_files_pass(settings, tmp_path):
    collect_into(settings, tmp_path)

    assert staticfiles_storage.url("admin/css/base.css") != "/static/admin/css/base.css"
    for module in tmp_path.glob("js/**/*.js"):
        if re.search(r"\.[0-9a-f]{12}\.js$", module.name):
            unhashed = re.findall(r"""from ["'](\.[^"']*?/[\w-]+\.js)["']""", module.read_text())
            assert not unhashed, module
