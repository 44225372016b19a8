"""
The catalogues of translations, made and read with Babel:

    python -m gruveo.catalogues           makes of each locale/…/*.po the .mo that the site reads, where it is older
    python -m gruveo.catalogues update    takes what the code says now into each .po, for translators

Two domains: `django` is what the server says, `djangojs` what the browser's modules say.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "locale"
DOMAINS = ("django", "djangojs")
_KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
}
_WIDTH = 120


def files(domain: str) -> list[Path]:
    return sorted(LOCALES.glob(f"*/LC_MESSAGES/{domain}.po"))


def load(file: Path) -> Catalog:
    """
    Raises:
        babel.messages.pofile.PoFileError: it is no catalogue.
    """
    with file.open("rb") as source:
        return read_po(source, locale=file.parent.parent.name, domain=file.stem, abort_invalid=True)


def build() -> int:
    """Makes the .mo files where they are older, and tells how many."""
    made = 0
    for domain in DOMAINS:
        for source in files(domain):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
                continue
            buffer = io.BytesIO()
            write_mo(buffer, load(source))
            unfinished = target.with_suffix(".part")
            unfinished.write_bytes(buffer.getvalue())
            unfinished.replace(target)
            made += 1
    return made


def said(domain: str) -> Catalog:
    """All that the code says, without a translation."""
    catalog = Catalog(project="Gruveo", domain=domain, fuzzy=False)
    for path, messages in _found(domain):
        for _, text, comments, context in messages:
            catalog.add(text, locations=[(path, 0)], auto_comments=comments, context=context)
    return catalog


def update() -> None:
    """What the code says no more goes; what is new comes without a translation."""
    for domain in DOMAINS:
        template = said(domain)
        for file in files(domain):
            catalog = load(file)
            catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
            catalog.obsolete.clear()
            with file.open("wb") as target:
                write_po(target, catalog, width=_WIDTH, include_lineno=False)


def _found(domain: str) -> Iterator[tuple[str, list]]:
    if domain == "djangojs":
        for path in sorted((ROOT / "static/js").glob("*.js")):
            yield _extracted(path, "javascript", path.read_text())
        return
    # Here, for the site must not need it to begin.
    from django.utils.translation import templatize  # noqa: PLC0415

    for path in sorted((ROOT / "templates").rglob("*.html")):
        # A program without indentation, in which all but what is to be translated is blotted out.
        blotted = templatize(path.read_text(), origin=str(path))
        yield _extracted(path, "python", "\n".join(line.lstrip() for line in blotted.splitlines()))
    for package in ("accounts", "blog", "gruveo", "library", "pages", "search", "signaling", "turnauth"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path != Path(__file__).resolve():
                yield _extracted(path, "python", path.read_text())


def _extracted(path: Path, method: str, text: str) -> tuple[str, list]:
    found = extract(method, io.BytesIO(text.encode()), keywords=_KEYWORDS, comment_tags=["Translators:"])
    return str(path.relative_to(ROOT)), list(found)


if __name__ == "__main__":
    if sys.argv[1:] == ["update"]:
        update()
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        build()
