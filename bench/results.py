"""RESULTS.md: one file with named sections, each written by the command that measures it; the others stay as they are."""

from pathlib import Path

FILE = Path(__file__).resolve().parent / "RESULTS.md"
HEADING = (
    "# Results\n\nEach section was written by the command that measured it: `make bench`, unless it names another.\n"
)


def write(name: str, body: str, *, file: Path = FILE) -> None:
    """Puts a section into the file: in place of the one of that name, or at the end."""
    text = file.read_text() if file.exists() else HEADING
    file.write_text(replace(text, name, body))


def replace(text: str, name: str, body: str) -> str:
    """The text with this section replaced or added. `body` is Markdown that begins with its own heading."""
    begin, end = f"<!-- section: {name} -->\n", f"<!-- end: {name} -->\n"
    section = f"{begin}\n{body.strip()}\n\n{end}"
    before, found, rest = text.partition(begin)
    if not found:
        return f"{text.rstrip()}\n\n{section}"
    _, ended, after = rest.partition(end)
    if not ended:
        raise ValueError(f"section {name} has no end")
    return before + section + after
