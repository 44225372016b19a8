"""`manage.py reset_second_factor USER`: for somebody who has lost both phone and recovery codes."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from accounts import second_factor


class Command(BaseCommand):
    help = "Forgets the second factor of one person, who then sets up a new one at the next login. Make sure who asks for it."

    def add_arguments(self, parser) -> None:
        parser.add_argument("user", help="the user name")

    def handle(self, *, user: str, **options) -> None:
        found = get_user_model().objects.filter(username=user).first()
        if found is None:
            raise CommandError(f"There is no user {user!r}.")
        second_factor.reset(found)
        self.stdout.write(f"{user} sets up a new second factor at the next login.")
