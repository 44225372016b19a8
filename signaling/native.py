"""
What apps outside the browser are told by fixed files: which versions still serve, and which links are theirs. Pure.

Both files of links are public: Apple and Google, and everybody else, fetch them without a cookie.
"""

import re
from collections.abc import Iterable

from signaling import codes

PLATFORMS = ("android", "ios", "web")

_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")
# The prefix is the ten characters that Apple gives a team; a bundle id is of letters, digits, hyphens and dots.
_APPLE_APP = re.compile(r"[A-Z0-9]{10}(?:\.[A-Za-z0-9-]+)+")
_ANDROID_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
_FINGERPRINT = re.compile(r"SHA256:((?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})")


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


def apple_app_ids(entries: Iterable[str]) -> tuple[str, ...]:
    """
    `ABCDE12345.com.example.app` and the like, each once.

    Raises:
        ValueError: not a team's prefix, a dot and a bundle id.
    """
    for entry in entries:
        if not _APPLE_APP.fullmatch(entry):
            raise ValueError(f"{entry!r} is not like ABCDE12345.com.example.app")
    return tuple(dict.fromkeys(entries))


def android_apps(entries: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """
    `com.example.app=SHA256:14:6D:…` and the like, as package and fingerprints; a package that stands again has one more.

    Raises:
        ValueError: not a package with the SHA-256 fingerprint of a certificate, 32 bytes in hexadecimal with colons between.
    """
    apps: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        package, _, text = entry.partition("=")
        fingerprint = _FINGERPRINT.fullmatch(text)
        if not _ANDROID_PACKAGE.fullmatch(package) or not fingerprint:
            raise ValueError(f"{entry!r} is not like com.example.app=SHA256:14:6D:…, with 32 pairs of digits")
        known = apps.get(package, ())
        apps[package] = tuple(dict.fromkeys([*known, fingerprint[1].upper()]))  # Google compares in capitals
    return apps


def apple_app_site_association(app_ids: Iterable[str]) -> dict:
    """
    The links that open these apps: one segment that may be a code, and nothing else of the site.

    The first pattern that matches decides, so what is excluded stands first. `*` stands for any text, slashes included, `?` for one
    character. Patterns see the address as it is written and fold nothing but case: `/ﬀaq` is told from a code by the app alone.

    Source: Apple, "Supporting associated domains" and applinks.Details.Components.
    """
    taken = [path for word in codes.RULES["reserved"] for path in (f"/{word}", f"/{word}/*")]
    files = [f"/*.{extension}" for extension in codes.RULES["extensions"]]
    excluded = [{"/": path, "exclude": True} for path in [*taken, *files, "/.*", "/?*/?*"]]
    details = {"appIDs": list(app_ids), "components": [*excluded, {"/": "/?*"}]}
    return {"applinks": {"defaults": {"caseSensitive": False}, "details": [details]}}


def asset_links(apps: dict[str, tuple[str, ...]]) -> list[dict]:
    """
    The statement that these Android apps may open links of the site; which links, each app says itself.

    Source: Google, Digital Asset Links, "Statement list syntax".
    """
    return [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": package,
                "sha256_cert_fingerprints": list(fingerprints),
            },
        }
        for package, fingerprints in apps.items()
    ]
