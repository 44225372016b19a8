"""Staff come in with two factors, or not at all."""

import base64
import re

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import second_factor

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 77"


@pytest.fixture
def ed():
    return User.objects.create_user("ed", "ed@example.org", PASSWORD, is_staff=True, is_superuser=True)


def give_password(client, password=PASSWORD, **extra):
    return client.post("/admin/login/?next=/admin/blog/post/", {"username": "ed", "password": password}, **extra)


def token_of(device: TOTPDevice, steps: int = 0) -> str:
    return f"{totp(device.bin_key, drift=steps):06d}"


@pytest.fixture
def enrolled(ed):
    """A device of ed's, with its recovery codes."""
    device = second_factor.begin(ed)
    return device, second_factor.confirm(device, token_of(device, -1))


class EnrolmentTests:
    def test_who_has_no_second_factor_is_led_there_before_anything_else(self, client, ed):
        give_password(client)

        for path in ["/admin/", "/admin/blog/post/", "/admin/auth/user/"]:
            answer = client.get(path, follow=True)
            assert answer.redirect_chain[-1][0].startswith("/admin/second-factor/enrol/")

    def test_the_key_that_is_shown_is_the_one_that_counts(self, client, ed):
        give_password(client)
        shown = client.get("/admin/second-factor/enrol/")
        text = shown.context["key"].replace(" ", "")
        key = base64.b32decode(text + "=" * (-len(text) % 8))

        answer = client.post("/admin/second-factor/enrol/?next=/admin/blog/post/", {"token": f"{totp(key):06d}"})

        codes = answer.context["codes"]
        assert len(set(codes)) == 10
        assert all(code in answer.content.decode() for code in codes)
        assert client.get("/admin/blog/post/").status_code == 200

    def test_a_wrong_code_enrols_nobody(self, client, ed):
        give_password(client)

        answer = client.post("/admin/second-factor/enrol/", {"token": "000000"})

        assert "This is not the code" in answer.content.decode()
        assert not TOTPDevice.objects.filter(confirmed=True).exists()
        assert client.get("/admin/").status_code == 302

    def test_who_has_one_cannot_replace_it_without_it(self, client, ed, enrolled):
        give_password(client)

        answer = client.get("/admin/second-factor/enrol/")

        assert answer["Location"].startswith("/admin/second-factor/?")

    def test_the_picture_needs_no_style_of_its_own(self, ed):
        svg = second_factor.picture_of(second_factor.begin(ed))

        assert svg.startswith("<svg")
        assert "style" not in svg


class LoginTests:
    def test_the_code_of_the_app_opens_the_door_and_leads_on(self, client, ed, enrolled):
        device, _ = enrolled
        give_password(client)
        assert client.get("/admin/").status_code == 302

        answer = client.post("/admin/second-factor/?next=/admin/blog/post/", {"token": token_of(device)})

        assert answer["Location"] == "/admin/blog/post/"
        assert client.get("/admin/blog/post/").status_code == 200

    def test_a_code_serves_once(self, client, ed, enrolled):
        device, _ = enrolled
        token = token_of(device)
        give_password(client)
        client.post("/admin/second-factor/", {"token": token})
        client.post("/admin/logout/")
        give_password(client)

        answer = client.post("/admin/second-factor/", {"token": token})

        assert "wrong, or was used before" in answer.content.decode()
        assert client.get("/admin/").status_code == 302

    def test_a_recovery_code_serves_once_however_it_is_typed(self, client, ed, enrolled):
        _, codes = enrolled
        give_password(client)
        assert client.post("/admin/second-factor/", {"token": f" {codes[0].upper()} "}).status_code == 302
        assert client.get("/admin/").status_code == 200
        assert StaticToken.objects.count() == 9
        client.post("/admin/logout/")
        give_password(client)

        assert client.post("/admin/second-factor/", {"token": codes[0]}).status_code == 200
        assert client.get("/admin/").status_code == 302

    def test_after_a_wrong_one_the_next_has_to_wait(self, client, ed, enrolled):
        device, _ = enrolled
        give_password(client)
        for _ in range(3):
            client.post("/admin/second-factor/", {"token": "000000"})

        answer = client.post("/admin/second-factor/", {"token": token_of(device)})

        assert "is looked at in" in answer.content.decode()
        assert client.get("/admin/").status_code == 302

    def test_without_the_password_nobody_is_asked_for_a_code(self, client, ed, enrolled):
        device, _ = enrolled

        answer = client.post("/admin/second-factor/", {"token": token_of(device)})

        assert answer["Location"].startswith("/admin/login/")

    @pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}])
    def test_who_is_no_staff_or_has_left_stays_out(self, client, ed, enrolled, change):
        User.objects.update(**change)
        give_password(client)

        assert client.get("/admin/").status_code == 302
        assert client.post("/admin/second-factor/", {"token": token_of(enrolled[0])})["Location"].startswith(
            "/admin/login/"
        )

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_nobody_is_led_away_from_the_site(self, client, ed, enrolled, target):
        give_password(client)

        answer = client.post("/admin/second-factor/", {"token": token_of(enrolled[0]), "next": target})

        assert answer["Location"] == "/admin/"

    def test_new_recovery_codes_replace_the_old_ones(self, sign_in, ed):
        client = sign_in(ed)
        old = second_factor.new_recovery_codes(ed)

        answer = client.post("/admin/recovery-codes/")

        assert len(answer.context["codes"]) == 10
        assert second_factor.check(ed, answer.context["codes"][0])
        assert second_factor.check(ed, old[0]) is None


class LockoutTests:
    def test_ten_wrong_passwords_from_an_address_lock_it_out_and_no_other(self, client, ed):
        for _ in range(10):
            give_password(client, "wrong", REMOTE_ADDR="192.0.2.7")

        assert "Too many attempts" in give_password(client, REMOTE_ADDR="192.0.2.7").content.decode()
        assert give_password(client, REMOTE_ADDR="192.0.2.8").status_code == 302

    def test_a_forged_header_helps_nobody(self, client, ed):
        for number in range(10):
            give_password(client, "wrong", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")

        answer = give_password(client, REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="198.51.100.99")

        assert answer.status_code == 429

    def test_the_addresses_of_one_network_of_ipv6_are_one(self, client, ed):
        for number in range(10):
            give_password(client, "wrong", REMOTE_ADDR=f"2001:db8::{number}")

        assert give_password(client, REMOTE_ADDR="2001:db8::ffff").status_code == 429
        assert give_password(client, REMOTE_ADDR="2001:db8:0:1::1").status_code == 302

    def test_a_right_one_in_time_forgets_the_wrong_ones(self, client, ed):
        for _ in range(2):
            for _ in range(9):
                give_password(client, "wrong", REMOTE_ADDR="192.0.2.7")
            assert give_password(client, REMOTE_ADDR="192.0.2.7").status_code == 302


class ForgottenPasswordTests:
    def ask(self, client, mailoutbox) -> str:
        client.post("/admin/password_reset/", {"email": "ed@example.org"})
        return re.search(r"/admin/reset/\S+", mailoutbox[0].body)[0]

    def test_a_link_by_mail_sets_a_new_one_and_serves_once(self, client, ed, enrolled, mailoutbox):
        link = self.ask(client, mailoutbox)
        form = client.get(link, follow=True).redirect_chain[-1][0]
        new = {"new_password1": "another horse 88", "new_password2": "another horse 88"}

        assert client.post(form, new)["Location"] == "/admin/reset/done/"

        assert give_password(client).status_code == 200
        assert give_password(client, "another horse 88").status_code == 302
        assert client.get("/admin/").status_code == 302  # the second factor is asked for all the same
        assert "invalid" in client.get(link, follow=True).content.decode()

    def test_an_hour_later_it_serves_no_more(self, client, ed, mailoutbox, settings):
        link = self.ask(client, mailoutbox)
        settings.PASSWORD_RESET_TIMEOUT = -1

        assert "invalid" in client.get(link, follow=True).content.decode()

    def test_nobody_learns_whether_an_address_is_known(self, client, ed, mailoutbox):
        answers = [
            client.post("/admin/password_reset/", {"email": address})
            for address in ("ed@example.org", "no@example.org")
        ]

        assert answers[0]["Location"] == answers[1]["Location"]
        assert len(mailoutbox) == 1


class ResetTests:
    def test_the_next_login_leads_to_enrolment(self, client, ed, enrolled, capsys):
        call_command("reset_second_factor", "ed")

        assert "ed sets up a new second factor" in capsys.readouterr().out
        give_password(client)
        assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/admin/second-factor/enrol/")

    def test_nobody_of_that_name_is_an_error(self):
        with pytest.raises(CommandError, match="There is no user 'who'"):
            call_command("reset_second_factor", "who")


class EditorTests:
    @pytest.fixture
    def editor(self, sign_in):
        user = User.objects.create_user("eve", password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name="Editors"))
        return sign_in(user)

    @pytest.mark.parametrize(
        "path", ["blog/post/", "blog/author/add/", "blog/tag/", "library/picture/", "library/redirect/", "pages/page/"]
    )
    def test_they_may_write(self, editor, path):
        assert editor.get(f"/admin/{path}").status_code == 200

    @pytest.mark.parametrize("path", ["auth/user/", "auth/group/", "signaling/call/", "turnauth/apikey/"])
    def test_and_touch_nothing_else(self, editor, path):
        assert editor.get(f"/admin/{path}").status_code == 403
        assert path not in editor.get("/admin/").content.decode()

    def test_their_front_page_holds_their_work(self, editor):
        html = editor.get("/admin/").content.decode()

        for title in ["Drafts", "Scheduled", "Published last"]:
            assert title in html


class HeaderTests:
    def test_the_admin_has_a_nonce_and_is_not_stored(self, client):
        one, other = (client.get("/admin/login/") for _ in range(2))

        assert "no-store" in one["Cache-Control"]
        assert (
            one["Content-Security-Policy"] != other["Content-Security-Policy"]
            or "nonce" not in one["Content-Security-Policy"]
        )
        assert "unsafe" not in one["Content-Security-Policy"]

    def test_the_editor_comes_with_a_fresh_one(self, admin_client):
        policies = [admin_client.get("/admin/blog/post/add/")["Content-Security-Policy"] for _ in range(2)]

        assert "'nonce-" in policies[0]
        assert policies[0] != policies[1]

    def test_public_pages_have_none(self, client):
        policy = client.get("/blog/")["Content-Security-Policy"]

        assert {"script-src 'self'", "style-src 'self'"} <= {part.strip() for part in policy.split(";")}
