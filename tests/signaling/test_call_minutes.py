"""`manage.py call_minutes`, and the query below it, on both databases."""

import csv
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from signaling.growth import Month, Total
from signaling.models import Call
from signaling.rooms import EndedCall

DAY = 24 * 3600
JULY_1 = 1_782_864_000  # date -u -d 2026-07-01 +%s
JULY_BEFORE = 1_751_328_000  # date -u -d 2025-07-01 +%s
CALLS = [
    # id, start, seconds, connected
    ("last second of June", JULY_1 - 1, 3600, True),
    ("first moment of July", JULY_1, 90, True),
    ("July", JULY_1 + 5 * DAY, 30.5, True),
    ("nobody connected", JULY_1 + 6 * DAY, 7000, False),
    ("over midnight into August", JULY_1 + 31 * DAY - 60, 3600, True),
    ("August", JULY_1 + 31 * DAY, 60, True),
    ("a year before", JULY_BEFORE + DAY, 500, True),
    ("nobody connected a year before", JULY_BEFORE + DAY, 500, False),
]
RELAYED = {"July", "nobody connected"}
CONNECT = {
    "first moment of July": 0.5,
    "July": 1.0,
    "over midnight into August": 3000.0,
}  # the last one is no connecting
JULY_SECONDS = 90 + 30.5 + 3600


def ended_calls() -> list[EndedCall]:
    return [
        EndedCall(
            id,
            "room",
            start,
            start + seconds,
            largest=2,
            connected=connected,
            relayed=id in RELAYED,
            connect_seconds=CONNECT.get(id),
        )
        for id, start, seconds, connected in CALLS
    ]


def printed(capsys, *arguments: str) -> str:
    call_command("call_minutes", *arguments)
    return capsys.readouterr().out


class BothDatabasesTests:
    @pytest.mark.parametrize("database", ["postgresql", "sqlite"], indirect=True)
    def test_minutes_count_in_the_month_in_which_the_call_began(self, database):
        database.record(ended_calls())

        told = json.loads(database.manage("call_minutes", "--format=json", "--since=2026-06", "--until=2026-08"))

        assert [(row["month"], row["calls"], row["minutes"], row["unconnected"]) for row in told] == [
            ("2026-06", 1, 60.0, 0),
            ("2026-07", 3, round(JULY_SECONDS / 60, 2), 1),
            ("2026-08", 1, 1.0, 0),
        ]
        assert [row["growth"] for row in told] == [None, round(JULY_SECONDS / 500, 4), None]
        assert [row["relayed_share"] for row in told] == [0, 0.3333, 0]
        assert [row["connect_seconds"] for row in told] == [None, 0.75, None]


@pytest.mark.django_db
class QueryTests:
    def test_answers_the_months_that_have_calls(self):
        Call.objects.record(ended_calls())

        assert Call.objects.by_month(until=Month(2026, 7)) == [
            Total(Month(2025, 7), 500, 1, 1),
            Total(Month(2026, 6), 3600, 1, 0),
            Total(Month(2026, 7), JULY_SECONDS, 3, 1, 1, 0.75),
        ]
        assert [total.month for total in Call.objects.by_month(since=Month(2026, 7))] == [
            Month(2026, 7),
            Month(2026, 8),
        ]

    def test_months_are_those_of_the_site_s_time_zone(self, settings):
        settings.TIME_ZONE = "Pacific/Auckland"
        Call.objects.record(ended_calls()[:1])

        assert [total.month for total in Call.objects.by_month()] == [Month(2026, 7)]
        assert Call.objects.by_month(until=Month(2026, 6)) == []

    def test_two_queries_are_enough_for_any_number_of_months(self, django_assert_num_queries):
        Call.objects.record(ended_calls())

        with django_assert_num_queries(2):
            Call.objects.by_month()

    def test_a_month_without_a_call_that_counts_is_known_for_those_that_do_not(self):
        Call.objects.record([call for call in ended_calls() if call.id == "nobody connected"])

        assert Call.objects.by_month() == [Total(Month(2026, 7), 0, 0, 1)]


@pytest.mark.django_db
class CommandTests:
    def test_a_site_without_calls_has_this_month(self, capsys):
        today = timezone.now()

        assert f"{today:%Y-%m}*" in printed(capsys)

    def test_the_table_says_what_it_means(self, capsys):
        Call.objects.record(ended_calls())

        text = printed(capsys, "--since=2026-07", "--until=2026-07")

        assert text.splitlines()[0].split() == [
            "month",
            "calls",
            "minutes",
            "growth",
            "unconnected",
            "mean",
            "relayed",
            "connect",
        ]
        assert text.splitlines()[1].split()[1:] == ["3", "62", "7.44", "1", "20.7", "33%", "0.75"]

    def test_csv_has_a_line_for_each_month(self, capsys):
        Call.objects.record(ended_calls())

        lines = list(csv.reader(printed(capsys, "--format=csv", "--since=2026-01", "--until=2026-07").splitlines()))

        assert [line[0] for line in lines] == ["month", *(f"2026-{month:02}" for month in range(1, 8))]
        assert lines[-1][2:4] == ["62.01", "7.4410"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--since=July"], "'July' is no month; write it as 2026-07."),
            (["--until=2026-13"], "'2026-13' is no month"),
            (["--since=2026-07", "--until=2026-06"], "--until 2026-06 is before --since 2026-07."),
            (["--format=xml"], "invalid choice"),
        ],
    )
    def test_a_wrong_argument_is_said(self, arguments, words):
        with pytest.raises(CommandError, match=words):
            call_command("call_minutes", *arguments)

    def test_the_model_has_its_migration(self):
        call_command("makemigrations", "signaling", check=True, dry_run=True, verbosity=0)
