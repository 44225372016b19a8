"""What operators write of apps and versions: read, or refused with the entry that is wrong."""

import re

import pytest

from signaling import native

FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
OTHER = ":".join(["FE"] * 32)


class LeastVersionTests:
    def test_least_versions_are_kept_as_written(self):
        assert native.least_versions(["ios=1.4", "android=2.0.1", "web=0"]) == {
            "ios": "1.4",
            "android": "2.0.1",
            "web": "0",
        }

    @pytest.mark.parametrize("entry", ["ios", "ios=", "=1.4", "iso=1.4", "ios=1.", "ios=v1", "ios=1.2.3.4.5", "ios=١"])
    def test_a_wrong_least_version_is_named(self, entry):
        with pytest.raises(ValueError, match=re.escape(repr(entry))):
            native.least_versions(["web=1", entry])

    def test_a_platform_has_one_least_version(self):
        with pytest.raises(ValueError, match="ios stands twice"):
            native.least_versions(["ios=1.4", "ios=1.5"])


class AppTests:
    @pytest.mark.parametrize(
        "entry",
        ["com.example.app", "abcde12345.com.example", "ABCDE1234.com.x", "ABCDE12345", "ABCDE12345.", "ABCDE12345.a_b"],
    )
    def test_a_wrong_apple_app_id_is_named(self, entry):
        with pytest.raises(ValueError, match=re.escape(repr(entry))):
            native.apple_app_ids(["ABCDE12345.com.example.app", entry])

    def test_a_package_may_have_several_fingerprints(self):
        entries = [
            f"com.example.app=SHA256:{FINGERPRINT.lower()}",
            f"org.example.app=SHA256:{FINGERPRINT}",
            f"com.example.app=SHA256:{OTHER}",
            f"com.example.app=SHA256:{FINGERPRINT}",
        ]

        assert native.android_apps(entries) == {
            "com.example.app": (FINGERPRINT, OTHER),
            "org.example.app": (FINGERPRINT,),
        }

    @pytest.mark.parametrize(
        "entry",
        [
            "com.example.app",
            f"com.example.app={FINGERPRINT}",
            f"com.example.app=SHA1:{FINGERPRINT[: 20 * 3 - 1]}",
            f"com.example.app=SHA256:{FINGERPRINT[:-3]}",
            f"com.example.app=SHA256:{FINGERPRINT}:00",
            f"com.example.app=SHA256:{FINGERPRINT.replace(':', '')}",
            f"com.example.app=SHA256:{FINGERPRINT.replace('0A', '0G')}",
            f"app=SHA256:{FINGERPRINT}",
            f"com.1example=SHA256:{FINGERPRINT}",
            f"=SHA256:{FINGERPRINT}",
        ],
    )
    def test_a_wrong_android_app_is_named(self, entry):
        with pytest.raises(ValueError, match=re.escape(repr(entry))):
            native.android_apps([f"com.example.app=SHA256:{FINGERPRINT}", entry])
