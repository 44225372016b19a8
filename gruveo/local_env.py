"""The secrets of a site on one machine: made once, kept in an ignored file, and never a default in the code."""

import secrets
from collections.abc import MutableMapping
from pathlib import Path

from gruveo.private_file import write_private

_BASE = Path(__file__).resolve().parent.parent
_KEYS = ("SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS")


def var_dir(environ: MutableMapping[str, str]) -> Path:
    """Where a local site keeps its database, files, certificates and secrets."""
    return Path(environ.get("VAR_DIR") or _BASE / "var").resolve()


def load(environ: MutableMapping[str, str]) -> bool:
    """
    Adds the local site's values to an environment that names no SECRET_KEY of its own; a deployment's is left alone.

    Returns:
        Whether there was a file to read.
    """
    file = _file(environ)
    if environ.get("SECRET_KEY") or not file.exists():
        return False
    environ.setdefault("LOCAL", "1")
    for line in file.read_text().splitlines():
        name, _, value = line.partition("=")
        if name in _KEYS:
            environ.setdefault(name, value)
    return True


def make(environ: MutableMapping[str, str]) -> None:
    """Writes the file with new secrets, readable for its owner only, unless there is one."""
    file = _file(environ)
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, "".join(f"{name}={secrets.token_urlsafe(48)}\n" for name in _KEYS).encode())


def _file(environ: MutableMapping[str, str]) -> Path:
    return var_dir(environ) / "local.env"
