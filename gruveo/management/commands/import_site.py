"""`manage.py import_site`: what `export_site` has written comes back, here or on another site."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from gruveo import archive
from turnauth.progress import Progress


class Command(BaseCommand):
    help = (
        "Takes in an archive of `export_site`, whole or not at all. What is here already and the same stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace",
            action="store_true",
            help="what is here under the same address becomes a version of its history",
        )

    def handle(self, *, file: Path, replace: bool, **options) -> None:
        progress = Progress(self.stderr)
        reader = archive.Reader(file, is_to_replace=replace, show=progress.show)
        try:
            reader.run()
        except archive.BadArchive as error:
            raise CommandError(f"{error.code}: {file}: {error}") from None
        except OSError as error:
            raise CommandError(f"no-file: {file}: {error.strerror or error}.") from None
        finally:
            progress.clear()
        self.stdout.write(
            "Taken – " + (", ".join(f"{name}: {count}" for name, count in reader.counts.items()) or "nothing") + "."
        )
