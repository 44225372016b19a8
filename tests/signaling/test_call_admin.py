"""Operators look at calls in the admin, and change none."""

import pytest

from signaling.models import Call
from signaling.rooms import EndedCall

JULY_1 = 1_782_864_000  # date -u -d 2026-07-01 +%s


@pytest.fixture
def calls(db) -> list[Call]:
    Call.objects.record(
        EndedCall(f"room.{month}", "room", start, start + 3725, largest=2, connected=True)
        for month, start in enumerate((JULY_1, JULY_1 + 40 * 24 * 3600))
    )
    return list(Call.objects.order_by("started"))


class CallAdminTests:
    def test_lists_them_with_their_duration(self, admin_client, calls):
        html = admin_client.get("/admin/signaling/call/").content.decode()

        assert html.count("1:02:05") == 2

    def test_shows_one_month(self, admin_client, calls):
        html = admin_client.get("/admin/signaling/call/?started__year=2026&started__month=7").content.decode()

        assert html.count("1:02:05") == 1

    def test_shows_one_without_a_field_to_change(self, admin_client, calls):
        html = admin_client.get(f"/admin/signaling/call/{calls[0].pk}/change/").content.decode()

        assert "room.0" in html
        assert 'name="largest"' not in html and 'name="_save"' not in html

    @pytest.mark.parametrize("action", ["add", "{}/change", "{}/delete"])
    def test_nobody_adds_changes_or_deletes_one(self, admin_client, calls, action):
        response = admin_client.post(f"/admin/signaling/call/{action.format(calls[0].pk)}/", {"largest": 6})

        assert response.status_code == 403
        assert list(Call.objects.order_by("started")) == calls

    def test_there_is_no_action_that_deletes_many(self, admin_client, calls):
        chosen = {"action": "delete_selected", "_selected_action": [call.pk for call in calls]}
        admin_client.post("/admin/signaling/call/", chosen)

        assert Call.objects.count() == 2

    def test_a_search_finds_a_room(self, admin_client, calls):
        assert "1:02:05" in admin_client.get("/admin/signaling/call/?q=room").content.decode()
        assert "1:02:05" not in admin_client.get("/admin/signaling/call/?q=roo").content.decode()
