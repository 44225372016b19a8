"""`manage.py export_site`: all content and all pictures of the site, in one file."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from gruveo import archive
from turnauth.progress import Progress


class Command(BaseCommand):
    help = (
        "Writes posts, pages, questions, tags, authors, pictures and old addresses into a ZIP archive, which `import_site` reads and "
        "docs/moving.md describes. Accounts, calls, messages, older versions and the bin stay here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="where it goes; one that is there is replaced once the new one is whole"
        )

    def handle(self, *, file: Path, **options) -> None:
        progress = Progress(self.stderr)
        try:
            counts = archive.write(file, show=progress.show)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}.") from None
        finally:
            progress.clear()
        self.stdout.write(f"{file}: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")
