"""`manage.py copy_media`: the pictures of a site that was on one disk go into its bucket."""

from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage, storages
from django.core.management.base import BaseCommand, CommandError

from library import storage
from turnauth.progress import Progress

_AT_ONCE = 8  # files on their way


class Command(BaseCommand):
    help = (
        "Copies all pictures from the disk into the S3 bucket that is set. It may be stopped at any time, and goes on where it was when "
        "it is run again; nothing on the disk is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="folder", default=settings.MEDIA_ROOT, type=Path, help="where they are: %(default)s"
        )

    def handle(self, *, folder: Path, **options) -> None:
        if not isinstance(storages["default"], storage.BucketStorage):
            raise CommandError("AWS_STORAGE_BUCKET_NAME is not set: there is no bucket to copy to.")
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        here = storage.DiskStorage(folder)
        both = (storage.PUBLIC, storage.PRIVATE)
        there = {entry for part in both for entry in default_storage.names(part)}
        wanted = sorted(entry for part in both for entry in here.names(part))
        left = [(name, size) for name, size in wanted if (name, size) not in there]
        self._copy(here, [name for name, _ in left], before=len(wanted) - len(left))

    def _copy(self, here: storage.DiskStorage, names: list[str], *, before: int) -> None:
        progress = Progress(self.stderr)
        done = 0
        pool = ThreadPoolExecutor(_AT_ONCE)

        def copy(name: str) -> None:
            with here.open(name) as file:
                default_storage.save(name, File(file))

        try:
            for done, _ in enumerate(pool.map(copy, names), start=1):
                progress.show(f"{before + done} of {before + len(names)} files are in the bucket")
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped; at least {before + done} of {before + len(names)} files are in the bucket. Run it again to go on.",
                returncode=130,
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
            progress.clear()
        self.stdout.write(f"{done} files copied, {before} were there already.")
