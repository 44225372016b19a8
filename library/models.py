"""The media library, addresses that have moved, and what all texts of editors have in common."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone

from library import conf, markup, pictures, storage
from library.fields import RichTextField

KEPT_IN_BIN = timedelta(days=30)
_OF_THIS_SITE = RegexValidator(r"^/(?![/\\])\S*$", "Write an address of this site, such as /blog/hello/.", "elsewhere")


def new_token() -> str:
    """For a folder or an address that nobody is to guess."""
    return secrets.token_urlsafe(16)


def _file_name(picture: "Picture", name: str) -> str:
    folder = storage.PUBLIC if picture.is_public else storage.PRIVATE
    return f"{folder}{picture.token}/{name}"


class PictureQuerySet(models.QuerySet):
    def publish(self) -> None:
        """For pictures that a text for visitors shows, now or at its time."""
        for picture in self.filter(file__startswith=storage.PRIVATE):
            picture.publish()


class Picture(models.Model):
    """
    A picture, and how those read it who do not see it. Texts name it by its number, so that its files may move. Its smaller copies
    stand beside its file, under names that follow from their width. All are private until a text for visitors shows it, and public
    from then on: what somebody may have seen cannot be taken back.
    """

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    file = models.FileField(upload_to=_file_name, editable=False)
    alt = models.CharField(
        "alternative text",
        max_length=300,
        help_text="What the picture shows, for those who do not see it. One sentence.",
    )
    caption = models.CharField(
        max_length=300, blank=True, help_text="What stands below it, unless a text says otherwise."
    )
    credit = models.CharField(max_length=120, blank=True, help_text="Who made it.")
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    content_hash = models.CharField(max_length=64, db_index=True, editable=False)
    original_name = models.CharField(max_length=200, blank=True, editable=False)
    uploaded_by = models.ForeignKey("auth.User", models.SET_NULL, null=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = PictureQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.alt or self.original_name

    @classmethod
    def take(cls, upload, *, alt: str, user=None, **values) -> "Picture":
        """
        Keeps an uploaded file as a picture.

        Raises:
            ValidationError: see pictures.make.
        """
        made = pictures.make(upload.read(pictures.MOST_BYTES + 1))
        picture = cls(
            alt=alt,
            uploaded_by=user,
            original_name=upload.name[-200:],
            content_hash=made.content_hash,
            width=made.width,
            height=made.height,
            **values,
        )
        for name, content in made.renditions.items():
            default_storage.save(_file_name(picture, name), content)
        picture.file.save(f"original.{made.suffix}", made.original, save=False)
        picture.save()
        return picture

    @property
    def is_public(self) -> bool:
        return bool(self.file) and not storage.is_private(self.file.name)

    def mend(self) -> None:
        """
        Makes its smaller copies anew from its file.

        Raises:
            FileNotFoundError: its file is gone.
        """
        with default_storage.open(self.file.name) as file:
            made = pictures.make(file.read())
        for name, content in made.renditions.items():
            default_storage.delete(_file_name(self, name))
            default_storage.save(_file_name(self, name), content)

    def publish(self) -> None:
        """Its files under public names. May be done twice, at the same moment too; when it breaks off nothing has changed."""
        if self.is_public:
            return
        private = self.files()
        public = [storage.PUBLIC + name.removeprefix(storage.PRIVATE) for name in private]
        for old, new in zip(private, public, strict=True):
            default_storage.copy(old, new)
        self.file.name = public[0]
        self.save(update_fields=["file"])
        for old in private:
            default_storage.delete(old)

    def rendition(self, width: int, suffix: str) -> str:
        """The address of a copy that is so wide, one of pictures.widths."""
        return default_storage.url(_file_name(self, f"{width}.{suffix}"))

    @property
    def widths(self) -> list[int]:
        return pictures.widths(self.width)

    @property
    def thumbnail(self) -> str:
        return self.rendition(self.widths[0], "webp")

    def srcset(self, suffix: str) -> str:
        return ", ".join(f"{self.rendition(width, suffix)} {width}w" for width in self.widths)

    @property
    def srcset_avif(self) -> str:
        return self.srcset("avif")

    @property
    def srcset_webp(self) -> str:
        return self.srcset("webp")

    def files(self) -> list[str]:
        """The names of all of its files."""
        return [self.file.name] + [
            _file_name(self, f"{width}.{suffix}") for width in self.widths for suffix in ("avif", "webp")
        ]


class Redirect(models.Model):
    """An address at which something stood, and where that is now; library.redirects keeps them in order."""

    old_path = models.CharField(
        "from", max_length=200, unique=True, validators=[_OF_THIS_SITE], help_text="Begins with a slash."
    )
    new_path = models.CharField(
        "to",
        max_length=200,
        validators=[_OF_THIS_SITE],
        help_text="An address of this site, which begins with a slash.",
    )
    by_hand = models.BooleanField(default=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["old_path"]

    def __str__(self) -> str:
        return f"{self.old_path} → {self.new_path}"


def publish_pictures_of(instance: models.Model) -> None:
    """Once it is saved. A storage that is away refuses no save: until the next one, or `clean_media`, the addresses stay signed."""
    numbers = set()
    for field in instance._meta.fields:
        if isinstance(field, RichTextField):
            numbers.update(markup.pictures_in(getattr(instance, field.attname)))
        elif field.related_model is Picture:
            numbers.add(getattr(instance, field.attname))
    numbers.discard(None)
    if numbers:
        transaction.on_commit(Picture.objects.filter(pk__in=numbers).publish, robust=True)


class ContentVersion(models.Model):
    """One row; library.freshness raises its number with each change of what visitors see."""

    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)


class Imported(models.Model):
    """What came from another site, so that it comes once: `key` says what it is there, `digest` how it was, `version` how it is here."""

    source = models.CharField(max_length=200)
    key = models.CharField(max_length=300)
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="library_imported_once")]

    def __str__(self) -> str:
        return f"{self.source}: {self.key}"

    @property
    def object(self) -> models.Model | None:
        """None when it is not here any more."""
        return self.content_type.model_class()._default_manager.filter(pk=self.object_id).first()


class WrittenQuerySet(models.QuerySet):
    def kept(self):
        """All but what lies in the bin."""
        return self.filter(deleted_at=None)

    def binned(self):
        return self.exclude(deleted_at=None)

    def expired(self, now: datetime | None = None):
        """What has lain in the bin long enough to be gone for good."""
        return self.filter(deleted_at__lt=(now or timezone.now()) - KEPT_IN_BIN)


class Written(models.Model):
    """A text of editors: each save is a version, and what is deleted lies in the bin for a while."""

    KEPT: tuple[str, ...] = ()  # the fields that its history holds

    version = models.PositiveIntegerField(default=0, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs) -> None:
        self.version += 1
        if update_fields is not None:
            update_fields = {*update_fields, "version", "updated"}
        super().save(update_fields=update_fields, **kwargs)
        if self.is_for_visitors:
            publish_pictures_of(self)

    @property
    def is_for_visitors(self) -> bool:
        """Whether they see it, now or at its time."""
        return self.deleted_at is None

    def snapshot(self) -> dict:
        """What history keeps of it, ready for JSON: the fields of `KEPT`, and of those that name others their numbers and titles."""
        return {name: _written(self, self._meta.get_field(name)) for name in self.KEPT}

    def remember(self, user=None) -> None:
        """Adds this state to its history, once for each version."""
        Revision.objects.get_or_create(
            content_type=ContentType.objects.get_for_model(self),
            object_id=self.pk,
            version=self.version,
            defaults={"snapshot": self.snapshot(), "saved_by": user},
        )

    @property
    def history(self) -> models.QuerySet:
        return Revision.objects.filter(content_type=ContentType.objects.get_for_model(self), object_id=self.pk)

    def restore(self, revision: "Revision") -> list[str]:
        """
        Makes it what it was then, as a new version; what it named and is gone is left out.

        Returns:
            The titles of what is gone.
        """
        missing: list[str] = []
        many = {}
        for name, value in revision.snapshot.items():
            field = self._meta.get_field(name)
            if field.is_relation:
                found = _found(field.related_model, value, missing)
                if field.many_to_many:
                    many[name] = found
                else:
                    setattr(self, name, found[0] if found else None)
            else:
                setattr(self, name, field.to_python(value))
        self.save()
        for name, found in many.items():
            getattr(self, name).set(found)
        return missing

    def put_in_bin(self) -> None:
        self.deleted_at = timezone.now()
        self.save(update_fields=["deleted_at"])

    def take_from_bin(self) -> None:
        self.deleted_at = None
        self.save(update_fields=["deleted_at"])


class Addressed(Written):
    """A text with a `slug` that nothing else of its kind may have, but for what lies in the bin."""

    language = models.CharField(
        max_length=5, choices=conf.languages, default=conf.language, help_text="In which it is written."
    )

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["slug"],
                condition=models.Q(deleted_at=None),
                name="%(app_label)s_%(class)s_slug",
                violation_error_message="Something else has this address.",
            )
        ]

    def clean(self) -> None:
        super().clean()
        if type(self).objects.kept().filter(slug=self.slug).exclude(pk=self.pk).exists():
            raise ValidationError({"slug": f"Another {self._meta.verbose_name} has this address."})


class Revision(models.Model):
    """How a text was when somebody had saved it, with all that belongs to it."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    version = models.PositiveIntegerField()
    snapshot = models.JSONField()
    saved_by = models.ForeignKey("auth.User", models.SET_NULL, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["content_type", "object_id", "version"], name="one_revision_a_version")
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


def _written(instance: Written, field: models.Field):
    if field.many_to_many:
        return [[other.pk, str(other)] for other in getattr(instance, field.name).all()]
    if field.is_relation:
        other = getattr(instance, field.name)
        return [[other.pk, str(other)]] if other else []
    return field.value_to_string(instance) if getattr(instance, field.attname) is not None else None


def _found(model: type[models.Model], named: list, missing: list[str]) -> list[models.Model]:
    there = model._default_manager.in_bulk([pk for pk, _ in named])
    missing += [title for pk, title in named if pk not in there]
    return [there[pk] for pk, _ in named if pk in there]
