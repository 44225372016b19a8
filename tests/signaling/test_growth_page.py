"""The growth of the calls in the admin: who sees it, what it shows, and its files."""

import csv
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from signaling.models import Call
from signaling.rooms import EndedCall

PAGE = "/admin/signaling/call/growth/"
FILES = ["/admin/signaling/call/growth.csv", "/admin/signaling/call/growth.json"]
JULY = 1_783_000_000  # date -u -d @1783000000: 2 July 2026
DRAWING = 'class="chart-drawing"'
YEAR = 365 * 24 * 3600


@pytest.fixture
def calls(db) -> None:
    Call.objects.record(
        [
            EndedCall("a", "room", JULY, JULY + 1800, largest=2, connected=True, relayed=True, connect_seconds=1.25),
            EndedCall("b", "room", JULY, JULY + 2700, largest=2, connected=True),
            EndedCall("c", "room", JULY, JULY + 99, largest=2, connected=False),
            EndedCall("d", "room", JULY - YEAR, JULY - YEAR + 600, largest=2, connected=True),
        ]
    )


def staff(*permissions: str) -> User:
    user = User.objects.create_user("bob", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


class PermissionTests:
    @pytest.mark.parametrize("url", [PAGE, *FILES])
    def test_staff_who_may_view_calls_see_it(self, sign_in, calls, url):
        assert sign_in(staff("view_call")).get(url).status_code == 200

    @pytest.mark.parametrize("url", [PAGE, *FILES])
    def test_other_staff_are_refused(self, sign_in, calls, url):
        assert sign_in(staff("change_post")).get(url).status_code == 403

    @pytest.mark.parametrize("url", [PAGE, *FILES])
    def test_strangers_are_sent_to_the_login(self, client, calls, url):
        assert client.get(url).headers["Location"].startswith("/admin/login/")

    def test_the_front_page_links_to_it_for_those_who_may(self, sign_in, db):
        assert PAGE in sign_in(staff("view_call")).get("/admin/").content.decode()

    def test_the_front_page_says_nothing_of_it_to_others(self, sign_in, db):
        assert PAGE not in sign_in(staff("change_post")).get("/admin/").content.decode()


class PageTests:
    def test_shows_each_figure_as_a_drawing_and_in_a_table(self, admin_client, calls):
        html = admin_client.get(PAGE, {"since": "2025-07", "until": "2026-07"}).content.decode()

        assert html.count(DRAWING) == html.count("<title id=") == 6
        assert (
            '<th scope="row">2026-07</th><td>75</td><td>7.50</td><td>2</td><td>37.5</td><td>50%</td><td>1.25</td><td>1</td>'
            in html
        )
        assert "10 in 2025-07, 75 in 2026-07." in html

    def test_a_month_that_is_not_over_has_a_star(self, admin_client, calls):
        assert f"{timezone.now():%Y-%m}*" in admin_client.get(PAGE).content.decode()

    def test_a_site_without_calls_says_so(self, admin_client):
        html = admin_client.get(PAGE).content.decode()

        assert DRAWING not in html and "No call has been connected" in html

    def test_the_list_of_calls_links_to_it(self, admin_client, calls):
        assert f'href="{PAGE}"' in admin_client.get("/admin/signaling/call/").content.decode()

    def test_takes_a_handful_of_queries_however_many_months(self, admin_client, calls, django_assert_max_num_queries):
        start = timezone.now() - timedelta(days=1)
        Call.objects.record(
            EndedCall(f"{day}", "r", at := (start - timedelta(days=day)).timestamp(), at + 60, 2, True)
            for day in range(0, 900, 10)
        )

        with django_assert_max_num_queries(9):  # two of them for the figures
            admin_client.get(PAGE)

    @pytest.mark.parametrize(
        ("question", "words"),
        [
            ({"since": "July"}, "is no month; write it as 2026-07."),
            ({"until": "2026-13"}, "is no month"),
            ({"since": "2026-07", "until": "2026-06"}, "2026-06 is before 2026-07."),
            ({"since": "<script>"}, "&lt;script&gt;"),
        ],
    )
    def test_a_wrong_month_is_said(self, admin_client, calls, question, words):
        response = admin_client.get(PAGE, question)

        assert response.status_code == 400
        assert words in response.content.decode() and 'data-code="bad-month"' in response.content.decode()


class FileTests:
    def test_csv_has_a_line_for_each_month(self, admin_client, calls):
        response = admin_client.get(FILES[0], {"since": "2026-06", "until": "2026-07"})

        assert response.headers["Content-Disposition"] == 'attachment; filename="growth.csv"'
        assert list(csv.DictReader(response.content.decode().splitlines()))[1] == {
            "month": "2026-07",
            "calls": "2",
            "minutes": "75.00",
            "growth": "7.5000",
            "unconnected": "1",
            "mean_minutes": "37.5000",
            "relayed_share": "0.5000",
            "connect_seconds": "1.2500",
        }

    def test_json_has_the_same(self, admin_client, calls):
        (row,) = json.loads(admin_client.get(FILES[1], {"since": "2026-07", "until": "2026-07"}).content)

        assert (row["month"], row["growth"], row["relayed_share"]) == ("2026-07", 7.5, 0.5)

    @pytest.mark.parametrize("url", FILES)
    def test_a_wrong_month_gets_a_code(self, admin_client, calls, url):
        response = admin_client.get(url, {"since": "July"})

        assert (response.status_code, response.json()["code"]) == (400, "bad-month")
