"""What clients outside the browser fetch: where the signaling is, and which links are an app's."""

import json
import re
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from websockets.asyncio.client import connect

from gruveo.env import Origin
from signaling import codes, protocol
from tests.server import BASE_DIR, Server

CONFIG = "/api/config"
APPLE = "/.well-known/apple-app-site-association"
ANDROID = "/.well-known/assetlinks.json"
FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
OTHER = ":".join(["FE"] * 32)
CASES = json.loads((BASE_DIR / "tests" / "codes.json").read_text())["cases"]
PAPER = (BASE_DIR / "docs" / "native.md").read_text()


@pytest.fixture(autouse=True)
def site(settings):
    """A site with two addresses, and one of this machine."""
    settings.SIGNALING_URL = ""
    settings.SITE_ORIGINS = (
        Origin("https", "gruveo.example", None),
        Origin("https", "www.gruveo.example", 8443),
        Origin("http", "localhost", 8000),
    )
    settings.ALLOWED_HOSTS = ["gruveo.example", "www.gruveo.example", "localhost"]
    settings.APPLE_APP_IDS = ("ABCDE12345.com.example.app",)
    settings.ANDROID_APPS = {"com.example.app": (FINGERPRINT, OTHER)}


def get(path: str, *, host: str = "gruveo.example", **headers):
    return Client().get(path, headers={"host": host, **headers})


class ConfigTests:
    def test_says_how_to_reach_the_signaling(self):
        response = get(CONFIG)

        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert response.json() == {
            "version": 1,
            "signaling": {"url": "wss://gruveo.example/signaling", "subprotocols": ["gruveo.v1"]},
            "limits": {
                "capacity": 6,
                "message_bytes": 65536,
                "messages_per_second": 50,
                "messages_at_once": 200,
                "repeats_per_second": 200,
                "repeats_at_once": 1000,
                "bytes_per_second": 512 * 1024,
                "bytes_at_once": 2 * 1024 * 1024,
                "hello": 5,
                "silence": 20,
                "place": 30,
                "token_lifetime": 43200,
            },
            "features": list(protocol.FEATURES),
            "turn": None,
            "min_client_versions": {},
        }

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("gruveo.example", "wss://gruveo.example/signaling"),
            ("Gruveo.Example:443", "wss://gruveo.example/signaling"),
            ("www.gruveo.example:8443", "wss://www.gruveo.example:8443/signaling"),
            ("localhost:8000", "ws://localhost:8000/signaling"),
        ],
    )
    def test_the_socket_is_at_the_host_that_was_asked(self, host, address):
        assert get(CONFIG, host=host).json()["signaling"]["url"] == address

    @pytest.mark.parametrize("host", ["gruveo.example", "localhost:8000"])
    def test_the_socket_is_where_signaling_url_says(self, settings, host):
        settings.SIGNALING_URL = "wss://signal.example.org/signaling"

        assert get(CONFIG, host=host).json()["signaling"]["url"] == "wss://signal.example.org/signaling"

    @pytest.mark.parametrize(
        "host", ["charlie.example", "gruveo.example:1", "www.gruveo.example", "localhost", "gruveo.example@charlie"]
    )
    def test_a_host_that_the_site_does_not_have_is_refused(self, host):
        response = get(CONFIG, host=host)

        assert response.status_code == 400
        assert "Cache-Control" not in response
        assert b"charlie" not in response.content

    def test_limits_are_those_of_the_settings(self, settings):
        settings.ROOM_CAPACITY, settings.MESSAGES_PER_SECOND, settings.TOKEN_SECONDS = 2, 7.5, 60
        settings.HELLO_SECONDS, settings.SILENCE_SECONDS, settings.PLACE_SECONDS = 2.5, 2.5, 2.5

        limits = get(CONFIG).json()["limits"]

        assert (limits["capacity"], limits["messages_per_second"], limits["token_lifetime"]) == (2, 7, 60)
        assert (limits["hello"], limits["silence"], limits["place"]) == (2, 3, 3)

    def test_names_the_oldest_clients_that_serve(self, settings):
        settings.MIN_CLIENT_VERSIONS = {"ios": "1.4", "android": "2.0"}

        assert get(CONFIG).json()["min_client_versions"] == {"ios": "1.4", "android": "2.0"}

    def test_names_the_address_of_turn_credentials_where_there_are_relays(self, settings):
        without = get(CONFIG)
        settings.TURN_SERVERS, settings.TURN_SECRETS = {"": ("turn.example",)}, ("t" * 32,)

        response = get(CONFIG)

        assert without.json()["turn"] is None
        assert response.json()["turn"] == "/turn/"
        assert "turn.example" not in response.content.decode()

    def test_tells_no_secret_of_the_settings(self, settings):
        text = get(CONFIG).content.decode()

        for secret in [settings.SECRET_KEY, settings.ROOM_KEY, *settings.SIGNALING_KEYS]:
            assert secret not in text

    def test_any_page_may_read_it_and_none_with_cookies(self):
        response = get(CONFIG, origin="https://charlie.example")

        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response
        assert not response.cookies
        assert "Vary" not in response


class CachingTests:
    @pytest.mark.parametrize(("path", "seconds"), [(CONFIG, 300), (APPLE, 3600), (ANDROID, 3600)])
    def test_may_be_kept_for_a_while(self, path, seconds):
        assert set(get(path)["Cache-Control"].split(", ")) == {"public", f"max-age={seconds}"}

    @pytest.mark.parametrize("path", [CONFIG, APPLE, ANDROID])
    def test_who_has_it_already_is_told_so(self, path):
        first = get(path)
        again = get(path, if_none_match=first["ETag"])

        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])

    def test_a_page_may_read_what_it_has_kept(self):
        again = get(CONFIG, if_none_match=get(CONFIG)["ETag"], origin="https://charlie.example")

        assert (again.status_code, again["Access-Control-Allow-Origin"]) == (304, "*")

    def test_who_has_an_older_one_gets_the_new_one(self, settings):
        older = get(CONFIG)["ETag"]
        settings.MIN_CLIENT_VERSIONS = {"ios": "1.4"}

        response = get(CONFIG, if_none_match=older)

        assert (response.status_code, response.json()["min_client_versions"]) == (200, {"ios": "1.4"})

    def test_each_host_has_its_own(self):
        assert get(CONFIG)["ETag"] != get(CONFIG, host="localhost:8000")["ETag"]

    @pytest.mark.parametrize("path", [CONFIG, APPLE, ANDROID])
    def test_head_says_the_same_without_the_body(self, path):
        whole = get(path)
        head = Client().head(path, headers={"host": "gruveo.example"})

        assert (head.status_code, head.content) == (200, b"")
        for name in ("ETag", "Cache-Control", "Content-Type", "Content-Length"):
            assert head[name] == whole[name]

    @pytest.mark.parametrize("path", [CONFIG, APPLE, ANDROID])
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_nothing_else_can_be_done_to_it(self, path, method):
        client = Client(enforce_csrf_checks=True)  # as in production, where a form's token must not be what is missed

        response = client.generic(method, path, headers={"host": "gruveo.example"})

        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


def opens_the_app(path: str) -> bool:
    """As Apple's system decides: the first pattern that matches; `*` is any text and `?` one character, whatever its case."""
    (details,) = get(APPLE).json()["applinks"]["details"]
    for component in details["components"]:
        pattern = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in component["/"])
        if re.fullmatch(pattern, path, re.DOTALL | re.IGNORECASE):
            return not component.get("exclude", False)
    return False


def fixed_paths(patterns=None, prefix: str = "/") -> list[str]:
    """Every address in the code but that of the call page, with its parameters as they are written."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found += [] if pattern.name == "call" else [here]
        else:
            found += fixed_paths(pattern.url_patterns, here)
    return found


class AppleTests:
    def test_names_the_apps_in_apples_form(self, settings):
        settings.APPLE_APP_IDS = ("ABCDE12345.com.example.app", "ABCDE12345.com.example.beta")

        response = get(APPLE)
        document = response.json()

        assert response["Content-Type"] == "application/json"
        assert list(document) == ["applinks"]
        assert document["applinks"]["defaults"] == {"caseSensitive": False}
        assert document["applinks"]["details"][0]["appIDs"] == list(settings.APPLE_APP_IDS)
        assert len(response.content) < 128 * 1024

    def test_exclusions_come_first(self):
        components = get(APPLE).json()["applinks"]["details"][0]["components"]

        assert all(component["exclude"] is True for component in components[:-1])
        assert components[-1] == {"/": "/?*"}

    @pytest.mark.parametrize(
        "case", [case for case in CASES if case["hint"] is None], ids=lambda case: ascii(case["code"])[:40]
    )
    def test_the_link_of_a_call_opens_the_app(self, case):
        assert opens_the_app(codes.path(case["code"]))
        assert opens_the_app(codes.path(case["code"]) + "/")

    @pytest.mark.parametrize(
        "case",
        [case for case in CASES if case["hint"] in {"taken", "dots", "file", "empty"}],
        ids=lambda case: ascii(case["code"])[:40],
    )
    def test_the_link_of_no_call_stays_in_the_browser(self, case):
        path = codes.path(case["code"])

        assert not opens_the_app(path)
        assert not opens_the_app(path.upper())

    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/blog/a-code-is-enough/",
            "/static/js/room.js",
            "/media/photo.jpg",
            "/p/team/",
            "/blue/heron",
            APPLE,
        ],
    )
    def test_the_rest_of_the_site_stays_in_the_browser(self, path):
        assert not opens_the_app(path)

    @pytest.mark.parametrize("word", codes.RULES["reserved"])
    def test_a_taken_address_stays_there_with_all_below_it(self, word):
        assert not any(map(opens_the_app, [f"/{word}", f"/{word}/", f"/{word}/x", f"/{word.title()}/x/y"]))

    def test_so_does_every_fixed_address_of_the_code(self):
        paths = fixed_paths()

        assert {"/", "/faq/", "/healthz", "/robots.txt", CONFIG, APPLE, ANDROID, "/admin/login/"} <= set(paths)
        assert [path for path in paths if opens_the_app(path)] == []

    @pytest.mark.django_db  # in which it is looked up whether the address has moved
    def test_without_an_app_there_is_none(self, settings):
        settings.APPLE_APP_IDS = ()

        response = get(APPLE)

        assert response.status_code == 404
        assert "Cache-Control" not in response


class AndroidTests:
    def test_names_the_apps_in_googles_form(self):
        response = get(ANDROID)

        assert response["Content-Type"] == "application/json"
        assert response.json() == [
            {
                "relation": ["delegate_permission/common.handle_all_urls"],
                "target": {
                    "namespace": "android_app",
                    "package_name": "com.example.app",
                    "sha256_cert_fingerprints": [FINGERPRINT, OTHER],
                },
            }
        ]

    @pytest.mark.django_db  # in which it is looked up whether the address has moved
    def test_without_an_app_there_is_none(self, settings):
        settings.ANDROID_APPS = {}

        assert get(ANDROID).status_code == 404


class AddressTests:
    def test_they_are_where_apple_google_and_the_paper_say(self):
        names = ["config", "apple-app-site-association", "asset-links"]

        assert [reverse(f"signaling:{name}") for name in names] == [CONFIG, APPLE, ANDROID]

    @pytest.mark.parametrize("path", ["/api", "/api/", "/.well-known", "/.well-known/", "/API/config"])
    @pytest.mark.django_db
    def test_nothing_else_is_there_and_no_call_either(self, path):
        response = get(path)

        assert response.status_code == 404
        assert response.templates[0].name == "pages/not_found.html"


class PaperTests:
    """What docs/native.md says is what the server does."""

    def test_the_config_that_it_shows_is_the_one_of_a_site_with_nothing_set(self):
        (example,) = re.findall(r"```json\n(.*?)```", PAPER, re.DOTALL)

        assert json.loads(example) == get(CONFIG).json()

    def test_it_lists_every_member_and_every_limit(self):
        config = get(CONFIG).json()
        listed = {
            name
            for row in re.findall(r"^\| (`.*?) \|", PAPER, re.MULTILINE)
            for name in re.findall(r"`([a-z_.]+)`", row)
        }

        assert {name.partition(".")[0] for name in listed} >= config.keys()
        assert listed >= config["limits"].keys() | {"signaling.url", "signaling.subprotocols"}

    @pytest.mark.server
    @pytest.mark.parametrize(("typed", "code"), [("öl", "%C3%B6l"), ("blue heron", "blue-heron")])
    def test_links_are_as_it_shows_them(self, server, typed, code):
        with server.get("/" + quote(typed)) as answer:
            assert answer.url == f"{server.url}/{code}"
        assert f"https://gruveo.example/{code}`" in PAPER

    @pytest.mark.server
    def test_its_program_gets_a_welcome(self, server):
        (program,) = re.findall(r"```python\n(.*?)```", PAPER, re.DOTALL)

        done = subprocess.run(
            [sys.executable, "-c", program, server.url, "the program of the paper"], capture_output=True, text=True
        )

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["type"] == "welcome"

    @pytest.mark.server
    async def test_the_limits_are_those_of_the_welcome(self, make_server):
        server = make_server(MESSAGES_PER_SECOND=7.5, SILENCE_SECONDS=9.5, ROOM_CAPACITY=3, TOKEN_SECONDS=120)

        with server.get(CONFIG) as answer:
            config = json.load(answer)
        async with connect(config["signaling"]["url"], subprotocols=config["signaling"]["subprotocols"]) as socket:
            await socket.send(json.dumps({"type": "hello", "code": "limits of both"}))
            welcome = json.loads(await socket.recv())

        assert config["limits"].items() >= welcome["limits"].items()
        assert config["limits"]["capacity"] == welcome["capacity"] == 3
        assert config["limits"]["token_lifetime"] == welcome["token_lifetime"] == 120
        assert config["features"] == welcome["features"]

    @pytest.mark.server
    async def test_over_https_the_socket_is_secure_and_nothing_is_redirected(self):
        apps = {
            "APPLE_APP_IDS": "ABCDE12345.com.example.app",
            "ANDROID_APPS": f"com.example.app=SHA256:{FINGERPRINT}",
        }
        with Server(https=True, **apps) as server:
            for path in (CONFIG, APPLE, ANDROID):
                with server.get(path) as answer:
                    assert (answer.url, answer.headers["Content-Type"]) == (server.url + path, "application/json")
                    assert answer.headers["ETag"]
            with server.get(CONFIG) as answer:
                address = json.load(answer)["signaling"]["url"]
            async with connect(address, subprotocols=["gruveo.v1"], ssl=server.ssl) as socket:
                assert socket.subprotocol == "gruveo.v1"

        assert address == server.ws_url
        assert address.startswith("wss:")
