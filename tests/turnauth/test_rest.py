"""Credentials over REST: who gets them, and what the others are told. docs/turn-rest.md is the paper."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from gruveo.env import Origin
from tests.server import BASE_DIR
from turnauth import credentials, views
from turnauth.models import ApiKey

PAPER = (BASE_DIR / "docs" / "turn-rest.md").read_text()
OURS = {"Sec-Fetch-Site": "same-origin"}

pytestmark = pytest.mark.django_db


_numbers = count(1000)  # limits outlive a test: each has an address, and its key a number, of its own
_address = ""


@pytest.fixture(autouse=True)
def address():
    global _address
    number = next(_numbers)
    _address = f"192.0.{number // 256}.{number % 256}"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_ORIGINS = (Origin("https", "gruveo.example", None),)
    settings.ALLOWED_HOSTS = ["gruveo.example"]
    settings.TURN_SERVERS = {"eu": ("eu1.example", "eu2.example"), "us": ("us1.example",)}
    settings.TURN_DEFAULT_REGION = "eu"
    settings.TURN_SECRETS = ("s" * 32,)
    settings.TURN_TTL = 600


@pytest.fixture
def key() -> str:
    entry = ApiKey(pk=next(_numbers), name="The app")
    drawn = entry.draw()
    entry.save()
    return drawn


def ask(path: str = "/turn/?service=turn", *, method: str = "get", client: Client | None = None, data=None, **given):
    headers = {"host": "gruveo.example", **{name.replace("_", "-"): value for name, value in given.items()}}
    return getattr(client or Client(), method)(path, data, headers=headers, secure=True, REMOTE_ADDR=_address)


def with_key(key: str, path: str = "/turn/?service=turn", **given):
    return ask(path, Authorization=f"Bearer {key}", **given)


def refusal(response) -> tuple[int, str]:
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    return response.status_code, response.json()["error"]["code"]


def user_id(response) -> str:
    assert response.status_code == 200, response.content
    return response.json()["username"].partition(":")[2]


class AnswerTests:
    def test_it_is_the_drafts_with_ice_servers_ready_for_use(self, key):
        response = with_key(key)

        answer = response.json()
        assert response.status_code == 200
        assert answer.keys() == {"username", "password", "ttl", "uris", "iceServers"}
        assert answer["ttl"] == 600
        assert answer["password"] == _password(answer["username"])
        assert answer["iceServers"] == [
            {"urls": answer["uris"], "username": answer["username"], "credential": answer["password"]}
        ]
        assert len(answer["uris"]) == 4

    def test_no_cache_keeps_it(self, key):
        assert with_key(key)["Cache-Control"] == "no-store"

    def test_the_draft_posts_its_query_and_a_form_serves_too(self, key):
        assert user_id(with_key(key, "/turn/?service=turn&username=ada", method="post")) == user_id(
            with_key(key, "/turn/", method="post", data={"service": "turn", "username": "ada"})
        )

    def test_the_service_may_be_left_out(self, key):
        assert with_key(key, "/turn/").status_code == 200

    def test_the_paper_has_the_members_of_the_answer(self, key):
        written = json.loads(re.search(r"## 2. The answer\n\n```json\n(.*?)```", PAPER, re.DOTALL)[1])

        assert written.keys() == with_key(key).json().keys()
        assert written["iceServers"][0].keys() == with_key(key).json()["iceServers"][0].keys()


class RegionTests:
    def test_the_region_that_is_asked_for_comes_first(self, key, settings):
        settings.TURN_REGION_HEADER = "X-Region"

        answer = with_key(key, "/turn/?region=us", X_Region="eu").json()

        assert answer["uris"][0] == "turn:us1.example:3478?transport=udp"

    def test_else_it_is_the_one_in_the_header_of_the_edge(self, key, settings):
        settings.TURN_REGION_HEADER = "X-Region"

        assert "us1" in with_key(key, X_Region="us").json()["uris"][0]

    def test_without_the_setting_no_header_counts(self, key):
        assert "eu" in with_key(key, X_Region="us").json()["uris"][0]

    def test_an_unknown_one_is_the_default(self, key):
        assert "eu" in with_key(key, "/turn/?region=mars").json()["uris"][0]


class KeyTests:
    def test_a_bearer_is_let_in_and_the_scheme_has_no_case(self, key):
        assert ask(Authorization=f"bearer {key}").status_code == 200

    def test_a_key_in_the_query_is_let_in(self, key):
        assert ask(f"/turn/?service=turn&key={key}").status_code == 200

    @pytest.mark.parametrize("wrong", ["gruveo-turn-unknown", "x", "é", "x" * 5000])
    def test_an_unknown_key_is_refused_even_from_our_own_page(self, key, wrong):
        for response in (ask(data={"key": wrong}), ask(data={"key": wrong}, **OURS)):
            assert refusal(response) == (401, "bad-key")
            assert response["WWW-Authenticate"] == "Bearer"

    def test_a_revoked_key_is_refused(self, key):
        ApiKey.objects.revoke(now=datetime.now(UTC))

        assert refusal(with_key(key)) == (401, "bad-key")

    def test_only_a_hash_is_kept(self, key):
        assert key not in str(ApiKey.objects.values().get())

    def test_that_it_was_used_is_noted_to_the_hour(self, key):
        begin = datetime(2026, 7, 1, tzinfo=UTC)
        used = [begin, begin + timedelta(minutes=59), begin + timedelta(minutes=61)]

        noted = [ApiKey.objects.serving(key, now=now) and ApiKey.objects.get().last_used for now in used]

        assert noted == [used[0], used[0], used[2]]

    def test_people_of_one_key_are_told_apart_and_those_of_two_keys_too(self, key):
        other = ApiKey(name="Another")
        other_key = other.draw()
        other.save()

        ids = {
            user_id(with_key(which, f"/turn/?username={name}"))
            for which in (key, other_key)
            for name in ("ada", "bob", "", "a b'c")
        }

        assert len(ids) == 8
        assert user_id(with_key(key, "/turn/?username=ada")) in ids
        assert all(re.fullmatch(r"[0-9a-f]{24}", one) for one in ids)

    def test_a_name_that_is_too_long_is_refused(self, key):
        assert with_key(key, f"/turn/?username={'x' * 256}").status_code == 200
        assert refusal(with_key(key, f"/turn/?username={'x' * 257}")) == (400, "bad-username")

    def test_while_the_database_cannot_be_asked_it_says_so(self, key):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE turnauth_apikey RENAME TO gone")  # until the end of this test's transaction

        response = with_key(key)

        assert refusal(response) == (503, "unavailable")
        assert response["Retry-After"] == "5"


class OwnPageTests:
    @pytest.mark.parametrize(
        "given",
        [
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://gruveo.example"},
            {"Origin": "https://gruveo.example"},
        ],
    )
    def test_it_needs_no_key(self, given):
        assert ask(**given).status_code == 200

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://gruveo.example"},
            {"Origin": "https://charlie.example"},
            {"Origin": "null"},
            {"Origin": "http://gruveo.example"},
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://charlie.example"},
            {"Referer": "https://gruveo.example/"},
        ],
    )
    def test_nobody_else_does_without(self, given):
        assert refusal(ask(**given)) == (403, "forbidden")

    def test_no_foreign_page_may_read_the_answer(self, key):
        response = with_key(key, Origin="https://charlie.example")

        assert "Access-Control-Allow-Origin" not in response

    def test_relays_count_an_address_as_one_and_callers_get_no_cookie(self):
        response = ask("/turn/?username=ada", **OURS)

        assert user_id(response) == user_id(ask("/turn/?username=bob", **OURS))
        assert not response.cookies
        assert _address not in response.content.decode()

    def test_who_is_logged_in_is_counted_by_the_session_and_a_made_up_one_is_none(self):
        client, forger = Client(), Client()
        client.force_login(User.objects.create(username="editor"))
        for name in client.cookies:
            forger.cookies[name] = "a" * 32

        assert user_id(ask(client=client, **OURS)) != user_id(ask(**OURS))
        assert user_id(ask(client=forger, **OURS)) == user_id(ask(**OURS))


class RefusalTests:
    @pytest.mark.parametrize("service", ["stun", "", "TURN"])
    def test_another_service_is_not_here(self, key, service):
        assert refusal(with_key(key, f"/turn/?service={service}")) == (400, "bad-service")

    @pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
    def test_another_method_is_not_either(self, method):
        response = ask(method=method)

        assert refusal(response) == (405, "bad-method")
        assert response["Allow"] == "GET, POST"

    def test_a_site_without_relays_says_so(self, key, settings):
        settings.TURN_SERVERS = {}

        assert refusal(with_key(key)) == (404, "no-turn")

    def test_every_code_stands_in_the_paper_with_its_status(self):
        written = dict(re.findall(r"^\| `([a-z-]+)` \| ([0-9]{3}) \|", PAPER, re.MULTILINE))

        assert written == {code: str(status) for code, status in views.Refusal._STATUS.items()}


class LimitTests:
    def test_an_address_may_ask_so_often_and_is_told_when_it_may_again(self, settings):
        settings.TURN_REQUESTS_PER_MINUTE = 2
        for _ in range(2):
            assert ask(**OURS).status_code == 200

        response = ask(**OURS)

        assert refusal(response) == (429, "rate-limited")
        assert response.json()["error"]["retry_after"] == int(response["Retry-After"])
        assert 0 < int(response["Retry-After"]) <= 30

    def test_trying_keys_counts_and_holders_of_one_are_not_counted_by_address(self, key, settings):
        settings.TURN_REQUESTS_PER_MINUTE = 1
        assert refusal(with_key("wrong")) == (401, "bad-key")

        assert refusal(with_key("wrong")) == (429, "rate-limited")
        assert with_key(key).status_code == 200

    def test_a_key_may_be_used_so_often(self, key, settings):
        settings.TURN_KEY_REQUESTS_PER_MINUTE = 1
        assert with_key(key).status_code == 200

        assert refusal(with_key(key)) == (429, "rate-limited")


@pytest.mark.parametrize("code", ["turn", "TURN", "tu\u00adrn"])
def test_no_call_can_have_its_address(code):
    assert ask(f"/{code}").status_code == 404


def _password(username: str) -> str:
    expires, _, user = username.partition(":")
    return credentials.sign(user, secret="s" * 32, expires=int(expires)).password
