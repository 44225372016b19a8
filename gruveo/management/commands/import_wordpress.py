"""`manage.py import_wordpress`: the posts, pages and pictures of a WordPress site move in."""

import json
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from gruveo.moving_in import Importer
from library import wxr
from turnauth.progress import Progress


class Command(BaseCommand):
    help = (
        "Takes over what WordPress has exported (Tools, Export, All content). It may be run again: what has not changed there is left "
        "as it is here. docs/moving.md says what becomes of what."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the export, an XML file")
        parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="a copy of wp-content/uploads")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="where the report goes, instead of the terminal"
        )
        parser.add_argument("--json", action="store_true", help="counts and report for machines")

    def handle(self, *, file: Path, pictures: Path | None, dry_run: bool, report: Path | None, **options) -> None:
        if pictures and not pictures.is_dir():
            raise CommandError(f"no-folder: there is no folder {pictures}.")
        try:
            site = wxr.read(file.read_bytes())
        except OSError as error:
            raise CommandError(f"no-file: {file}: {error.strerror}.") from None
        except wxr.BadFile as error:
            raise CommandError(f"{error.code}: {file}: {error}") from None
        progress = Progress(self.stderr)
        importer = Importer(site, files=pictures, is_rehearsal=dry_run, show=progress.show)
        try:
            importer.run()
        finally:
            progress.clear()
        self._tell(importer, dry_run, report, is_for_machines=options["json"])

    def _tell(self, importer: Importer, dry_run: bool, report: Path | None, *, is_for_machines: bool) -> None:
        lines = "".join(f"{line}\n" for line in importer.report)
        if report:
            report.write_text(lines)
        if is_for_machines:
            self.stdout.write(json.dumps({"counts": importer.counts, "report": importer.report}, indent=2))
            return
        if not report:
            self.stdout.write(lines, ending="")
        counts = ", ".join(f"{name}: {count}" for name, count in importer.counts.items()) or "nothing"
        self.stdout.write(
            f"{'Would be taken' if dry_run else 'Taken'} – {counts}. Lines of report: {len(importer.report)}."
        )
