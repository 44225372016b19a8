"""All texts that visitors can find, in one table; each database has its own index beside it (see the migration)."""

from django.contrib.contenttypes.models import ContentType
from django.db import models


class Entry(models.Model):
    """A text as it is found; search.index keeps it in step with what it stands for."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=300)
    visible_from = models.DateTimeField(null=True)
    language = models.CharField(max_length=5, default="en")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["content_type", "object_id"], name="search_entry_object")]

    def __str__(self) -> str:
        return self.title


class Word(models.Model):
    """A word that stands somewhere; those that stand nowhere any more go when the index is made anew."""

    text = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.text
