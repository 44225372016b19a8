"""`manage.py search_index`: what can be found is made anew."""

from django.core.management.base import BaseCommand

from search import index


class Command(BaseCommand):
    help = (
        "Makes the index of the search anew from all texts. Needed only when something has written to the database past the site; "
        "meanwhile the old index serves."
    )

    def handle(self, **options) -> None:
        count = 0
        for count in index.rebuild():
            if self.stderr.isatty() and count % 100 == 0:
                self.stderr.write(f"\r{count} texts", ending="")
        self.stdout.write(f"{count} texts can be found.")
