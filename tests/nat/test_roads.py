"""Roads that change or are bad: what the call does about them, and what the page says meanwhile."""

import pytest

from tests.nat.calls import frames_advance, meet, two_people

pytestmark = pytest.mark.browser


class HandoverTests:
    def test_a_call_heals_when_one_side_comes_back_through_another_router(self, lab):
        lab.network.set_kind("a", "port")
        lab.network.set_kind("b", "port")
        with two_people(lab) as (alice, bob):
            meet(alice, bob, lab.code())
            frames_advance(alice, bob)
            alice.forget_what_was_said()

            lab.network.move_to_mobile()

            alice.until(lambda: "reconnecting" in alice.phases(), "the word that the line is being mended")
            assert any("Reconnecting" in words for words in alice.titles())
            for one in (alice, bob):
                one.sees_phase("connected")
            frames_advance(alice, bob)
            alice.complaints = [
                complaint for complaint in alice.complaints if "WebSocket connection to" not in complaint
            ]


class BadLineTests:
    def test_a_call_is_made_over_a_line_that_loses_a_tenth_and_takes_its_time(self, lab):
        """A tenth of all packets lost in each direction, and 300 ms there and back, from the first click on."""
        lab.network.set_kind("a", "port")
        lab.network.set_kind("b", "port")
        with two_people(lab) as (alice, bob):
            for one in (alice, bob):
                one.has_opened()

            with lab.bad_line("a", share=0.1, seconds=0.15):
                meet(alice, bob, lab.code())
                frames_advance(alice, bob)
                round_trip = alice.round_trip_ms()
                lost = lab.network.lost("a")

        assert round_trip >= 290, "the line is as slow as it is meant to be"
        assert lost > 0, "and as bad"
