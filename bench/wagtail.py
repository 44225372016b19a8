"""Wagtail, installed for itself: `python -m bench.wagtail` makes the environment in which bench/rivals/wagtail_site runs."""

import subprocess
import sys
import venv

from bench.npm import RIVALS

SITE = RIVALS / "wagtail_site"
_ENVIRONMENT = SITE / ".venv"
PYTHON = _ENVIRONMENT / "bin" / "python"


def install() -> int:
    """The exit code of pip."""
    venv.create(_ENVIRONMENT, clear=True, with_pip=True)
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    return subprocess.run([*command, "--requirement", SITE / "requirements.txt"]).returncode


if __name__ == "__main__":
    sys.exit(install())
