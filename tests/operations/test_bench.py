"""What `make bench` counts: known answers for its arithmetic, and a small run on real servers in which every message is accounted for."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from bench import results, schedule
from bench.clients import Miscount, Pulse
from bench.crowd import Crowd
from bench.ratios import interval, paired, percentile
from bench.systems import SYSTEMS, Running


class RatiosTests:
    def test_seven_values_give_the_least_and_the_greatest(self):
        found = interval([5, 1, 4, 2, 7, 3, 6])

        assert (found.median, found.low, found.high) == (4, 1, 7)
        assert found.confidence == 1 - 2 / 2**7

    def test_nine_values_set_the_least_and_the_greatest_aside(self):
        found = interval([0.5, 90, 4, 2, 7, 3, 6, 5, 8])

        assert (found.median, found.low, found.high) == (5, 2, 8)
        assert found.confidence == 1 - 2 * (1 + 9) / 2**9  # 96 %

    def test_few_values_tell_how_little_they_say(self):
        assert interval([1, 2, 3]).confidence == 0.75

    def test_ratios_are_of_pairs_and_not_of_medians(self):
        assert paired([1, 20, 300], [2, 10, 100]).median == 2

    def test_a_target_is_reached_by_the_whole_interval(self):
        found = interval([0.6, 0.65, 0.71])

        assert not found.reached(0.7)
        assert found.reached(0.71)

    def test_percentiles_are_values_that_were_seen(self):
        assert percentile(range(1, 101), 0.99) == 99
        assert percentile(range(1, 101), 0.5) == 50
        assert percentile([7], 0.99) == 7


class ScheduleTests:
    def test_rate_is_kept_whatever_the_number_of_rooms(self):
        for rooms in (1, 7, 500):
            assert len(schedule.bursts(rooms, rate=200, seconds=3, seed=1)) == 600

    def test_the_two_of_a_room_take_turns_and_the_later_one_begins(self):
        said = [side for _, room, side in schedule.bursts(20, rate=100, seconds=2, seed=1) if room == 3]

        assert said == [1, 0] * 5

    def test_all_systems_get_the_same(self):
        assert schedule.bursts(9, rate=50, seconds=2, seed=4) == schedule.bursts(9, rate=50, seconds=2, seed=4)


class ResultsTests:
    def test_a_section_is_replaced_and_the_others_stay(self, tmp_path):
        file = tmp_path / "RESULTS.md"
        results.write("one", "## One\n\nold", file=file)
        results.write("two", "## Two\n\nstays", file=file)

        results.write("one", "## One\n\nnew\n", file=file)

        text = file.read_text()
        assert text.startswith("# Results\n")
        assert "old" not in text
        assert text.index("new") < text.index("stays")
        assert text.count("<!-- section: ") == text.count("<!-- end: ") == 2


@asynccontextmanager
async def crowd(system: str, *, rooms: int):
    pulse = Pulse()
    beat = asyncio.create_task(pulse.beat())
    with Running(SYSTEMS[system]) as running:
        made = Crowd(running, pulse, rooms)
        await made.fill(100)
        await made.greet()
        yield made
        await made.empty()
    beat.cancel()


@pytest.mark.server
class CountTests:
    @pytest.mark.parametrize("system", ["gruveo", "channels"])
    async def test_each_message_is_counted_once(self, system):
        async with crowd(system, rooms=3) as three:
            window = await three.run(rate=60, seconds=1, seed=1)

            assert window.messages == three.tally.delivered == len(three.tally.delays) == 60
            assert sum(client.got for room in three.rooms for client in room) == 60 + 6  # and those that greeted
            assert not three.tally.problems
            assert 0 < window.p50 <= window.p99
            assert window.cpu * 60 / 1e6 == pytest.approx(window.busy * window.seconds)

    async def test_acknowledgements_are_no_messages_and_a_lost_message_spoils_the_measurement(self):
        async with crowd("gruveo", rooms=1) as one:
            window = await one.run(rate=20, seconds=1, seed=1)
            assert window.messages == one.tally.delivered == 20
            assert window.acks > 0

            one.rooms[0][0].sent += 1  # said, as it believes

            with pytest.raises(Miscount):
                await one.run(rate=20, seconds=1, seed=1)
