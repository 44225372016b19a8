"""`manage.py shelve_static`: what a version does before its first machine serves."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gruveo import shelf


class Command(BaseCommand):
    help = (
        "Puts the collected static files into the bucket, where machines that still have, or already have, another version find them. "
        "Run it before a version begins to serve; it may be run again."
    )

    def handle(self, **options) -> None:
        if not shelf.is_there():
            raise CommandError("AWS_STORAGE_BUCKET_NAME is not set: there is no bucket to put static files into.")
        root = Path(settings.STATIC_ROOT)
        if not (root / "staticfiles.json").is_file():
            raise CommandError(f"There are no collected static files in {root}: run collectstatic, or build a bundle.")
        self.stdout.write(f"{shelf.fill(root)} files are on the shelf")
