"""Files that hold secrets."""

import os
from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Readable for its owner only from the first moment, and whole or not at all."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    draft.rename(file)
