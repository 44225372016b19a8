"""Where the laboratory cannot be built it says so, and it leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nat.network import Network, NoNamespaces
from tests.server import BASE_DIR

pytestmark = pytest.mark.server

_MAKE = "from tests.nat.network import Network\nwith Network(): pass"


class NoNamespacesTests:
    def test_who_is_not_root_is_told_to_be(self):
        os.seteuid(65534)
        try:
            with pytest.raises(NoNamespaces, match="sudo"), Network():
                pass
        finally:
            os.seteuid(0)

    def test_root_without_the_right_to_is_told_why(self):
        without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", "--"]

        ended = subprocess.run([*without, sys.executable, "-c", _MAKE], cwd=BASE_DIR, capture_output=True, text=True)

        assert ended.returncode != 0
        assert "Network namespaces cannot be made here: ip netns add" in ended.stderr
        assert "not permitted" in ended.stderr


class EndTests:
    def test_nothing_stays_behind(self):
        with Network() as network:
            paths = [network.path(name) for name in ("public", "a", "home-a", "mobile")]
            assert all(path.exists() for path in paths)

        assert not any(path.exists() for path in paths)

    def test_two_may_stand_side_by_side(self):
        with Network() as one, Network() as other:
            one.set_kind("a", "port")
            other.set_kind("a", "sym")

            assert one.path("a") != other.path("a")

    def test_what_a_killed_run_left_behind_goes_with_the_next(self):
        left = subprocess.run([sys.executable, "-c", _LEAVE], cwd=BASE_DIR, capture_output=True, text=True, check=True)

        with Network():
            assert not Path(left.stdout.strip()).exists()


_LEAVE = "from tests.nat.network import Network\nn = Network().__enter__(); print(n.path('public'))"
