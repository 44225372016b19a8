"""System checks, and what refuses to serve."""

import secrets
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from gruveo import checks
from gruveo.env import Env, Origin
from tests.redis_server import RedisServer
from tests.server import BASE_DIR, child_env
from tests.test_settings import PRODUCTION, SECRETS

pytestmark = pytest.mark.server


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


class RedisHostTests:
    @pytest.fixture
    def host(self, settings):
        """A Redis of its own: what it keeps is changed."""
        with RedisServer() as running:
            settings.REDIS_URLS = (running.url,)
            yield running

    def test_a_redis_that_keeps_nothing_is_pointed_out_and_one_that_does_is_not(self, host):
        assert ids(checks.redis_hosts()) == ["gruveo.W005"]

        host.command("CONFIG", "SET", "appendonly", "yes")

        assert checks.redis_hosts() == []

    def test_one_that_lets_nobody_ask_is_to_be_looked_at(self, host):
        host.command("ACL", "SETUSER", "default", "-config")

        assert ids(checks.redis_hosts()) == ["gruveo.I001"]

    @pytest.mark.parametrize("denied", ["-function", "-fcall", "-@scripting"])
    def test_one_without_functions_is_an_error(self, host, denied):
        host.command("CONFIG", "SET", "appendonly", "yes")
        host.command("ACL", "SETUSER", "default", denied)

        assert ids(checks.redis_hosts()) == ["gruveo.E002"]

    def test_one_that_is_away_is_pointed_out_without_its_address(self, settings):
        settings.REDIS_URLS = ("redis://:s3cr3t@127.0.0.1:1",)

        (message,) = checks.redis_hosts()

        assert message.id == "gruveo.W006"
        assert "s3cr3t" not in str(message)


class KeysTests:
    def test_keys_that_begin_alike_are_pointed_out_and_not_told(self, settings):
        settings.PRODUCTION = True
        settings.SECRET_KEY = "one-secret-for-all-0123456789-django"
        settings.ROOM_KEY = "one-secret-for-all-0123456789-rooms"

        (message,) = checks.keys()

        assert message.id == "gruveo.W007"
        assert "ROOM_KEY, SECRET_KEY" in message.msg
        assert "one-secret" not in str(message)

    def test_the_fixed_keys_of_development_are_let_alone(self):
        assert checks.keys() == []

    @pytest.mark.parametrize("name", ["ROOM_KEY", "SIGNALING_KEYS", "TURN_SECRETS", "METRICS_TOKEN"])
    def test_a_key_that_serves_twice_stops_the_start(self, tmp_path, name):
        env = {**PRODUCTION, "TURN_SERVERS": "turn.example", "TURN_SECRETS": "a-turn-secret-0123456789-abcdefghijkl"}

        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=BASE_DIR,
            env=child_env(tmp_path, **{**env, name: PRODUCTION["SECRET_KEY"]}),
            capture_output=True,
            text=True,
        )

        assert "must all differ" in done.stderr
        assert PRODUCTION["SECRET_KEY"] not in done.stderr


class MetricsTests:
    @pytest.mark.parametrize(
        ("networks", "expected"),
        [("0.0.0.0/0", ["gruveo.W008"]), ("::/0", ["gruveo.W008"]), ("10.0.0.0/8", []), ("", [])],
    )
    def test_numbers_for_the_whole_world_are_pointed_out(self, settings, networks, expected):
        settings.METRICS_NETWORKS = Env({"N": networks}).networks("N")

        assert ids(checks.metrics()) == expected


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

    @pytest.mark.parametrize("port", ["65536", "99999", "-1", "http"])
    def test_a_port_that_is_none_stops_the_start(self, tmp_path, port):
        """uvloop would take 65536 off and listen there."""
        done = subprocess.run(
            [sys.executable, "-m", "gruveo.serve"],
            cwd=BASE_DIR,
            env=child_env(tmp_path, LOCAL="1", PORT=port, **SECRETS),
            capture_output=True,
            text=True,
            timeout=60,
        )

        assert done.returncode == 2
        assert "PORT must be from 0 to 65535" in done.stderr

    def test_check_is_clean_in_development(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=BASE_DIR,
            env=child_env(tmp_path, DEBUG="1"),
            capture_output=True,
            text=True,
        )

        assert "no issues (0 silenced)" in done.stdout, done.stderr

    def test_a_production_site_that_is_set_up_well_has_nothing_to_be_told(self, tmp_path):
        drawn = {
            name: secrets.token_urlsafe(48)
            for name in ("SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS", "TURN_SECRETS", "METRICS_TOKEN")
        }
        with RedisServer() as store:
            store.command("CONFIG", "SET", "appendonly", "yes")
            done = subprocess.run(
                [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
                cwd=BASE_DIR,
                env=child_env(
                    tmp_path, **{**PRODUCTION, **drawn, "REDIS_URL": store.url, "TURN_SERVERS": "turn.example"}
                ),
                capture_output=True,
                text=True,
            )

        assert done.returncode == 0, done.stderr
        assert "no issues (0 silenced)" in done.stdout
