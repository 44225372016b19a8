"""The keys with which programs outside the browser ask for credentials."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

_KEY_BYTES = 32
_PREFIX = "gruveo-turn-"  # so that scanners for leaked secrets, and gruveo.logs, know one when they see it
_NOTED_EVERY = timedelta(hours=1)


class ApiKeyQuerySet(models.QuerySet):
    def serving(self, key: str, *, now: datetime) -> "ApiKey | None":
        """The entry of this key, if it has one and was not revoked; notes, once an hour, that it was used."""
        entry = self.filter(digest=digest(key), revoked=None).first()
        if entry:
            unnoted = Q(last_used=None) | Q(last_used__lt=now - _NOTED_EVERY)
            self.filter(unnoted, pk=entry.pk).update(last_used=now)
        return entry

    def revoke(self, *, now: datetime) -> int:
        """From now on these open nothing; those that were revoked before keep their date. Answers how many are new to it."""
        return self.filter(revoked=None).update(revoked=now)


class ApiKey(models.Model):
    name = models.CharField(max_length=100, unique=True, help_text="Whose it is: an app, a bot, a partner.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, editable=False, help_text="To the hour.")
    revoked = models.DateTimeField(null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def draw(self) -> str:
        """
        Gives this entry a new key and answers it; to be saved. Nobody can read it again.

        It is random and long, so a plain hash is enough: what slow hashes are for is what people make up.
        """
        key = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        self.digest = digest(key)
        return key


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
