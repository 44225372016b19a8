"""Fills a new site with posts, questions and pages, so that there is something to look at."""

from django.core.management.base import BaseCommand

import blog.sample
import pages.sample


class Command(BaseCommand):
    help = "Adds sample posts, FAQ entries and pages. What is there already is left alone, so it can be run again."

    def handle(self, *args, **options) -> None:
        added = blog.sample.add() + pages.sample.add()
        self.stdout.write(f"Added {added}." if added else "Everything was there already.")
