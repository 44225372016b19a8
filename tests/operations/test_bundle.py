"""What Elastic Beanstalk is given: what is committed, with what machines would else have to make, and nothing else."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from deploy import bundle
from tests.committed import Repository
from tests.instances import unpack
from tests.server import BASE_DIR

pytestmark = pytest.mark.server  # making one takes seconds


@pytest.fixture
def own(repository, tmp_path) -> Repository:
    """A repository that the test may change."""
    return Repository(shutil.copytree(repository.folder, tmp_path / "own"))


def names(file) -> set[str]:
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


def overlays(own: Repository, role: str) -> set[str]:
    found = set()
    for part in ("common", role):
        folder = own.folder / "deploy" / "beanstalk" / part
        found |= {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found


class ContentTests:
    @pytest.mark.parametrize("role", bundle.ROLES)
    def test_it_holds_what_is_committed_what_is_the_roles_and_what_is_built(self, bundles, repository, role):
        committed = set(repository.git("ls-files").splitlines())

        held = names(bundles[role])

        assert committed <= held
        added = held - committed - overlays(repository, role)
        assert {name for name in added if not name.startswith("built/static/")} == {
            name.removesuffix(".po") + ".mo" for name in committed if name.endswith(".po")
        }

    def test_each_role_has_its_own_and_no_other(self, bundles):
        with zipfile.ZipFile(bundles["web"]) as web, zipfile.ZipFile(bundles["signaling"]) as signaling:
            assert b"publish_connections" in signaling.read("Procfile")
            assert b"publish_connections" not in web.read("Procfile")
            assert ".ebextensions/80-deployment.config" in web.namelist()
            assert ".ebextensions/80-deployment.config" not in signaling.namelist()

    def test_nothing_secret_and_nothing_of_this_machine(self, bundles):
        for file in bundles.values():
            secret = [name for name in names(file) if name.startswith(("var/", ".venv", "dist/", ".git/"))]
            assert secret == [name for name in names(file) if name.endswith((".env", ".pem", ".key", ".pyc"))] == []
            with zipfile.ZipFile(file) as archive:
                assert not [name for name in archive.namelist() if str(BASE_DIR).encode() in archive.read(name)]

    def test_static_files_are_hashed_compressed_and_import_each_other_so(self, bundles, tmp_path):
        static = unpack(bundles["web"], tmp_path / "web") / "built" / "static"

        (entry,) = static.glob("js/room.????????????.js")
        assert entry.with_name(entry.name + ".gz").exists()
        assert 'from "./call.js"' not in entry.read_text()
        assert (static / "staticfiles.json").exists()

    def test_the_same_commit_has_the_same_files(self, bundles, repository, tmp_path):
        again = bundle.make("web", root=repository.folder, folder=tmp_path)

        assert again.name == bundles["web"].name
        assert names(again) == names(bundles["web"])

    def test_what_is_a_program_stays_one(self, bundles, tmp_path):
        app = unpack(bundles["signaling"], tmp_path / "app")

        assert (app / "deploy/beanstalk/publish_connections.py").stat().st_mode & 0o111
        assert all(hook.stat().st_mode & 0o111 for hook in (app / ".platform/hooks").rglob("*.sh"))
        assert not (app / "Procfile").stat().st_mode & 0o111


class RefusalTests:
    @pytest.mark.parametrize("role", ["", "turn", "common", "../web", "Web"])
    def test_a_role_that_is_none(self, repository, role):
        with pytest.raises(bundle.Refused, match=r"^bad-role: ROLE must be signaling or web") as refused:
            bundle.make(role, root=repository.folder)

        assert refused.value.code == "bad-role"

    def test_a_change_that_is_not_committed(self, own):
        (own.folder / "README.md").write_text("changed")

        with pytest.raises(bundle.Refused, match=r"\n M README\.md") as refused:
            bundle.make("web", root=own.folder)

        assert refused.value.code == "uncommitted-changes"
        assert not (own.folder / "dist").exists()

    def test_a_new_file_that_is_not_committed(self, own):
        (own.folder / "forgotten.py").touch()

        with pytest.raises(bundle.Refused, match=r"forgotten\.py") as refused:
            bundle.make("web", root=own.folder)

        assert refused.value.code == "uncommitted-changes"

    @pytest.mark.parametrize("name", ["var/local.env", "production.env", ".env", "deploy/site.pem", "id.key"])
    def test_a_secret_that_is_committed(self, own, name):
        (own.folder / name).parent.mkdir(exist_ok=True)
        (own.folder / name).write_text("SECRET_KEY=…")
        own.commit()

        with pytest.raises(bundle.Refused, match=name) as refused:
            bundle.make("web", root=own.folder)

        assert refused.value.code == "secret-file"

    def test_a_private_key_by_whatever_name(self, own):
        (own.folder / "notes.txt").write_text("-----BEGIN " + "RSA PRIVATE KEY-----\n")
        own.commit()

        with pytest.raises(bundle.Refused, match=r"notes\.txt"):
            bundle.make("web", root=own.folder)

    def test_what_is_ignored_neither_hinders_nor_comes_in(self, own, tmp_path):
        (own.folder / "var").mkdir()
        (own.folder / "var" / "local.env").write_text("SECRET_KEY=…")

        made = bundle.make("web", root=own.folder, folder=tmp_path)

        assert "var/local.env" not in names(made)

    def test_static_files_that_cannot_be_collected(self, own):
        module = own.folder / "static" / "js" / "call.js"
        module.write_text('import "./no-such-module.js";\n' + module.read_text())
        own.commit()

        with pytest.raises(bundle.Refused, match="no-such-module") as refused:
            bundle.make("web", root=own.folder)

        assert refused.value.code == "build-failed"

    def test_no_repository(self, tmp_path):
        with pytest.raises(bundle.Refused) as refused:
            bundle.make("web", root=tmp_path)

        assert refused.value.code == "no-commit"

    def test_the_command_tells_in_one_line(self):
        done = subprocess.run(
            [sys.executable, "-m", "deploy.bundle", "turn"], cwd=BASE_DIR, capture_output=True, text=True
        )

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "bad-role: ROLE must be signaling or web, not 'turn'.\n"
