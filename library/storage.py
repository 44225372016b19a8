"""
Where the files of pictures are: on the disk of this machine, or in an S3 bucket.

What visitors may see is kept below `pictures/`, under addresses that stay the same and may be kept for ever. What is shown in nothing
but drafts is kept below `drafts/`, and its addresses are signed and run out.
"""

import shutil
from pathlib import Path
from urllib.parse import urlencode

from django.core.files.storage import FileSystemStorage
from django.core.signing import BadSignature, TimestampSigner
from storages.backends.s3 import S3Storage

PUBLIC, PRIVATE = "pictures/", "drafts/"
SIGNED_SECONDS = 3600
TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"
_KEPT_PRIVATELY = f"private, max-age={SIGNED_SECONDS}"
_signer = TimestampSigner(salt="library.storage")


def is_private(name: str) -> bool:
    return name.startswith(PRIVATE)


def cache_control(name: str) -> str:
    """No name is ever used for another picture."""
    return _KEPT_PRIVATELY if is_private(name) else _KEPT_FOR_EVER


def is_signed(name: str, key: str) -> bool:
    """Whether this is the key with which DiskStorage has given out the address of a private file, and not long ago."""
    try:
        return _signer.unsign(f"{name}:{key}", max_age=SIGNED_SECONDS) == name
    except BadSignature:
        return False


class DiskStorage(FileSystemStorage):
    def url(self, name: str) -> str:
        address = super().url(name)
        if not is_private(name):
            return address
        return f"{address}?{urlencode({'key': _signer.sign(name).removeprefix(f'{name}:')})}"

    def copy(self, old: str, new: str) -> None:
        """The same file under another name too; may be done twice."""
        target = Path(self.path(new))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.path(old), target)

    def names(self, folder: str) -> list[tuple[str, int]]:
        """All files below this folder, `pictures/` or `drafts/`, with their sizes in bytes."""
        root = Path(self.location)
        found = (path for path in (root / folder).rglob("*") if path.is_file())
        return [(path.relative_to(root).as_posix(), path.stat().st_size) for path in found]


class BucketStorage(S3Storage):
    """
    With `custom_domain`, the name of a CDN that reads `pictures/` of the bucket, public addresses are there; without one, each address
    is signed, and nothing in the bucket needs to be open to the public.
    """

    def get_default_settings(self) -> dict:
        return {**super().get_default_settings(), "signature_version": "s3v4"}

    def url(self, name: str, parameters=None, expire=None, http_method=None) -> str:
        if self.custom_domain and not is_private(name):
            return super().url(name, parameters, expire, http_method)
        place = {"Bucket": self.bucket.name, "Key": self._normalize_name(name)}
        return self.connection.meta.client.generate_presigned_url(
            "get_object", Params={**place, **(parameters or {})}, ExpiresIn=expire or SIGNED_SECONDS
        )

    def get_object_parameters(self, name: str) -> dict[str, str]:
        return {**super().get_object_parameters(name), **_told(name)}

    def copy(self, old: str, new: str) -> None:
        """The same file under another name too, without a way through this machine; may be done twice."""
        self.bucket.Object(self._normalize_name(new)).copy_from(
            CopySource={"Bucket": self.bucket.name, "Key": self._normalize_name(old)},
            MetadataDirective="REPLACE",
            **_told(new),
        )

    def names(self, folder: str) -> list[tuple[str, int]]:
        """All files below this folder, with their sizes in bytes."""
        start = len(self.location) + 1 if self.location else 0
        found = self.bucket.objects.filter(Prefix=self._normalize_name(folder))
        return [(entry.key[start:], entry.size) for entry in found]


def _told(name: str) -> dict[str, str]:
    """What the bucket tells browsers of a file."""
    return {"ContentType": TYPES[name.rpartition(".")[2]], "CacheControl": cache_control(name)}
