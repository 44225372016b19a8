"""`make run HTTPS=1`: the machine's own certificate authority, on loopback here."""

import datetime
import json
import ssl
import subprocess
import urllib.error
from pathlib import Path

import pytest
from cryptography import x509
from websockets.sync.client import connect

from gruveo import local, local_ca
from tests.server import Server

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
NAMES = ["localhost", "127.0.0.1", "::1", "desk.local", "192.0.2.5"]


def serial(file: Path) -> int:
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


@pytest.fixture(scope="module")
def https():
    with Server(https=True) as running:
        yield running


class CertificateTests:
    def test_it_names_all_addresses_and_serves_for_a_year(self, tmp_path):
        file = local_ca.certificate(tmp_path / "ca", NAMES, now=NOW)

        cert = x509.load_pem_x509_certificate(file.read_bytes())
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "desk.local"}
        assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "192.0.2.5"}
        assert cert.not_valid_before_utc < NOW < cert.not_valid_after_utc
        assert cert.not_valid_after_utc - cert.not_valid_before_utc <= datetime.timedelta(days=397)

    def test_openssl_agrees(self, tmp_path):
        file = local_ca.certificate(tmp_path / "ca", NAMES, now=datetime.datetime.now(datetime.UTC))

        done = subprocess.run(
            [
                "openssl",
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-verify_ip",
                "192.0.2.5",
                "-CAfile",
                tmp_path / "ca" / "ca.crt",
                file,
            ],
            capture_output=True,
            text=True,
        )

        assert done.returncode == 0, done.stdout + done.stderr

    def test_authority_is_named_after_this_machine(self, tmp_path):
        local_ca.certificate(tmp_path, NAMES, now=NOW)

        subject = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes()).subject.rfc4514_string()
        assert f"Gruveo local authority on {local_ca.host_name()}" in subject

    def test_keys_are_for_their_owner_only(self, tmp_path):
        local_ca.certificate(tmp_path / "ca", NAMES, now=NOW)

        assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700
        for name in ("ca.key", "server.pem"):
            assert (tmp_path / "ca" / name).stat().st_mode & 0o777 == 0o600
        assert b"PRIVATE" not in (tmp_path / "ca" / "ca.crt").read_bytes()

    def test_it_is_kept_while_it_fits(self, tmp_path):
        before = serial(local_ca.certificate(tmp_path, NAMES, now=NOW))

        assert serial(local_ca.certificate(tmp_path, NAMES, now=NOW + datetime.timedelta(days=300))) == before

    @pytest.mark.parametrize(
        ("names", "days"),
        [([*NAMES, "192.0.2.6"], 0), (NAMES[:-1], 0), (NAMES, 370)],
        ids=["new address", "address gone", "ends soon"],
    )
    def test_it_is_issued_anew_by_the_same_authority(self, tmp_path, names, days):
        before = serial(local_ca.certificate(tmp_path, NAMES, now=NOW))
        authority = (tmp_path / "ca.crt").read_bytes()

        after = serial(local_ca.certificate(tmp_path, names, now=NOW + datetime.timedelta(days=days)))

        assert after != before
        assert (tmp_path / "ca.crt").read_bytes() == authority

    def test_half_an_authority_is_made_anew_and_with_it_the_certificate(self, tmp_path):
        before = serial(local_ca.certificate(tmp_path, NAMES, now=NOW))
        (tmp_path / "ca.crt").unlink()

        assert serial(local_ca.certificate(tmp_path, NAMES, now=NOW)) != before
        assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600

    def test_addresses_of_this_machine_are_no_loopback(self):
        assert not [address for address in local_ca.lan_addresses() if address.startswith(("127.", "169.254."))]

    @pytest.mark.parametrize(
        ("host", "name"),
        [("Desk.example.org", "desk"), ("my_pc", "my-pc"), ("localhost", "gruveo"), ("", "gruveo"), ("Büro", "b-ro")],
    )
    def test_host_name_can_stand_in_an_address(self, monkeypatch, host, name):
        monkeypatch.setattr("socket.gethostname", lambda: host)

        assert local_ca.host_name() == name


class AnnouncementTests:
    ORIGINS = ["https://localhost:8000", "https://127.0.0.1:8000", "https://desk.local:8000", "https://192.0.2.5:8000"]

    def test_network_is_warned_of_and_phones_get_a_picture(self):
        text = "\n".join(local._announcement(self.ORIGINS, is_public=True, has_administrator=True))

        assert all(origin in text for origin in self.ORIGINS)
        assert "▄" in text
        assert "Everyone in the same network can open these addresses." in text
        assert "https://192.0.2.5:8000/local-ca/" in text
        assert "make admin" not in text

    def test_machine_without_a_network_says_so(self):
        assert "no phone can reach it" in "\n".join(
            local._announcement(self.ORIGINS[:3], is_public=True, has_administrator=False)
        )


@pytest.mark.server
class ServerTests:
    def test_page_is_trusted_through_the_authority_alone(self, https):
        answer = https.get("/")

        assert answer.status == 200
        assert "strict-transport-security" not in answer.headers
        assert f"wss://localhost:{https.port}" in answer.headers["content-security-policy"]
        answer.close()

    def test_without_the_authority_it_is_not_trusted(self, https):
        with pytest.raises(ssl.SSLCertVerificationError), connect(https.ws_url, ssl=ssl.create_default_context()):
            pass

    def test_websocket_is_trusted_too(self, https):
        with connect(https.ws_url, ssl=https.ssl, subprotocols=["gruveo.v1"], origin=https.url) as ws:
            ws.send(json.dumps({"type": "hello", "code": "operations"}))
            assert json.loads(ws.recv(10))["type"] == "welcome"

    def test_cookies_are_for_https_only(self, https):
        with https.get("/admin/login/") as answer:
            cookie = answer.headers["set-cookie"]

        assert cookie.startswith("__Host-csrf=")
        assert "Secure" in cookie

    def test_phones_get_the_authority(self, https):
        with https.get("/local-ca.crt") as answer:
            assert answer.headers["content-type"] == "application/x-x509-ca-cert"
            assert answer.read() == https.ca_file.read_bytes()

    def test_phones_get_the_steps(self, https):
        with https.get("/local-ca/") as answer:
            page = answer.read().decode()

        assert "Certificate Trust Settings" in page
        assert "Android" in page
        assert "Nobody has tried them on a phone yet" in page
        assert f"Gruveo local authority on {local_ca.host_name()}" in page

    def test_plain_site_has_no_authority_to_offer(self, server):
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            server.get("/local-ca.crt")
        caught.value.close()
