"""`manage.py clean_media`: the storage holds the files of the library's pictures, and nothing else."""

from argparse import ArgumentParser
from datetime import timedelta

from django.apps import apps
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.utils import timezone

from library import storage
from library.models import Picture, Written, publish_pictures_of

_YOUNG = timedelta(days=1)  # may belong to an upload that is not done


class Command(BaseCommand):
    help = (
        "Deletes files that belong to no picture or have a size that is not used any more, and are older than a day; makes missing "
        "sizes anew; gives pictures of published texts their public addresses. Run it once a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def handle(self, *, dry_run: bool, **options) -> None:
        if not dry_run:
            self._publish()
        there = {name for part in (storage.PUBLIC, storage.PRIVATE) for name, _ in default_storage.names(part)}
        wanted: set[str] = set()
        mended = lost = 0
        for picture in Picture.objects.iterator():
            files = picture.files()
            wanted.update(files)
            if picture.file.name not in there:
                lost += 1
                self.stderr.write(f"picture {picture.pk} “{picture}” has lost its file {picture.file.name}")
            elif not there.issuperset(files):
                mended += 1
                if not dry_run:
                    picture.mend()
        before = timezone.now() - _YOUNG
        unused = [name for name in sorted(there - wanted) if default_storage.get_modified_time(name) < before]
        for name in unused:
            if not dry_run:
                default_storage.delete(name)
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"{len(unused)} files {would}deleted, {mended} pictures {would}mended, {lost} have lost their file."
        )

    def _publish(self) -> None:
        """Pictures that are still private because the storage was away when their text was saved."""
        for model in apps.get_models():
            if issubclass(model, Written):
                for text in model._default_manager.kept().iterator():
                    if text.is_for_visitors:
                        publish_pictures_of(text)
        for author in apps.get_model("blog", "Author").objects.exclude(picture=None):
            publish_pictures_of(author)
