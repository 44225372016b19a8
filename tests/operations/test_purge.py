"""What is kept no longer than docs/data.md says goes, and what somebody wrote goes at their wish."""

import io
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from blog.models import Post
from pages.models import Message

pytestmark = pytest.mark.django_db
ALICE = "alice@example.org"


def run(command: str, *arguments: str) -> list[str]:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().splitlines()


def message(*, days: int = 0, **fields) -> Message:
    """One that came so many days ago."""
    made = Message.objects.create(kind="question", text="How does it work?", **fields)
    Message.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=days))
    return made


def attempt(*, minutes: int) -> AccessAttempt:
    made = AccessAttempt.objects.create(username=f"ada{minutes}", ip_address="192.0.2.1", failures_since_start=3)
    AccessAttempt.objects.filter(pk=made.pk).update(attempt_time=timezone.now() - timedelta(minutes=minutes))
    return made


def session(*, hours: int) -> Session:
    """One that runs out in so many hours."""
    return Session.objects.create(
        session_key=f"key{hours}", session_data="x", expire_date=timezone.now() + timedelta(hours=hours)
    )


def in_bin(*, days: int) -> Post:
    made = Post.objects.create(title=f"{days} days", slug=f"days-{days}")
    made.put_in_bin()
    Post.objects.filter(pk=made.pk).update(deleted_at=timezone.now() - timedelta(days=days))
    return made


class PurgeTests:
    @pytest.fixture
    def old(self):
        return [message(days=200, done=True), attempt(minutes=20), session(hours=-1), in_bin(days=31)]

    @pytest.fixture
    def kept(self):
        young = [message(days=10, done=True), attempt(minutes=5), session(hours=1), in_bin(days=29)]
        return [message(days=400), *young]  # nobody has dealt with the first yet

    def test_what_is_old_goes_and_what_is_not_stays(self, old, kept):
        told = run("purge")

        assert [type(one).objects.filter(pk=one.pk).exists() for one in old] == [False] * 4
        assert [type(one).objects.filter(pk=one.pk).exists() for one in kept] == [True] * 5
        assert told == [
            "1 failed logins deleted.",
            "0 lines about logins deleted.",
            "0 lines about failed logins deleted.",
            "1 sessions deleted.",
            "1 messages deleted.",
            "1 gone for good.",
        ]

    def test_twice_is_once(self, old, kept):
        run("purge")

        assert {line.partition(" ")[0] for line in run("purge")} == {"0"}

    def test_a_dry_run_tells_and_does_nothing(self, old, kept):
        told = run("purge", "--dry-run")

        assert [type(one).objects.filter(pk=one.pk).exists() for one in old + kept] == [True] * 9
        assert told[-2:] == ["1 messages would be deleted.", "1 would be gone for good."]
        assert run("purge")[-2:] == ["1 messages deleted.", "1 gone for good."]

    def test_how_long_messages_are_kept_can_be_said(self, kept):
        assert "1 messages deleted." in run("purge", "--days", "5")

    def test_a_negative_time_is_refused(self):
        with pytest.raises(CommandError, match="must not be negative"):
            run("purge", "--days", "-1")


class EraseTests:
    def test_what_somebody_wrote_is_gone(self, admin_user):
        hers, another = message(email="Alice@example.org"), message(email="bob@example.org")
        for one in (hers, another):
            LogEntry.objects.log_actions(admin_user.pk, [one], CHANGE, change_message="done", single_object=True)

        assert run("erase_visitor", f" {ALICE} ") == ["1 messages deleted."]

        assert list(Message.objects.all()) == [another]
        assert [entry.object_id for entry in LogEntry.objects.all()] == [str(another.pk)]

    def test_others_that_mention_the_address_are_named_for_somebody_to_read(self):
        other = Message.objects.create(kind="abuse", text=f"{ALICE} was rude", email="bob@example.org")

        assert run("erase_visitor", ALICE) == [
            "0 messages deleted.",
            f"message {other.pk} mentions the address: read it at /admin/pages/message/{other.pk}/change/",
        ]
        assert Message.objects.get() == other

    def test_a_dry_run_does_nothing_and_twice_is_once(self):
        message(email=ALICE)

        assert run("erase_visitor", ALICE, "--dry-run") == ["1 messages would be deleted."]
        assert run("erase_visitor", ALICE) == ["1 messages deleted."]
        assert run("erase_visitor", ALICE) == ["0 messages deleted."]

    def test_what_is_no_address_is_refused(self):
        message()  # of somebody who gave none

        with pytest.raises(CommandError, match="no e-mail address"):
            run("erase_visitor", "")

        assert Message.objects.count() == 1
