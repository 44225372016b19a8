"""`manage.py empty_bin`: what has lain in the bin for 30 days is gone for good."""

from django.apps import apps
from django.core.management.base import BaseCommand

from library.models import Written


class Command(BaseCommand):
    help = "Deletes for good what editors deleted more than 30 days ago, with its versions. Run it once a day."

    def handle(self, **options) -> None:
        count = 0
        for model in apps.get_models():
            if issubclass(model, Written):
                for written in model._default_manager.expired():
                    written.history.delete()
                    written.delete()
                    count += 1
        self.stdout.write(f"{count} gone for good.")
