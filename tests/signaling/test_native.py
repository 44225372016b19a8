"""What operators write of versions: read, or refused with the entry that is wrong."""

import re

import pytest

from signaling import native


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
