"""What apps outside the browser are told of themselves: which versions still serve. Pure."""

import re
from collections.abc import Iterable

PLATFORMS = ("android", "ios", "web")

_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")


def least_versions(entries: Iterable[str]) -> dict[str, str]:
    """
    `ios=1.4` and the like, as platform and version.

    Raises:
        ValueError: an unknown platform, one that stands twice, or a version that is not one to four numbers with dots between.
    """
    versions: dict[str, str] = {}
    for entry in entries:
        platform, _, version = entry.partition("=")
        if platform not in PLATFORMS or not _VERSION.fullmatch(version):
            raise ValueError(f"{entry!r} is not like ios=1.4, for one of {', '.join(PLATFORMS)}")
        if platform in versions:
            raise ValueError(f"{platform} stands twice")
        versions[platform] = version
    return versions
