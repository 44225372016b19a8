"""Many who come at the same moment, over sockets on different nodes."""

import asyncio

import pytest

from signaling.events import Down
from tests.faults.people import Person
from tests.faults.site import Site
from tests.scale import scaled
from tests.signaling.socket_client import Client as Socket

pytestmark = pytest.mark.server


class SameMomentTests:
    async def test_of_three_to_five_exactly_two_get_in_and_one_is_told_to_offer(self, chance):
        async with Site(chance, nodes=3, ROOM_CAPACITY=2) as site:
            for number in range(scaled(500)):
                await self._meet(site, f"meet {number}", chance)

    async def _meet(self, site: Site, code: str, chance) -> None:
        nodes = chance.sample(site.nodes, 3) + chance.choices(site.nodes, k=2)
        people = await asyncio.gather(*(Socket.open(node.ws_url) for node in nodes[: chance.randint(3, 5)]))

        await asyncio.gather(*(one.send("hello", code=code) for one in people))
        answers = await asyncio.gather(*(one.hear() for one in people))

        inside = [(one, answer) for one, answer in zip(people, answers, strict=True) if answer["type"] == "welcome"]
        assert [answer["code"] for answer in answers if answer["type"] == "error"] == ["room-full"] * (len(people) - 2)
        (earlier, first), (_, second) = sorted(inside, key=lambda one: len(one[1]["members"]))
        assert first["members"] == []
        assert [member["peer"] for member in second["members"]] == [first["peer"]]
        assert first["stamp"] < second["stamp"]
        assert await _hears_of_somebody(earlier) == second["peer"]
        await asyncio.gather(*(one.socket.close() for one in people))


async def _hears_of_somebody(one: Socket) -> str:
    """By `joined`, or by the whole list when the news have overtaken the welcome."""
    message = await one.hear()
    return (message["member"] if message["type"] == "joined" else message["members"][0])["peer"]


class CrowdTests:
    async def test_who_is_sent_away_comes_back_and_gets_in(self, chance):
        """Redis stands still, so those who have asked get no answer, and those behind them no turn."""
        crowd = max(scaled(1000), 300)
        async with Site(chance, nodes=1) as site:
            people = [Person(site.ws_url, f"crowd {number}", chance) for number in range(crowd)]
            site.hosts[0].freeze()
            coming = asyncio.gather(*(one.join() for one in people))
            async with asyncio.timeout(30):
                while site.nodes[0].log.count("refused unavailable") < crowd - 256:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            site.hosts[0].thaw()
            await coming

            sent_away = [event for one in people for event in one.told(Down)]
            assert len(sent_away) >= crowd - 256
            assert {event.code for event in sent_away} == {"unavailable"}
            assert all(1 <= event.wait <= 4 for event in sent_away)
            assert len({one.peer for one in people}) == crowd
            await asyncio.gather(*(one.leave() for one in people))
