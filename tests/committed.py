"""A repository of its own with one commit, which holds what is here, committed or about to be."""

import shutil
import subprocess
from pathlib import Path

from tests.server import BASE_DIR

_IDENTITY = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"]


def files() -> list[Path]:
    """What is tracked here, or will be with the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [BASE_DIR / name for name in listed.stdout.split("\0") if name]
    return [file for file in found if file.is_file()]


class Repository:
    """In `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> "Repository":
        """In a folder that is not there yet."""
        folder.mkdir()
        for file in files():
            copy = folder / file.relative_to(BASE_DIR)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
        made = cls(folder)
        made.git("init", "--quiet")
        made.commit()
        return made

    def commit(self) -> None:
        self.git("add", "--all", "--force")
        self.git(*_IDENTITY, "commit", "--quiet", "--allow-empty", "--message", "As it is")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout
