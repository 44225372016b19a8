"""A repository of its own with one commit, which holds what is here, committed or about to be."""

import shutil
import subprocess
from pathlib import Path

from tests.server import BASE_DIR

_IDENTITY = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"]


class Repository:
    """In `folder`, which must not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.split("\0"):
            if name and (BASE_DIR / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(BASE_DIR / name, folder / name)
        self.git("init", "--quiet")
        self.commit()

    def commit(self) -> None:
        self.git("add", "--all", "--force")
        self.git(*_IDENTITY, "commit", "--quiet", "--allow-empty", "--message", "As it is")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout
