"""
What Elastic Beanstalk is given for one environment: all that is committed, the role's own files over it, and what would else be made on
each machine: collected static files and catalogues.

    python -m deploy.bundle web|signaling       as `make bundle ROLE=…`; answers the file that it has made, dist/gruveo-ROLE-COMMIT.zip

The same commit makes the same file, except for what gzip and brotli make of it. A commit that holds what looks like a secret makes none.
"""

import io
import os
import re
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROLES = ("signaling", "web")
BUILT = "built"  # static files; where VAR_DIR leads on each machine

_OVERLAYS = Path("deploy", "beanstalk")
_SECRET_NAME = re.compile(
    r"(^|/)(var|\.venv|\.aws|\.ssh)/|(^|/)\.?env$|\.(env|key|pem|p12|pfx|sqlite3)$", re.IGNORECASE
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


class Refused(Exception):
    """No bundle is made; `code` is stable: bad-role, no-commit, uncommitted-changes, secret-file, build-failed."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


def make(role: str, *, root: Path = ROOT, folder: Path | None = None) -> Path:
    """
    Makes the bundle of the commit that is checked out in `root`, in `folder` (`dist` in there).

    Raises:
        Refused: the role is none, something is not committed, or the commit cannot be built.
    """
    if role not in ROLES:
        raise Refused("bad-role", f"ROLE must be {' or '.join(ROLES)}, not {role!r}.")
    commit = _clean_commit(root)
    target = (folder or root / "dist") / f"gruveo-{role}-{commit[:12]}.zip"
    with tempfile.TemporaryDirectory(prefix="gruveo-bundle-") as made:
        tree = Path(made)
        _take_out(root, commit, tree)
        _refuse_secrets(tree)
        for overlay in ("common", role):
            shutil.copytree(tree / _OVERLAYS / overlay, tree, dirs_exist_ok=True)
        _build(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        _pack(tree, target, at=int(_git(root, "show", "--no-patch", "--format=%ct", commit)))
    return target


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print(make(sys.argv[1]))
    except Refused as refused:
        sys.exit(f"{refused}")


def _clean_commit(root: Path) -> str:
    try:
        commit = _git(root, "rev-parse", "--verify", "HEAD")
    except subprocess.CalledProcessError as error:
        raise Refused("no-commit", f"{root} has no commit to build: {error.stderr.decode().strip()}") from error
    changes = _git(root, "status", "--porcelain", "--untracked-files=all")
    if changes:
        shown = "\n".join(changes.splitlines()[:20])
        raise Refused("uncommitted-changes", f"commit these first, or put them away:\n{shown}")
    return commit


def _take_out(root: Path, commit: str, tree: Path) -> None:
    archive = subprocess.run(["git", "archive", "--format=tar", commit], cwd=root, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian's Python 3.11 has none
        tar.extractall(tree)


def _refuse_secrets(tree: Path) -> None:
    for path in _files(tree):
        name = path.relative_to(tree).as_posix()
        if _SECRET_NAME.search(name) or _PRIVATE_KEY.search(path.read_bytes()):
            raise Refused("secret-file", f"{name} looks like a secret, and is committed.")


def _build(tree: Path) -> None:
    """As a local site builds them, since a build needs no database, no Redis and no secret that lasts."""
    env = {
        **{name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ},
        **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS")},
        "LOCAL": "1",
        "VAR_DIR": str(tree / BUILT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for command in (["-m", "gruveo.catalogues"], ["manage.py", "collectstatic", "--noinput", "--verbosity", "0"]):
        done = subprocess.run([sys.executable, *command], cwd=tree, env=env, capture_output=True, text=True)
        if done.returncode:
            raise Refused("build-failed", f"{' '.join(command)} says:\n{done.stdout}{done.stderr}")


def _pack(tree: Path, target: Path, *, at: int) -> None:
    """All files in the order of their names, dated as the commit, with the rights of programs."""
    unfinished = target.with_suffix(".part")
    date = time.gmtime(at)[:6]
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in _files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            bundle.writestr(entry, path.read_bytes())
    unfinished.replace(target)


def _files(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*") if path.is_file())


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout.decode().rstrip()


if __name__ == "__main__":
    main()
