"""`manage.py empty_bin`: what has lain in the bin for 30 days is gone for good."""

from argparse import ArgumentParser

from django.apps import apps
from django.core.management.base import BaseCommand

from library.models import Written


class Command(BaseCommand):
    help = "Deletes for good what editors deleted more than 30 days ago, with its versions. Run it once a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def handle(self, *, dry_run: bool, **options) -> None:
        count = 0
        for model in apps.get_models():
            if issubclass(model, Written):
                for written in model._default_manager.expired():
                    if not dry_run:
                        written.history.delete()
                        written.delete()
                    count += 1
        self.stdout.write(f"{count} {'would be ' if dry_run else ''}gone for good.")
