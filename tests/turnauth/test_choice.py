"""Which relays the people of a room are given."""

from collections import Counter

import pytest

from turnauth.choice import choose

ROOMS = [f"room-{number}" for number in range(300)]
TWO_REGIONS = {"eu": ("eu1.example", "eu2.example", "eu3.example"), "us": ("us1.example",)}


def hosts(urls: list[str]) -> list[str]:
    return [url.split(":")[1] for url in urls]


class ChooseTests:
    def test_they_are_one_relay_in_all_ways_and_a_spare(self):
        urls = choose({"": ("a.example", "b.example")}, region="", default_region="", room="room")

        first, spare = sorted(("a.example", "b.example"), key=lambda host: host != hosts(urls)[0])
        assert urls == [
            f"turn:{first}:3478?transport=udp",
            f"turn:{first}:3478?transport=tcp",
            f"turns:{first}:443?transport=tcp",
            f"turn:{spare}:3478?transport=udp",
        ]

    def test_they_are_four_at_most_however_relays_are_written(self):
        uris = tuple(f"turn:a.example:{port}?transport=udp" for port in range(1, 9))

        assert choose({"": uris}, region="", default_region="", room="room") == list(uris[:4])
        with_spare = choose({"": (*uris, "b.example")}, region="", default_region="", room="room")
        assert len(with_spare) == 4
        assert len(set(hosts(with_spare))) == 2

    def test_a_machine_that_is_written_twice_is_not_its_own_spare(self):
        relays = {"": ("a.example", "turns:a.example:443?transport=tcp", "b.example")}

        for room in ROOMS:
            assert len(set(hosts(choose(relays, region="", default_region="", room=room)))) == 2

    def test_people_of_one_room_get_the_same_ones_in_any_order_of_the_list(self):
        turned = {"": TWO_REGIONS["eu"][::-1]}

        for room in ROOMS:
            asked = {"region": "", "default_region": "", "room": room}
            assert choose({"": TWO_REGIONS["eu"]}, **asked) == choose(turned, **asked)

    def test_rooms_are_spread_over_the_relays_of_a_region(self):
        first = Counter(hosts(choose(TWO_REGIONS, region="eu", default_region="us", room=room))[0] for room in ROOMS)

        assert first.keys() == set(TWO_REGIONS["eu"])
        assert min(first.values()) > 60  # of 100 on average

    def test_only_the_rooms_of_a_lost_relay_move_and_they_move_to_their_spare(self):
        before = {"": TWO_REGIONS["eu"]}
        after = {"": TWO_REGIONS["eu"][1:]}
        asked = {"region": "", "default_region": ""}

        for room in ROOMS:
            had = hosts(choose(before, room=room, **asked))
            has = hosts(choose(after, room=room, **asked))
            assert has[0] == (had[-1] if had[0] == "eu1.example" else had[0])

    @pytest.mark.parametrize("region", ["", "mars", "asia"])
    def test_an_unknown_region_and_one_without_relays_are_the_default_one(self, region):
        relays = {**TWO_REGIONS, "asia": ()}

        assert hosts(choose(relays, region=region, default_region="us", room="room"))[0] == "us1.example"

    def test_when_the_default_region_has_none_any_relay_is_better_than_none(self):
        assert choose({"eu": (), "us": ("us1.example",)}, region="eu", default_region="eu", room="room")

    def test_without_relays_there_are_no_urls(self):
        assert choose({}, region="", default_region="", room="room") == []
        assert choose({"eu": ()}, region="eu", default_region="eu", room="room") == []
