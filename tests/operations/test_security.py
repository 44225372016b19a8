"""What browsers are told, so that a page of ours can do no more than it must."""

import pytest

from tests.test_settings import PRODUCTION, load


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/faq/", "/blue-heron", "/blog/", "/nothing/at/all"])
def test_pages_allow_no_script_of_others(client, path):
    answer = client.get(path)

    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "camera=(self)" in answer["Permissions-Policy"]
    assert "geolocation=()" in answer["Permissions-Policy"]


def test_production_speaks_https_only(tmp_path):
    done = load(
        tmp_path,
        "from django.test import Client\n"
        "answer = Client().get('/healthz', headers={'Host': 'gruveo.example'})\n"
        "print(answer.status_code, answer['Location'])\n"
        "answer = Client().get('/healthz', headers={'Host': 'gruveo.example', 'X-Forwarded-Proto': 'https'})\n"
        "print(answer.status_code, answer['Strict-Transport-Security'])\n"
        "print(*settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['connect-src'])",
        **PRODUCTION,
        REDIS_URL="redis://127.0.0.1:1",
    )

    assert done.stdout.splitlines() == [
        "301 https://gruveo.example/healthz",
        "200 max-age=31536000; includeSubDomains; preload",
        "'self' wss://gruveo.example wss://www.gruveo.example",
    ], done.stderr
