"""What stops the start, and says why."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gruveo.env import BadValue, Env, Mail, Origin
from tests.server import BASE_DIR, child_env

pytestmark = pytest.mark.server

SECRETS = {
    "SECRET_KEY": "a-django-secret-0123456789-abcdefghijk",
    "ROOM_KEY": "a-room-secret-0123456789-abcdefghijkl",
    "SIGNALING_KEYS": "a-signaling-secret-0123456789-abcdef,an-older-one-0123456789-abcdefghij",
}
PRODUCTION = {
    **SECRETS,
    "SITE_ORIGINS": "https://gruveo.example,https://www.gruveo.example",
    "DATABASE_URL": "postgres://gruveo:pa55-word@db.example/gruveo",
    "TRUSTED_PROXIES": "1",
}


def load(tmp_path, code: str = "", **env) -> subprocess.CompletedProcess:
    """Starts Django in a process with this environment only."""
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\nfrom django.conf import settings\n{code}"],
        cwd=BASE_DIR,
        env=child_env(tmp_path, DJANGO_SETTINGS_MODULE="gruveo.settings", **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


class ProductionTests:
    def test_it_starts_when_everything_is_set(self, tmp_path):
        done = load(
            tmp_path,
            "print(settings.DEBUG, settings.SECURE, settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS > 0,"
            " settings.SESSION_COOKIE_NAME, settings.ALLOWED_HOSTS)",
            **PRODUCTION,
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "False True True True __Host-session ['gruveo.example', 'www.gruveo.example']"

    @pytest.mark.parametrize("name", ["SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS", "SITE_ORIGINS", "DATABASE_URL"])
    def test_a_missing_value_is_named(self, tmp_path, name):
        done = load(tmp_path, **{**PRODUCTION, name: ""})

        assert done.returncode != 0
        assert done.stderr.strip().splitlines()[-1] == f"gruveo.env.BadValue: {name} is not set."

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DEBUG", "maybe"),
            ("SECRET_KEY", "s3cr3t-but-short"),
            ("ROOM_KEY", "s3cr3t" * 20),
            ("SIGNALING_KEYS", "s3cr3t-but-short"),
            ("TURN_SECRETS", "s3cr3t-but-short"),
            ("SITE_ORIGINS", "http://gruveo.example"),
            ("SITE_ORIGINS", "http://localhost:8000"),
            ("SITE_ORIGINS", "gruveo.example"),
            ("SITE_ORIGINS", "https://gruveo.example/path"),
            ("SITE_ORIGINS", "https://*"),
            ("SIGNALING_URL", "ws://gruveo.example/signaling"),
            ("SIGNALING_URL", "https://gruveo.example/signaling"),
            ("DATABASE_URL", "mysql://gruveo:s3cr3t@db.example/gruveo"),
            ("DATABASE_URL", "postgres://gruveo:s3cr3t/with-slash@db.example/gruveo"),
            ("DATABASE_URL", "s3cr3t"),
            ("REDIS_URL", "https://:s3cr3t@redis.example"),
            ("REDIS_URL", "redis://:s3cr3t@a.example,redis://:s3cr3t@a.example"),
            ("REDIS_URL", "redis://:s3cr3t@redis.example:port/0"),
            ("REDIS_URL", "redis://:s3cr3t@[::1/0"),
            ("REDIS_URL", "redis://redis.example/0?passwort=s3cr3t"),
            ("REDIS_URL", "rediss://:s3cr3t@redis.example/0?ssl_cert_reqs=perhaps"),
            ("REDIS_URL", "redis://:s3cr3t@redis.example/0?decode_responses=true"),
            ("REDIS_URL", "redis://:s3cr3t@redis.example/0?protocol=3"),
            ("REDIS_URL", "redis://:s3cr3t@redis.example/0?encoding=utf-16"),
            ("REDIS_URL", "redis://:s3cr3t@redis.example/0?socket_timeout=60"),
            ("REDIS_URL", "redis://redis.example/s3cr3t"),
            ("REDIS_URL", "redis://:s3cr3t@redis.example/1/2"),
            ("REDIS_URL", "redis://redis.example/0?db=s3cr3t"),
            ("REDIS_URL", "unix://?db=1"),
            ("LEASE_SECONDS", "0.1"),
            ("METRICS_TOKEN", "s3cr3t-but-short"),
            ("METRICS_NETWORKS", "10.0.0.1/8"),
            ("METRICS_NETWORKS", "near"),
            ("LOG_FORMAT", "xml"),
            ("SENTRY_DSN", "https://sentry.example/s3cr3t"),
            ("ROOM_CAPACITY", "7"),
            ("ROOM_CAPACITY", "many"),
            ("TRUSTED_PROXIES", "-1"),
            ("SILENCE_SECONDS", "inf"),
            ("SIGNALING_WEBSOCKET", "slow"),
            ("TURN_TTL", "0"),
            ("TURN_EC2_TAG", "turn"),
            ("TURN_DISCOVERY", "dns"),
            ("TURN_SERVERS", "2001:db8::1"),
            ("TURN_REGION_HEADER", "X_Region"),
            ("TURN_REQUESTS_PER_MINUTE", "0"),
            ("TURN_KEY_REQUESTS_PER_MINUTE", "many"),
            ("MIN_CLIENT_VERSIONS", "ios=new"),
            ("MIN_CLIENT_VERSIONS", "iso=1.4"),
            ("MIN_CLIENT_VERSIONS", "ios=1.4,ios=1.5"),
            ("APPLE_APP_IDS", "com.example.app"),
            ("APPLE_APP_IDS", "ABCDE12345.com.example.app;FGHIJ67890.com.example.app"),
            ("ANDROID_APPS", "com.example.app"),
            ("AWS_STORAGE_BUCKET_NAME", "media.gruveo.example"),
            ("MEDIA_ORIGIN", "https://media.gruveo.example"),
            ("ANDROID_APPS", "com.example.app=SHA256:14:6D"),
        ],
    )
    def test_a_bad_value_is_named_and_no_secret_is_told(self, tmp_path, name, value):
        done = load(tmp_path, **{**PRODUCTION, name: value})

        assert done.returncode != 0
        assert f"BadValue: {name} " in done.stderr.strip().splitlines()[-1]
        assert "s3cr3t" not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        "url",
        [
            "redis://redis.example",
            "redis://user:s3cr3t@[::1]:6380/",
            "rediss://:s3cr3t@redis.example/3?ssl_ca_certs=/etc/ca.pem&ssl_check_hostname=false&client_name=gruveo",
            "unix:///run/redis.sock?db=2&password=s3cr3t",
        ],
    )
    def test_an_address_of_redis_may_say_how_the_host_is_reached(self, tmp_path, url):
        done = load(tmp_path, "print(*settings.REDIS_URLS)", **{**PRODUCTION, "REDIS_URL": url})

        assert done.stdout.split() == [url], done.stderr

    def test_browsers_may_open_sockets_where_signaling_url_says_and_nowhere_else(self, tmp_path):
        show = "print(*settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['connect-src'])"

        default = load(tmp_path, show, **PRODUCTION)
        elsewhere = load(tmp_path, show, **{**PRODUCTION, "SIGNALING_URL": "wss://signal.gruveo.example/signaling"})

        assert default.stdout.split()[0] == elsewhere.stdout.split()[0] == "'self'"
        assert [address.partition(":")[0] for address in default.stdout.split()[1:]] == ["wss"] * (
            len(default.stdout.split()) - 1
        )
        assert elsewhere.stdout.split()[1:] == ["wss://signal.gruveo.example/signaling"]

    def test_a_bucket_needs_its_region_and_its_pictures_come_over_https(self, tmp_path):
        bucket = {**PRODUCTION, "AWS_STORAGE_BUCKET_NAME": "gruveo-media"}
        show = "print(*settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src'][3:])"

        assert "BadValue: AWS_S3_REGION_NAME is not set." in load(tmp_path, **bucket).stderr
        bucket["AWS_S3_REGION_NAME"] = "eu-west-1"
        plain = load(tmp_path, **bucket, MEDIA_ORIGIN="http://media.gruveo.example")
        assert "BadValue: MEDIA_ORIGIN must begin with https:" in plain.stderr
        done = load(tmp_path, show, **bucket, MEDIA_ORIGIN="https://media.gruveo.example")
        assert done.stdout.split() == [
            "https://media.gruveo.example",
            "https://gruveo-media.s3.eu-west-1.amazonaws.com",
        ]

    def test_apps_and_least_versions_are_read(self, tmp_path):
        fingerprint = ":".join(["ab"] * 32)
        show = "print(settings.MIN_CLIENT_VERSIONS, settings.APPLE_APP_IDS, settings.ANDROID_APPS)"

        default = load(tmp_path, show, **PRODUCTION)
        done = load(
            tmp_path,
            show,
            MIN_CLIENT_VERSIONS="ios=1.4, android=2.0",
            APPLE_APP_IDS="ABCDE12345.com.example.app",
            ANDROID_APPS=f"com.example.app=SHA256:{fingerprint}",
            **PRODUCTION,
        )

        assert default.stdout.strip() == "{} () {}", default.stderr
        assert done.stdout.strip() == (
            "{'ios': '1.4', 'android': '2.0'} ('ABCDE12345.com.example.app',) "
            f"{{'com.example.app': ('{fingerprint.upper()}',)}}"
        ), done.stderr

    def test_a_database_that_is_gone_without_a_word_is_given_up_after_20_seconds_or_as_its_address_says(self, tmp_path):
        show = """
from psycopg.conninfo import make_conninfo
options = settings.DATABASES["default"]["OPTIONS"]
print(make_conninfo(**{name: value for name, value in options.items() if name != "pool"}))
"""
        address = PRODUCTION["DATABASE_URL"] + "?tcp_user_timeout=5000"

        default = load(tmp_path, show, **PRODUCTION)
        other = load(tmp_path, show, **{**PRODUCTION, "DATABASE_URL": address})

        listening = "keepalives_idle=10 keepalives_interval=5 keepalives_count=2"
        assert default.stdout.strip() == f"{listening} tcp_user_timeout=20000", default.stderr
        assert other.stdout.strip() == f"{listening} tcp_user_timeout=5000", other.stderr

    def test_keys_must_differ(self, tmp_path):
        done = load(tmp_path, **{**PRODUCTION, "ROOM_KEY": PRODUCTION["SECRET_KEY"]})

        assert done.returncode != 0
        assert "must all differ" in done.stderr
        assert PRODUCTION["SECRET_KEY"] not in done.stderr


class LocalTests:
    def test_debug_is_off_unless_asked_for(self, tmp_path):
        done = load(tmp_path, "print(settings.DEBUG, settings.LOCAL)", LOCAL="1", **SECRETS)

        assert done.stdout.strip() == "False True", done.stderr

    def test_local_has_no_default_keys(self, tmp_path):
        done = load(tmp_path, LOCAL="1")

        assert done.stderr.strip().endswith("SECRET_KEY is not set.")

    def test_plain_http_is_for_this_machine_only(self, tmp_path):
        done = load(tmp_path, LOCAL="1", SITE_ORIGINS="http://192.0.2.1:8000", **SECRETS)

        assert "BadValue: SITE_ORIGINS" in done.stderr

    def test_plain_http_means_plain_cookies_and_no_redirect(self, tmp_path):
        done = load(
            tmp_path,
            "s = settings; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)",
            LOCAL="1",
            **SECRETS,
        )

        assert done.stdout.strip() == "False False False 0", done.stderr

    def test_debug_starts_with_nothing_set(self, tmp_path):
        done = load(tmp_path, "print(settings.DEBUG, settings.LOCAL)", DEBUG="1")

        assert done.stdout.strip() == "True False", done.stderr


class EnvTests:
    @pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
    def test_flag_is_true(self, text):
        assert Env({"X": text}).flag("X") is True

    @pytest.mark.parametrize("text", ["", "0", "False", "no", "off", "  "])
    def test_flag_is_false(self, text):
        assert Env({"X": text}).flag("X") is False

    @given(st.text())
    def test_flag_takes_or_refuses_any_text(self, text):
        try:
            assert Env({"X": text}).flag("X") in {True, False}
        except BadValue as error:
            assert error.name == "X"

    @given(st.text() | st.floats().map(str) | st.integers().map(str))
    def test_number_is_finite_and_within_its_bounds(self, text):
        for default in (5, 5.0):
            try:
                number = Env({"X": text}).number("X", default, least=1, most=10)
            except BadValue:
                continue
            assert 1 <= number <= 10
            assert type(number) is type(default)

    @pytest.mark.parametrize("text", ["inf", "nan", "-inf", "1e999"])
    def test_number_without_bounds_is_finite_all_the_same(self, text):
        with pytest.raises(BadValue):
            Env({"X": text}).number("X", 1.0)

    @pytest.mark.parametrize(("text", "choice"), [("", "a"), ("b", "b"), (" a ", "a")])
    def test_a_choice_is_the_first_unless_another_is_named(self, text, choice):
        assert Env({"X": text}).choice("X", ("a", "b")) == choice

    def test_no_other_choice_is_taken(self):
        with pytest.raises(BadValue, match=r"^X must be a or b, not 'A'\.$"):
            Env({"X": "A"}).choice("X", ("a", "b"))

    def test_names_drop_blanks(self):
        assert Env({"X": " a, ,b,"}).names("X") == ("a", "b")

    @given(st.lists(st.text(), max_size=3).map(",".join))
    def test_keys_are_long_or_refused(self, text):
        try:
            keys = Env({"X": text}).keys("X")
        except BadValue as error:
            assert str(error) in {"X is not set.", "X must be a random secret of 32 characters or more."}
        else:
            assert all(len(key) >= 32 for key in keys)

    @given(st.text() | st.from_regex(r"https?://[a-z0-9.:\[\]-]{1,12}/?", fullmatch=True))
    def test_an_origin_reads_the_same_once_written(self, text):
        try:
            origins = Env({"X": text}).origins("X")
        except BadValue:
            return
        written = ",".join(map(str, origins))
        assert Env({"X": written}).origins("X") == origins

    @pytest.mark.parametrize(
        ("text", "origin"),
        [
            ("https://Gruveo.Example/", Origin("https", "gruveo.example", None)),
            ("https://gruveo.example:443", Origin("https", "gruveo.example", None)),
            ("http://localhost:8000", Origin("http", "localhost", 8000)),
            ("http://[::1]:8000", Origin("http", "[::1]", 8000)),
        ],
    )
    def test_origin_is_normal(self, text, origin):
        assert Env({"X": text}).origins("X") == (origin,)

    @pytest.mark.parametrize(
        "text",
        ["ftp://a", "https://a b", "https://a?b", "https://u:p@a", "https://a:x", "https://a:99999", "//a", "null"],
    )
    def test_what_is_no_origin_is_refused(self, text):
        with pytest.raises(BadValue):
            Env({"X": text}).origins("X")

    @pytest.mark.parametrize(
        ("origin", "host", "expected"),
        [
            (Origin("https", "gruveo.example", None), "gruveo.example", True),
            (Origin("https", "gruveo.example", None), "GRUVEO.example:443", True),
            (Origin("https", "gruveo.example", None), "gruveo.example:80", False),
            (Origin("https", "gruveo.example", 8443), "gruveo.example:8443", True),
            (Origin("https", "gruveo.example", 8443), "gruveo.example", False),
            (Origin("http", "[::1]", 8000), "[::1]:8000", True),
            (Origin("https", "gruveo.example", None), "www.gruveo.example", False),
        ],
    )
    def test_an_origin_knows_its_host_header(self, origin, host, expected):
        assert origin.is_at(host) is expected

    def test_socket_of_an_origin(self):
        assert Origin("https", "gruveo.example", 8443).socket == "wss://gruveo.example:8443"
        assert Origin("http", "localhost", None).socket == "ws://localhost"


class MailTests:
    def test_without_one_it_is_printed(self):
        assert Env({}).mail("EMAIL_URL") == Mail("console")

    def test_smtp_uses_starttls_and_knows_its_port(self):
        mail = Env({"EMAIL_URL": "smtp://us%40er:p%2Fw@mail.example.org?from=desk@gruveo.example"}).mail("EMAIL_URL")

        assert mail == Mail("smtp", "mail.example.org", 587, "us@er", "p/w", False, True, "desk@gruveo.example")

    def test_smtps_uses_tls_from_the_first_byte(self):
        mail = Env({"EMAIL_URL": "smtps://mail.example.org"}).mail("EMAIL_URL")

        assert (mail.port, mail.tls, mail.starttls) == (465, True, False)

    def test_on_this_machine_it_goes_as_it_is(self):
        assert Env({"EMAIL_URL": "smtp://localhost:2525"}).mail("EMAIL_URL")[1:] == (
            "localhost",
            2525,
            "",
            "",
            False,
            False,
            "",
        )

    @pytest.mark.parametrize(
        "value", ["mail.example.org", "http://secret@x", "smtp://", "smtp://secret@x:99999", "smtp://secret@x/path"]
    )
    def test_a_wrong_one_is_refused_without_showing_it(self, value):
        with pytest.raises(BadValue, match=r"EMAIL_URL must be like smtp://user") as refused:
            Env({"EMAIL_URL": value}).mail("EMAIL_URL")

        assert "secret" not in str(refused.value)


def test_every_variable_is_documented():
    settings = (BASE_DIR / "gruveo" / "settings.py").read_text()
    documented = (BASE_DIR / "docs" / "settings.md").read_text()
    used = {part.split('"')[1] for part in settings.split("env.")[1:] if '("' in part.partition('"')[0] + '"'}

    assert len(used) > 15
    assert not [name for name in used if f"`{name}`" not in documented]


def test_these_tests_do_not_touch_the_site_of_whoever_runs_them():
    assert os.environ["VAR_DIR"] != str(BASE_DIR / "var")
