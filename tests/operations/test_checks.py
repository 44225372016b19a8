"""System checks, and what refuses to serve."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from gruveo import checks
from gruveo.env import Origin
from tests.server import BASE_DIR, child_env
from tests.test_settings import PRODUCTION


def ids(messages) -> list[str]:
    return [message.id for message in messages]


class RedisTests:
    def test_production_without_redis_is_an_error(self, settings):
        settings.PRODUCTION, settings.REDIS_URLS = True, ()

        assert ids(checks.redis()) == ["gruveo.E001"]
        with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
            checks.refuse_to_serve()

    @pytest.mark.parametrize(
        ("production", "urls"), [(True, ("redis://127.0.0.1",)), (False, ("redis://127.0.0.1",)), (False, ())]
    )
    def test_with_redis_and_on_one_machine_it_may_serve(self, settings, production, urls):
        settings.PRODUCTION, settings.REDIS_URLS = production, urls

        assert checks.redis() == []
        checks.refuse_to_serve()


class ProductionTests:
    def test_sqlite_and_no_proxy_are_warned_of(self, settings):
        settings.PRODUCTION, settings.TRUSTED_PROXIES = True, 0

        assert ids(checks.production()) == ["gruveo.W001", "gruveo.W002"]

    def test_nothing_is_said_of_a_local_site(self, settings):
        settings.PRODUCTION = False

        assert checks.production() == []


class SignalingUrlTests:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("", []),
            ("wss://gruveo.example/signaling", []),
            ("wss://signal.example/signaling", ["gruveo.W003"]),
        ],
    )
    def test_another_host_is_pointed_out(self, settings, url, expected):
        settings.SITE_ORIGINS, settings.SIGNALING_URL = [Origin("https", "gruveo.example", None)], url

        assert ids(checks.signaling_url()) == expected


class TurnDiscoveryTests:
    @pytest.mark.parametrize(
        ("discovery", "urls", "expected"),
        [
            ("ec2", (), ["gruveo.W004"]),
            ("ec2", ("redis://127.0.0.1",), []),
            ("static", (), []),
        ],
    )
    def test_machines_that_are_found_and_reach_nobody_are_pointed_out(self, settings, discovery, urls, expected):
        settings.TURN_DISCOVERY, settings.REDIS_URLS = discovery, urls

        assert ids(checks.turn_discovery()) == expected


class WholeProcessTests:
    def test_production_does_not_serve_without_redis(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", "import gruveo.asgi"],
            cwd=BASE_DIR,
            env=child_env(tmp_path, **PRODUCTION),
            capture_output=True,
            text=True,
        )

        assert done.returncode != 0
        assert (
            done.stderr.strip()
            .splitlines()[-1]
            .startswith("django.core.exceptions.ImproperlyConfigured: REDIS_URL is not set")
        )

    def test_check_is_clean_in_development(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=BASE_DIR,
            env=child_env(tmp_path, DEBUG="1"),
            capture_output=True,
            text=True,
        )

        assert "no issues (0 silenced)" in done.stdout, done.stderr
