"""The streams alone, on a network that is made up; then the client, made from docs/protocol.md, against the real server."""

import asyncio
import heapq
import json
import random
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from signaling.client import Client, Times
from signaling.events import (
    Away,
    Back,
    Body,
    Complaint,
    Down,
    Event,
    Ice,
    Joined,
    Left,
    Lock,
    Opened,
    Refused,
    Renewed,
    Resumed,
    State,
)
from signaling.others import Others
from signaling.streams import KEPT_MOST, Answerer, Full, Opener, Pace, Stream
from tests.cast import until as until_so
from tests.server import Server

SECONDS = 20
QUICK = Times(ping=0.3, dead=1, backoff=(0.05,))
DEEDS = [("send", "bob", "body"), ("lock",), ("unlock",), ("report", "direct")]


class StreamTests:
    def test_bodies_are_numbered_and_handed_on_in_order(self):
        ours, theirs = Stream("q1"), Stream("q1")
        first, second = (ours.send(body, now=0) for body in "ab")

        assert (first["seq"], second["seq"]) == (1, 2)
        assert theirs.receive(second, now=0) == []
        assert theirs.receive(first, now=0) == ["a", "b"]

    def test_what_came_before_is_dropped_and_acknowledged_again(self):
        ours, theirs = Stream("q1"), Stream("q1")
        message = ours.send("a", now=0)
        theirs.receive(message, now=0)
        theirs.due(now=1)

        assert theirs.receive(message, now=5) == []
        assert theirs.due(now=5.3) == [{"type": "ack", "stream": "q1", "ack": 1}]

    def test_an_acknowledgement_is_not_put_off_by_what_comes_after(self):
        ours, theirs = Stream("q1"), Stream("q1")
        for number in range(2):
            theirs.receive(ours.send(number, now=0), now=number / 10)

        assert theirs.due(now=0.3) == [{"type": "ack", "stream": "q1", "ack": 2}]

    def test_64_ahead_of_a_gap_are_held_and_no_more(self):
        ours, theirs = Stream("q1"), Stream("q1")
        messages = [ours.send(number, now=0) for number in range(1, 68)]
        for message in messages[1:]:
            assert theirs.receive(message, now=0) == []

        assert theirs.receive(messages[0], now=0) == list(range(1, 66))

    def test_the_timer_doubles_up_to_8_seconds(self):
        ours = Stream("q1")
        ours.send("a", now=0)

        assert resend_times(ours, until=32) == [1, 3, 7, 15, 23, 31]

    def test_an_acknowledgement_that_moves_on_sets_the_timer_back(self):
        ours = Stream("q1")
        ours.send("a", now=0)
        ours.send("b", now=0)
        resend_times(ours, until=7)

        ours.receive({"type": "ack", "stream": "q1", "ack": 1}, now=8)

        assert ours.due_at == 9
        assert ours.unacknowledged == ["b"]

    def test_the_timer_stands_while_the_other_is_away(self):
        ours = Stream("q1")
        ours.send("a", now=0)
        ours.pause()
        assert ours.due(now=100) == []

        ours.hurry(now=100)

        assert [message["body"] for message in ours.due(now=100)] == ["a"]

    def test_128_bodies_are_kept_and_no_more(self):
        ours = Stream("q1")
        for number in range(128):
            ours.send(number, now=0)

        with pytest.raises(Full):
            ours.send("one more", now=0)

    def test_256_kib_are_kept_and_no_more(self):
        ours = Stream("q1")
        for _ in range(4):
            ours.send("x" * (64 * 1024 - 2), now=0)  # with its quotes

        with pytest.raises(Full):
            ours.send(0, now=0)

    def test_what_is_acknowledged_makes_room_again(self):
        ours = Stream("q1")
        for number in range(1, 21):
            ours.send("x" * 60_000, now=0)
            ours.receive({"type": "ack", "stream": "q1", "ack": number}, now=0)

        assert ours.unacknowledged == []

    @pytest.mark.parametrize("ack", [2, -1, True, "1", None, 1.0, 2**60])
    def test_an_ack_that_cannot_be_is_ignored(self, ack):
        ours = Stream("q1")
        ours.send("a", now=0)

        ours.receive({"type": "ack", "stream": "q1", "ack": ack}, now=0)

        assert ours.unacknowledged == ["a"]

    @pytest.mark.parametrize("seq", [0, -1, True, "1", None, 1.0, 2**60])
    def test_a_seq_that_cannot_be_is_ignored(self, seq):
        assert Stream("q1").receive({"type": "signal", "stream": "q1", "seq": seq, "body": "a"}, now=0) == []


class PairTests:
    def test_the_answerer_answers_on_the_stream_that_the_opener_drew(self):
        alice, bob = Answerer(), Opener(draw=iter(["q1"]).__next__)
        assert alice.send("early", now=0) == []
        (offer,) = bob.send("offer", now=0)

        received = alice.receive(offer, now=0)

        assert (received.opened, received.bodies) == ("q1", ["offer"])
        assert [bob.receive(message, now=0).bodies for message in alice.due(now=0)] == [["early"]]

    def test_a_new_stream_ends_the_one_before(self):
        alice, bob = Answerer(), Opener(draw=iter(["q1", "q2"]).__next__)
        (old,) = bob.send("old", now=0)
        bob.open()
        (new,) = bob.send("new", now=0)

        assert alice.receive(old, now=0).bodies == ["old"]
        assert alice.receive(new, now=0).opened == "q2"
        assert alice.receive(old, now=0).opened is None
        assert alice.stream.name == "q2"

    def test_the_opener_drops_what_it_did_not_open(self):
        bob = Opener(draw=iter(["q1"]).__next__)
        bob.open()

        assert bob.receive({"type": "signal", "stream": "zz", "seq": 1, "body": "a"}, now=0).bodies == []

    def test_an_ack_opens_nothing(self):
        alice = Answerer()

        assert alice.receive({"type": "ack", "stream": "q1", "ack": 0}, now=0).opened is None
        assert alice.stream is None

    def test_a_renewed_answerer_goes_on_with_an_opener_that_noticed_nothing(self):
        alice, bob = Answerer(), Opener(draw=iter(["q1"]).__next__)
        (before,) = bob.send("before", now=0)
        alice.receive(before, now=0)
        alice.renew()
        (after,) = bob.send("after", now=0)

        received = alice.receive(after, now=0)

        assert (received.opened, received.bodies) == (None, ["after"])

    def test_what_a_renewed_answerer_has_said_since_goes_on_the_stream_that_is_opened_next(self):
        alice, bob = after_an_offer()
        alice.send("before", now=0)
        alice.renew()
        alice.send("since", now=0)
        bob.renew()
        (again,) = bob.send("again", now=0)

        assert alice.receive(again, now=0).opened == "q2"
        assert [message["body"] for message in alice.due(now=0)] == ["since"]

    def test_nothing_goes_from_one_stream_to_the_next_without_a_renewal(self):
        alice, bob = after_an_offer()
        alice.send("answer", now=0)
        bob.open()
        (again,) = bob.send("again", now=0)

        alice.receive(again, now=0)

        assert alice.stream.unacknowledged == []

    def test_a_renewed_opener_opens_another_stream_with_what_it_says_next(self):
        bob = Opener(draw=iter(["q1", "q2"]).__next__)
        bob.send("before", now=0)
        bob.renew()

        assert [(message["stream"], message["seq"]) for message in bob.send("after", now=0)] == [("q2", 1)]

    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 2**32), loss=st.floats(0, 0.5), double=st.floats(0, 0.5))
    def test_nothing_is_lost_or_doubled_on_a_bad_network(self, seed, loss, double):
        network = Network(random.Random(seed), loss, double)

        network.run(bodies=100)

        assert network.arrived == [list(range(100)), list(range(100))]
        assert [end.stream.unacknowledged for end in network.ends] == [[], []]


def after_an_offer() -> tuple[Answerer, Opener]:
    alice, bob = Answerer(), Opener(draw=iter(["q1", "q2"]).__next__)
    (offer,) = bob.send("offer", now=0)
    alice.receive(offer, now=0)
    return alice, bob


class EarlyTests:
    """Signals of who is not announced yet: section 7, rule 6."""

    @pytest.fixture
    def told(self) -> list[Event]:
        return []

    def others(self, told: list[Event], *, early: float = 10) -> Others:
        return Others(tell=told.append, ask=lambda: None, stir=lambda: None, early=early)

    def hear(self, others: Others, peer: str, *, signals: int) -> None:
        for seq in range(1, signals + 1):
            others.hear({"type": "signal", "from": peer, "stream": "q1", "seq": seq, "body": seq})

    def announce(self, others: Others, peer: str) -> None:
        member = {"peer": peer, "stamp": 2, "away": False, "state": {}}
        others.take_change({"type": "joined", "revision": others.revision + 1, "member": member})

    def test_no_more_of_them_wait_than_64_of_each_of_16(self, told):
        others, peers = self.others(told), [f"peer {number}" for number in range(20)]
        for peer in peers:
            self.hear(others, peer, signals=69)

        for peer in peers:
            self.announce(others, peer)

        heard = [[event.body for event in told if isinstance(event, Body) and event.peer == peer] for peer in peers]
        assert heard == [list(range(1, 65))] * 16 + [[]] * 4

    @pytest.mark.parametrize(("seconds", "heard"), [(10, [1]), (0, [])])
    def test_they_wait_for_so_long(self, told, seconds, heard):
        others = self.others(told, early=seconds)
        self.hear(others, "bob", signals=1)

        self.announce(others, "bob")

        assert [event.body for event in told if isinstance(event, Body)] == heard


class PaceTests:
    def test_so_many_at_once_and_so_many_a_second(self):
        pace = Pace(at_once=3, a_second=2, now=0)

        assert [pace.take(now=0) for _ in range(4)] == [True, True, True, False]
        assert pace.wait(now=0) == 0.5
        assert pace.take(now=0.5)
        assert [pace.take(now=100) for _ in range(4)] == [True, True, True, False]


class Network:
    """Two ends, and between them a network that loses, doubles and reorders; time passes only in `run`."""

    def __init__(self, chance: random.Random, loss: float, double: float) -> None:
        self.ends = [Opener(draw=iter(["q1"]).__next__), Answerer()]
        self.arrived: list[list] = [[], []]
        self._chance, self._loss, self._double = chance, loss, double
        self._flying: list[tuple[float, int, int, dict]] = []
        self._number = 0

    def run(self, *, bodies: int) -> None:
        for body in range(bodies):
            for end in (0, 1):
                self._carry(end, self.ends[end].send(body, now=0), now=0)
        now = 0.0
        while any(len(arrived) < bodies for arrived in self.arrived) or any(e.stream.unacknowledged for e in self.ends):
            assert now < 3600
            now += 0.1
            self._land(now)
            for end in (0, 1):
                self._carry(end, self.ends[end].due(now=now), now=now)

    def _carry(self, sender: int, messages: list[dict], *, now: float) -> None:
        for message in messages:
            for _ in range(1 + (self._chance.random() < self._double)):
                if self._chance.random() >= self._loss:
                    self._number += 1
                    at = now + self._chance.random()
                    heapq.heappush(self._flying, (at, self._number, 1 - sender, message))

    def _land(self, now: float) -> None:
        while self._flying and self._flying[0][0] <= now:
            at, _, receiver, message = heapq.heappop(self._flying)
            self.arrived[receiver] += self.ends[receiver].receive(message, now=at).bodies


class ImportTests:
    def test_it_needs_no_django(self):
        script = "import sys, signaling.client; sys.exit('django' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.server
class MeetingTests:
    async def test_two_meet_and_the_later_one_opens(self, server):
        async with client(server, "meet", "Alice") as alice, client(server, "Meet", "Bob") as bob:
            joined = await until(alice, Joined)

            assert joined.member.peer == bob.peer
            assert joined.member.state["name"] == "Bob"
            assert bob.members[alice.peer].state["name"] == "Alice"
            assert bob.opens(alice.peer)
            assert not alice.opens(bob.peer)

    async def test_bodies_go_both_ways_and_the_first_opens_a_stream(self, server):
        async with client(server, "bodies", "Alice") as alice, client(server, "bodies", "Bob") as bob:
            await until(alice, Joined)
            await alice.send(bob.peer, {"answer": "ä\u2028"})
            await bob.send(alice.peer, [None, 1.5, "offer"])

            assert isinstance(await until(alice, Opened), Opened)
            assert await until(alice, Body) == Body(bob.peer, [None, 1.5, "offer"])
            assert await until(bob, Body) == Body(alice.peer, {"answer": "ä\u2028"})

    async def test_more_bodies_than_the_server_takes_at_once_are_sent_slowly(self, server):
        async with client(server, "many", "Alice") as alice, client(server, "many", "Bob") as bob:
            sending = asyncio.create_task(send_slowly(bob, alice.peer, 300, None))

            assert await take_bodies(alice, 300) == list(range(300))
            await sending
            assert not [event for event in await rest_of(bob) if isinstance(event, Complaint | Down)]

    async def test_state_and_lock_are_told_to_everybody(self, server):
        async with client(server, "state", "Alice") as alice, client(server, "state", "Bob") as bob:
            await bob.set_state(muted=True)
            told = [await until(one, State) for one in (alice, bob)]
            await alice.lock()
            locked = [await until(one, Lock) for one in (alice, bob)]

            everything = {"name": "Bob", "muted": True, "camera": False, "sharing": False, "hand": False}
            assert told == [State(bob.peer, everything)] * 2
            assert locked == [Lock(True, alice.peer)] * 2
            assert alice.members[bob.peer].state == everything
            assert alice.revision == bob.revision
            with pytest.raises(Refused, match="locked"):
                await client(server, "state", "Charlie").__aenter__()
            await alice.unlock()
            assert await until(bob, Lock) == Lock(False, alice.peer)

    async def test_leaving_is_hanging_up(self, server):
        async with client(server, "leave", "Alice") as alice:
            bob = await client(server, "leave", "Bob").__aenter__()
            await bob.leave()

            assert [event async for event in bob] == []
            assert await until(alice, Left) == Left(bob.peer, "hung-up")
            assert alice.members == {}

    async def test_what_was_sent_before_leaving_arrives(self, server):
        async with client(server, "last-words", "Alice") as alice:
            async with client(server, "last-words", "Bob") as bob:
                await bob.send(alice.peer, "last words")

            assert await until(alice, Body) == Body(bob.peer, "last words")

    async def test_a_gap_in_the_revisions_is_filled_from_the_list(self, server):
        async with client(server, "gap", "Alice") as alice, client(server, "gap", "Bob") as bob:
            await until(alice, Joined)
            alice.members.clear()  # as if `joined` and one more had been missed
            alice._others.revision -= 1
            await bob.set_state(hand=True)

            assert (await until(alice, Joined)).member.state["hand"]
            assert alice.members.keys() == {bob.peer}
            assert alice.revision == bob.revision

    async def test_a_message_that_is_refused_leaves_the_socket_open(self, server):
        async with client(server, "complain", "Alice") as alice:
            alice._put({"type": "knock"})
            complaint = await until(alice, Complaint)

            assert (complaint.code, complaint.about) == ("not-supported", "knock")

    async def test_a_peer_that_is_no_member_cannot_be_sent_to(self, server):
        async with client(server, "nobody", "Alice") as alice:
            with pytest.raises(LookupError):
                await alice.send("x" * 16, "body")


@pytest.mark.server
class LostSocketTests:
    async def test_200_bodies_each_way_survive_sockets_that_break(self, server):
        seed = random.randrange(2**32)
        print("seed", seed)
        chance = random.Random(seed)
        async with client(server, "break", "Alice") as alice, client(server, "break", "Bob") as bob:
            await until(alice, Joined)
            breaking = asyncio.create_task(break_sockets([alice, bob], chance))
            results = await asyncio.gather(
                *(send_slowly(one, other.peer, 200, chance) for one, other in ((alice, bob), (bob, alice))),
                *(take_bodies(one, 200) for one in (alice, bob)),
            )
            breaks = await stop(breaking)
            # A doubled one would come now.
            rest = [event for one in (alice, bob) for event in await rest_of(one) if isinstance(event, Body)]

        print("breaks", breaks)
        assert results[2] == results[3] == list(range(200))
        assert rest == []
        assert breaks >= 5

    async def test_the_place_is_kept_and_the_other_is_told(self, server):
        async with client(server, "resume", "Alice") as alice, client(server, "resume", "Bob") as bob:
            await until(alice, Joined)
            was, stamp, token = bob.peer, bob.stamp, bob.token
            bob.socket.transport.abort()

            assert await until(alice, Away) == Away(was)
            assert await until(alice, Back) == Back(was)
            await until(bob, Resumed)
            assert (bob.peer, bob.stamp) == (was, stamp)
            assert bob.token != token

    async def test_state_that_was_set_while_down_comes_with_the_resume(self, server):
        async with client(server, "state-down", "Alice") as alice, client(server, "state-down", "Bob") as bob:
            await until(alice, Joined)
            bob.socket.transport.abort()
            await until(bob, Down)
            await bob.set_state(hand=True)

            assert (await until(alice, State)).state["hand"]

    async def test_a_room_that_changed_meanwhile_is_told_as_events(self, server):
        slow = Times(backoff=(1,))
        async with (
            client(server, "meanwhile", "Alice") as alice,
            client(server, "meanwhile", "Bob", times=slow, jitter=lambda: 1.0) as bob,
        ):
            bob.socket.transport.abort()
            await until(alice, Away)
            async with client(server, "meanwhile", "Charlie") as charlie:
                await alice.lock()

                assert (await until(bob, Joined)).member.peer == charlie.peer
                assert await until(bob, Lock) == Lock(True, None)

    async def test_a_dead_socket_is_replaced(self, server):
        async with client(server, "dead", "Alice") as alice:
            was = alice.socket
            was.transport.pause_reading()

            assert (await until(alice, Down)).code is None
            await until(alice, Resumed)
            assert alice.socket is not was

    async def test_while_the_socket_is_down_the_second_path_carries(self, server):
        slow = Times(backoff=(3,))
        async with (
            client(server, "path", "Alice") as alice,
            client(server, "path", "Bob", times=slow, jitter=lambda: 1.0) as bob,
        ):
            await until(alice, Joined)
            alice.add_path(bob.peer, lambda text: bob.hear(alice.peer, text))
            bob.add_path(alice.peer, lambda text: alice.hear(bob.peer, text))
            bob.socket.transport.abort()
            await until(alice, Away)
            await bob.send(alice.peer, "there")
            assert await until(alice, Body) == Body(bob.peer, "there")
            await alice.send(bob.peer, "and back")

            assert await until(bob, Body) == Body(alice.peer, "and back")
            assert bob.socket is None
            await until(bob, Resumed)
            await bob.send(alice.peer, "again")
            assert await until(alice, Body) == Body(bob.peer, "again")

    async def test_who_hung_up_by_a_close_frame_joins_anew(self, server):
        async with client(server, "gone", "Alice") as alice, client(server, "gone", "Bob") as bob:
            await until(alice, Joined)
            was = bob.peer
            await bob.socket.close(1000)

            assert await until(alice, Left) == Left(was, "hung-up")
            codes = [(await until(bob, Down)).code for _ in range(2)]
            assert codes == [None, "gone"]
            await until(bob, Renewed)
            assert bob.peer != was
            assert bob.members.keys() == {alice.peer}
            assert (await until(alice, Joined)).member.peer == bob.peer

    async def test_a_token_of_no_site_joins_anew(self, server):
        async with client(server, "bad-token", "Alice") as alice:
            alice.token = "x" * 40
            alice.socket.transport.abort()
            await until(alice, Down)

            assert (await until(alice, Down)).code == "bad-token"
            await until(alice, Renewed)

    async def test_a_server_that_has_started_anew_lets_both_in_again(self, tmp_path):
        with Server(var_dir=tmp_path) as first:
            port = first.port
            alice, bob = client(first, "restart", "Alice"), client(first, "restart", "Bob")
            await alice.__aenter__()
            await bob.__aenter__()
            await bob.send(alice.peer, "before")
            assert await until(alice, Body) == Body(bob.peer, "before")
            was = alice.peer, bob.peer
            await asyncio.to_thread(first.stop)
        with Server(var_dir=tmp_path, port=port):
            await until(alice, Renewed)
            await until(bob, Renewed)
            await until_so(lambda: bob.peer in alice.members and alice.peer in bob.members)
            await alice.send(bob.peer, "answer")
            await bob.send(alice.peer, "after")

            assert (alice.peer, bob.peer) == was
            assert await until(alice, Body) == Body(bob.peer, "after")
            assert await until(bob, Body) == Body(alice.peer, "answer")
            await alice.leave()
            await bob.leave()

    async def test_who_leaves_says_so_on_the_second_path_too(self, server):
        said = []
        async with client(server, "bye", "Alice") as alice, client(server, "bye", "Bob") as bob:
            bob.add_path(alice.peer, said.append)

        assert [message["body"] for message in signals(said)] == [{"bye": True}]

    async def test_no_server_is_waited_for(self, server):
        alice = Client("ws://127.0.0.1:1/signaling", code="nowhere", times=QUICK)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await alice.__aenter__()
        assert isinstance(await anext(alice), Down)


@pytest.mark.server
class RefusalTests:
    async def test_a_third_is_refused_in_a_room_for_two(self, make_server):
        small = make_server(ROOM_CAPACITY=2)
        async with client(small, "full", "Alice") as alice, client(small, "full", "Bob"):
            assert alice.capacity == 2
            with pytest.raises(Refused) as refused:
                await client(small, "full", "Charlie").__aenter__()

        assert refused.value.code == "room-full"

    @pytest.mark.parametrize(
        ("code", "hint"),
        [
            ("", "empty"),
            ("x" * 65, "too-long"),
            ("a/b", "characters"),
            (".x", "dots"),
            ("a.php", "file"),
            ("faq", "taken"),
        ],
    )
    async def test_a_bad_code_is_refused_with_its_hint(self, server, code, hint):
        with pytest.raises(Refused) as refused:
            await client(server, code, "Alice").__aenter__()

        assert (refused.value.code, refused.value.hint) == ("bad-code", hint)

    async def test_a_foreign_page_is_refused_before_the_upgrade(self, server):
        with pytest.raises(Refused, match="http-403"):
            await client(server, "foreign", "Alice", origin="https://evil.example").__aenter__()

    async def test_a_page_of_the_site_is_welcome(self, server):
        async with client(server, "own-origin", "Alice", origin=server.url) as alice:
            assert alice.peer

    async def test_a_newer_socket_with_the_same_token_supersedes(self, server):
        async with client(server, "supersede", "Alice") as alice:
            twin = client(server, "supersede", "Alice")
            twin.token = alice.token
            async with twin:
                with pytest.raises(Refused, match="superseded"):
                    await until(alice, Left)

                assert twin.peer == alice.peer
                with pytest.raises(Refused, match="superseded"):
                    await anext(alice)

    async def test_a_reloaded_page_takes_the_place_of_the_old_one(self, make_server):
        small = make_server(ROOM_CAPACITY=2)
        async with (
            client(small, "replace", "Alice") as alice,
            client(small, "replace", "Bob") as bob,
            client(small, "replace", "Bob", replaces=bob.token) as again,
        ):
            with pytest.raises(Refused, match="removed"):
                await until(bob, Left)

            assert await until(alice, Left) == Left(bob.peer, "removed")
            assert again.members.keys() == {alice.peer}

    async def test_too_many_joins_are_waited_for(self, make_server):
        strict = make_server(JOINS_PER_MINUTE=2)
        async with client(strict, "joins", "Alice"), client(strict, "joins", "Bob"):
            charlie = client(strict, "joins", "Charlie")
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await charlie.__aenter__()
            down = await anext(charlie)

            assert down.code == "too-many-joins"
            assert down.wait >= 1


class AwkwardServerTests:
    """What the real server seldom says, from one that says what the test writes down."""

    async def test_it_says_hello_and_offers_the_subprotocol(self):
        async with Script() as script:
            async with script.client("blue heron") as alice:
                assert script.hellos[0] == {
                    "type": "hello",
                    "attempt": 0,
                    "code": "blue heron",
                    "nonce": script.hellos[0]["nonce"],
                    "state": alice.state,
                    "client": "gruveo-python 0.1",
                }
            assert script.subprotocols == ["gruveo.v1"]

    async def test_once_it_was_welcome_it_takes_the_place_of_nobody_any_more(self):
        client = Client("ws://nowhere", code="heron", replaces="old")
        assert client._hello()["replaces"] == "old"

        client._welcome(welcome(0))
        client.token = None  # as after `gone`

        assert "replaces" not in client._hello()

    async def test_until_it_is_welcome_it_says_the_same_nonce_and_then_another(self):
        client = Client("ws://nowhere", code="heron")
        first = client._hello()["nonce"]
        assert client._hello()["nonce"] == first

        client._welcome(welcome(0))
        client.token = None

        assert client._hello()["nonce"] != first

    async def test_an_attempt_that_took_long_to_open_has_no_longer_for_its_welcome(self):
        async with SlowDoor(welcomes_late, welcomes) as stage, stage.client(connect=1):
            assert len(stage.opened) == 2

    async def test_it_names_its_region_each_time(self):
        async with Script() as script, script.client(region="us") as alice:
            alice.socket.transport.abort()
            await until(alice, Resumed)

            assert [hello["region"] for hello in script.hellos] == ["us", "us"]

    async def test_it_resumes_with_the_token_of_a_pong(self):
        async with Script(["pong", {"id": 1, "token": "fresh"}]) as script, script.client() as alice:
            while alice.token != "fresh":  # noqa: ASYNC110 - a pong is no event
                await asyncio.sleep(0.01)
            alice.socket.transport.abort()
            await until(alice, Resumed)

            assert script.hellos[1]["resume"] == "fresh"

    async def test_what_it_does_not_know_is_ignored(self):
        script = Script(
            ["wave", {}], ["error", {"code": "new-one", "about": "state"}], ["ice", {"ice_servers": [], "new": 1}]
        )
        async with script, script.client() as alice:
            assert await until(alice, Complaint) == Complaint("new-one", "state", None, None)
            assert await until(alice, Ice) == Ice([], None)

    async def test_an_old_event_is_ignored(self):
        old = ["joined", {"revision": 1, "member": member("bob")}]
        async with Script(old, ["ice", {"ice_servers": []}]) as script, script.client() as alice:
            await until(alice, Ice)

            assert alice.members == {}

    async def test_a_signal_of_one_who_is_not_announced_waits(self):
        signal = ["signal", {"from": "bob", "stream": "q1", "seq": 1, "body": "early"}]
        joined = ["joined", {"revision": 2, "member": member("bob")}]
        async with Script(signal, joined) as script, script.client() as alice:
            assert [type(await anext(alice)) for _ in range(3)] == [Joined, Opened, Body]

    @pytest.mark.parametrize("close", [1011, 1012, 1001, 4014, 4002])
    async def test_after_these_it_comes_back(self, close):
        async with Script(close) as script, script.client() as alice:
            await until(alice, Resumed)

    @pytest.mark.parametrize(("close", "code"), [(4010, "superseded"), (4017, "removed"), (4999, "close-4999")])
    async def test_after_these_it_stops(self, close, code):
        async with Script(close) as script, script.client() as alice:
            with pytest.raises(Refused, match=code):
                await until(alice, Resumed)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
    async def test_after_these_before_the_upgrade_it_does_not_try_again(self, status):
        async with serve(
            welcomes, "127.0.0.1", 0, process_request=lambda socket, _: socket.respond(status, "")
        ) as door:
            port = door.sockets[0].getsockname()[1]
            with pytest.raises(Refused, match=f"http-{status}"):
                await Client(f"ws://127.0.0.1:{port}/signaling", code="room", times=QUICK).__aenter__()

    async def test_it_waits_longer_and_longer_until_a_pong_and_no_longer_than_it_may(self):
        """The whole of each step here, for the jitter stands still; a server that welcomes and drops is no reason to begin anew."""
        async with Stage(welcomes, *[cuts_off] * 6, welcomes) as stage:
            alice = stage.client(backoff=(0.01, 0.02, 0.03, 0.04, 0.05))
            async with alice:
                stage.sockets[0].transport.abort()
                waits = [(await until(alice, Down)).wait for _ in range(7)]
                await until(alice, Resumed)

        assert waits == [0.01, 0.02, 0.03, 0.04, 0.05, 0.05, 0.05]

    async def test_the_steps_are_those_of_the_paper_and_each_wait_is_drawn_from_the_whole_step(self):
        assert Times().backoff == (0.5, 1, 2, 4, 20)
        async with Stage(welcomes, *[cuts_off] * 20, welcomes) as stage:
            url = f"ws://127.0.0.1:{stage._port}/signaling"
            async with Client(url, code="room", times=replace(QUICK, backoff=(0.02,))) as alice:
                stage.sockets[0].transport.abort()
                waits = [(await until(alice, Down)).wait for _ in range(21)]

        assert all(0 <= wait <= 0.02 for wait in waits)
        assert min(waits) < 0.01 < max(waits)

    async def test_it_waits_as_long_as_it_is_told(self):
        busy = ["error", {"code": "unavailable", "retry_after": 0.3}]
        async with Script(busy, 4007) as script, script.client() as alice:
            assert await until(alice, Down) == Down("unavailable", 0.3)
            await until(alice, Resumed)


class RenewalTests:
    """The place had run out: nobody knows who of the others has noticed (section 7, rule 5)."""

    async def test_a_later_one_that_noticed_nothing_is_heard_on_the_stream_that_it_had(self):
        async with (
            Stage(meets(BOB, signal(1, "before")), meets(BOB, signal(2, "after"), resumed=False)) as stage,
            stage.client() as alice,
        ):
            assert (await until(alice, Body)).body == "before"
            stage.sockets[0].transport.abort()
            await until(alice, Renewed)

            assert (await until(alice, Body)).body == "after"

    async def test_one_that_joined_again_without_having_left_is_heard_too(self):
        """It may have missed the welcome that this was about, and take the next one for a return to its old place."""
        joined = {"type": "joined", "revision": 2, "member": member("bob")}
        async with Stage(meets(BOB, signal(1, "before"), joined, signal(2, "after"))) as stage, stage.client() as alice:
            assert await take_bodies(alice, 2) == ["before", "after"]

    async def test_a_later_one_that_begins_anew_gets_what_was_said_since(self):
        said_since = asyncio.Event()

        async def again(stage: Stage, socket: ServerConnection, number: int) -> None:
            await meets(BOB, resumed=False)(stage, socket, number)
            await said_since.wait()
            await socket.send(json.dumps(signal(1, "offer", stream="q2")))

        async with Stage(meets(BOB, signal(1, "offer")), again) as stage, stage.client() as alice:
            await until(alice, Body)
            await alice.send("bob", "before")
            stage.sockets[0].transport.abort()
            await until(alice, Renewed)
            await alice.send("bob", "since")
            said_since.set()
            assert (await until(alice, Opened)).stream == "q2"
            await until_so(lambda: any(one["stream"] == "q2" for one in stage.heard(1, "signal")))

            answers = [(one["seq"], one["body"]) for one in stage.heard(1, "signal") if one["stream"] == "q2"]
            assert answers[0] == (1, "since")

    async def test_who_waited_for_room_goes_on_with_a_new_stream(self):
        async with Stage(meets(EARLIER), meets(EARLIER, resumed=False)) as stage, stage.client() as alice:
            sending = asyncio.create_task(send_slowly(alice, "bob", KEPT_MOST + 1, None))
            await until_so(lambda: len(stage.heard(0, "signal")) == KEPT_MOST)
            stage.sockets[0].transport.abort()
            await until_so(lambda: stage.heard(1, "signal"))
            await sending

            assert [one["body"] for one in stage.heard(1, "signal")] == [KEPT_MOST]

    async def test_so_does_one_whose_stream_we_have_ended_ourselves(self):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            sending = asyncio.create_task(send_slowly(alice, "bob", KEPT_MOST + 1, None))
            await until_so(lambda: len(stage.heard(0, "signal")) == KEPT_MOST)
            name = alice.open("bob")
            async with asyncio.timeout(SECONDS):
                await sending
            await until_so(lambda: stage.heard(0, "signal")[-1]["body"] == KEPT_MOST)

            assert stage.heard(0, "signal")[-1]["stream"] == name


def signals(said: list[str]) -> list[dict]:
    """What went over a second path, but for what is seen of the one who said it."""
    return [message for message in map(json.loads, said) if message["type"] != "state"]


class SecondPathTests:
    async def test_one_that_cannot_send_keeps_nobody_else_waiting(self):
        async with Stage(meets(AWAY, member("charlie", stamp=0))) as stage, stage.client() as alice:
            alice.add_path("bob", is_closed)
            await alice.send("bob", "lost for now")
            await alice.send("charlie", "hello")
            await until_so(lambda: stage.heard(0, "signal"))

            assert [one["to"] for one in stage.heard(0, "signal")] == ["charlie"]

    async def test_what_it_could_not_send_is_sent_again(self):
        tries = []

        def opens_late(text: str) -> None:
            if not signals([text]):
                return
            tries.append(json.loads(text)["body"])
            if len(tries) == 1:
                is_closed(text)

        async with Stage(meets(AWAY)) as stage, stage.client() as alice:
            alice.add_path("bob", opens_late)
            await alice.send("bob", "restart")
            await until_so(lambda: len(tries) > 1)

            assert tries == ["restart"] * 2

    async def test_one_that_cannot_send_keeps_nobody_from_leaving(self):
        async with Stage(meets(EARLIER)) as stage:
            async with stage.client() as alice:
                alice.add_path("bob", is_closed)

            assert stage.heard(0, "leave")

    async def test_one_to_somebody_who_has_left_counts_for_nothing(self):
        left = {"type": "left", "revision": 2, "peer": "bob", "reason": "hung-up"}
        said = []
        async with Stage(meets(EARLIER, left)) as stage:
            async with stage.client() as alice:
                await until(alice, Left)
                alice.add_path("bob", said.append)  # its data channel has opened in the same moment

            assert stage.heard(0, "leave")
            assert said == []  # not even what is seen of us

    async def test_who_leaves_says_before_what_a_dead_socket_has_swallowed(self):
        said = []
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            await alice.send("bob", "swallowed")
            await until_so(lambda: stage.heard(0, "signal"))
            alice.add_path("bob", said.append)
            await alice.leave()

        assert [message["body"] for message in signals(said)] == ["swallowed", {"bye": True}]

    async def test_what_the_server_dropped_is_said_there_while_the_other_is_away(self):
        said = []

        async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
            await meets(EARLIER)(stage, socket, number)
            await until_so(lambda: stage.heard(0, "signal"))
            await say(socket, "away", revision=2, peer="bob")

        async with Stage(part) as stage, stage.client() as alice:
            alice.add_path("bob", said.append)
            await alice.send("bob", "restart")
            await until(alice, Away)
            await until_so(lambda: signals(said))

            assert signals(said)[0].items() >= {"type": "signal", "seq": 1, "body": "restart"}.items()

    async def test_one_who_is_lost_is_repeated_to_while_the_path_lasts(self):
        said = []

        async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
            await meets(EARLIER)(stage, socket, number)
            await until_so(lambda: stage.heard(0, "signal"))
            await socket.send(json.dumps(LOST))

        async with Stage(part) as stage, stage.client() as alice:
            alice.add_path("bob", said.append)
            await alice.send("bob", "restart")
            await until(alice, Left)
            await until_so(lambda: signals(said))

            assert signals(said)[0]["body"] == "restart"

    async def test_one_who_is_lost_is_forgotten_when_the_path_ends(self):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            alice.add_path("bob", is_closed)
            await stage.sockets[0].send(json.dumps(LOST))
            await until(alice, Left)
            assert "bob" in alice._others.pairs

            alice.remove_path("bob")

            assert "bob" not in alice._others.pairs

    async def test_what_waits_is_said_as_soon_as_there_is_one_to_somebody_away(self):
        said = []
        async with Stage(meets(AWAY)) as stage, stage.client() as alice:
            await alice.send("bob", "restart")
            await until_so(lambda: not alice._writer._outbox)
            alice.add_path("bob", said.append)
            await until_so(lambda: signals(said))

    async def test_and_when_there_is_one_while_our_own_socket_is_down(self):
        said = []
        async with Stage(meets(EARLIER), says_nothing) as stage, stage.client() as alice:
            stage.sockets[0].transport.abort()
            await until(alice, Down)
            await alice.send("bob", "restart")
            await until_so(lambda: not alice._writer._outbox)
            alice.add_path("bob", said.append)
            await until_so(lambda: signals(said))

    async def test_without_it_nothing_is_repeated_to_somebody_away(self):
        async with Stage(meets(AWAY)) as stage, stage.client() as alice:
            alice.add_path("bob", is_closed)
            await alice.send("bob", "restart")
            alice.remove_path("bob")

            assert alice._others.pairs["bob"].due_at is None

    async def test_what_is_seen_of_us_is_said_as_soon_as_there_is_one_and_whenever_it_changes(self):
        said = []
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            alice.add_path("bob", said.append)
            await alice.set_state(muted=True)

            assert [json.loads(text) for text in said] == [
                {"type": "state", "state": UNSEEN},
                {"type": "state", "state": {**UNSEEN, "muted": True}},
            ]

    async def test_what_is_seen_of_the_other_is_heard_and_no_list_overrules_it_while_it_is_away(self):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            alice.add_path("bob", lambda text: None)
            alice.hear("bob", json.dumps({"type": "state", "state": {"name": "Bob", "camera": True, "muted": "no"}}))
            assert (await until(alice, State)).state == {**UNSEEN, "name": "Bob", "camera": True}

            await say(stage.sockets[0], "away", revision=2, peer="bob")
            await say(stage.sockets[0], "members", revision=3, locked=True, members=[AWAY])
            await until(alice, Lock)
            assert alice.members["bob"].state["camera"]

            alice.remove_path("bob")
            await say(stage.sockets[0], "members", revision=4, locked=False, members=[AWAY])
            assert not (await until(alice, State)).state["camera"]

    async def test_a_list_overrules_it_when_the_other_is_back(self):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            alice.add_path("bob", lambda text: None)
            alice.hear("bob", json.dumps({"type": "state", "state": {"camera": True}}))
            await until(alice, State)

            await say(stage.sockets[0], "members", revision=2, locked=False, members=[EARLIER])

            assert not (await until(alice, State)).state["camera"]

    @pytest.mark.parametrize(
        "text", ['{"type": "state"}', '{"type": "state", "state": []}', '{"type": "state", "state": 1}']
    )
    async def test_what_is_no_state_is_ignored_and_so_is_one_of_a_stranger(self, text):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            alice.hear("bob", text)
            alice.hear("mallory", '{"type": "state", "state": {"name": "Mallory"}}')
            await say(stage.sockets[0], "lock", revision=2, locked=True, peer="bob")

            assert isinstance(await anext(alice), Lock)


class RateTests:
    """Section 7, rule 7: after `rate-limited` a client says nothing for a while; what was refused is not done (section 11)."""

    async def test_until_the_time_is_up_nothing_but_pings_is_said(self):
        async with Stage(limits("state", seconds=1)) as stage, stage.client(ping=0.5, dead=5) as alice:
            await alice.set_state(muted=True)
            await until(alice, Complaint)
            await alice.set_state(hand=True)
            await alice.lock()
            await until_so(lambda: stage.heard(0, "lock"))

            assert time.monotonic() - stage.refused_at >= 1
            said = [one["type"] for one in stage.said[0]]
            assert [kind for kind in said if kind != "ping"] == ["state", "state", "state", "lock"]
            assert "ping" in said[said.index("state") + 1 : said.index("lock") - 2]

    async def test_a_state_that_was_refused_is_said_again_as_a_whole(self):
        async with Stage(limits("state")) as stage, stage.client() as alice:
            await alice.set_state(muted=True)
            await until_so(lambda: len(stage.heard(0, "state")) == 2)

            assert stage.heard(0, "state")[1] == {"type": "state", **alice.state}

    async def test_many_that_were_refused_are_said_again_once(self):
        async with Stage(limits("state", times=3)) as stage, stage.client() as alice:
            for hand in (True, False, True):
                await alice.set_state(hand=hand)
            for _ in range(3):
                await until(alice, Complaint)
            await alice.lock()
            await until_so(lambda: stage.heard(0, "lock"))

            assert len(stage.heard(0, "state")) == 4

    async def test_a_lock_that_was_refused_is_said_again(self):
        async with Stage(limits("lock")) as stage, stage.client() as alice:
            await alice.lock()
            await until_so(lambda: len(stage.heard(0, "lock")) == 2)

            assert stage.heard(0, "lock") == [{"type": "lock", "locked": True}] * 2

    async def test_a_list_that_was_refused_is_asked_for_again(self):
        gap = {"type": "joined", "revision": 5, "member": member("charlie")}
        async with Stage(limits("members", gap)) as stage, stage.client():
            await until_so(lambda: len(stage.heard(0, "members")) == 2)

    async def test_signals_are_repeated_by_their_streams(self):
        async with Stage(limits("signal", EARLIER)) as stage, stage.client() as alice:
            await alice.send("bob", "offer")
            await until_so(lambda: len(stage.heard(0, "signal")) == 2)

            assert [one["body"] for one in stage.heard(0, "signal")] == ["offer"] * 2

    async def test_a_report_that_was_refused_is_not_said_again(self):
        async with Stage(limits("report")) as stage, stage.client() as alice:
            await alice.report("direct")
            await until(alice, Complaint)
            await alice.lock()
            await until_so(lambda: stage.heard(0, "lock"))

            assert len(stage.heard(0, "report")) == 1

    async def test_leaving_waits_for_nothing(self):
        async with Stage(limits("state", seconds=60)) as stage:
            async with stage.client(leave=5) as alice:
                await alice.set_state(muted=True)
                await until(alice, Complaint)

            assert [one["type"] for one in stage.said[0]] == ["state", "leave"]
            assert time.monotonic() - stage.refused_at < 5


class EndingTests:
    async def test_what_was_said_before_leaving_is_heard_before_it(self):
        async with Stage(meets(EARLIER)) as stage:
            async with stage.client() as alice:
                await alice.send("bob", "last words")
                await alice.set_state(hand=True)

            assert [one["type"] for one in stage.said[0]] == ["signal", "state", "leave"]

    async def test_a_mistake_of_our_own_in_writing_ends_the_client(self):
        async with Stage(welcomes) as stage, stage.client() as alice:
            alice._put({"type": "state", "name": object()})

            with pytest.raises(TypeError):
                await until(alice, Resumed)
            assert alice.socket is None

    @pytest.mark.parametrize("name", ["\ud800", float("nan"), object()])
    async def test_a_state_that_is_no_json_is_refused_to_its_caller(self, name):
        async with Stage(welcomes) as stage, stage.client() as alice:
            with pytest.raises((TypeError, ValueError)):
                await alice.set_state(name=name)

            assert alice.state["name"] == ""
            await alice.set_state(name="Alice")
            await until_so(lambda: stage.heard(0, "state"))

    async def test_a_refusal_is_told_to_whoever_waits_for_room(self):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            sending = asyncio.create_task(send_slowly(alice, "bob", KEPT_MOST + 1, None))
            await until_so(lambda: len(stage.heard(0, "signal")) == KEPT_MOST)
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)

            with pytest.raises(Refused, match="superseded"):
                async with asyncio.timeout(SECONDS):
                    await sending

    @pytest.mark.parametrize("deed", DEEDS)
    async def test_a_refusal_is_told_to_whoever_comes_later(self, deed):
        async with Stage(meets(EARLIER)) as stage, stage.client() as alice:
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)
            with pytest.raises(Refused):
                await until(alice, Resumed)

            with pytest.raises(Refused, match="superseded"):
                async with asyncio.timeout(1):
                    await getattr(alice, deed[0])(*deed[1:])

    @pytest.mark.parametrize("deed", DEEDS)
    async def test_so_is_that_we_have_left(self, deed):
        async with Stage(meets(EARLIER)) as stage:
            async with stage.client() as alice:
                pass

            with pytest.raises(LookupError):
                async with asyncio.timeout(1):
                    await getattr(alice, deed[0])(*deed[1:])

    async def test_who_waits_for_the_socket_is_told_that_we_have_left(self):
        async with Stage(welcomes, says_nothing) as stage:
            async with stage.client() as alice:
                stage.sockets[0].transport.abort()
                await until(alice, Down)
                locking = asyncio.create_task(alice.lock())

            with pytest.raises(LookupError):
                async with asyncio.timeout(1):
                    await locking

    async def test_an_echo_that_is_late_does_not_undo_a_newer_state(self):
        async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
            await welcomes(stage, socket, number)
            await until_so(lambda: len(stage.heard(0, "state")) == 2)
            await say(socket, "state", revision=2, peer="alice", state={"hand": True})

        async with Stage(part, welcomes) as stage, stage.client() as alice:
            await alice.set_state(hand=True)
            await alice.set_state(hand=False)
            assert (await until(alice, State)).state["hand"]
            stage.sockets[0].transport.abort()
            await until(alice, Resumed)

            assert not stage.hellos[1]["state"]["hand"]

    async def test_a_hello_that_is_given_up_leaves_no_member_of_whom_nobody_knows_the_token(self):
        parts = welcomes, refuses("bad-token", 4012), says_nothing, welcomes
        async with Stage(*parts) as stage, stage.client(connect=1) as alice:
            stage.sockets[0].transport.abort()
            await until(alice, Resumed)
            await stage.sockets[2].wait_closed()

            assert "resume" not in stage.hellos[2]
            assert stage.sockets[2].close_code == 1000

    async def test_one_that_is_on_its_way_when_we_leave_gives_the_place_up(self):
        async with Stage(welcomes, says_nothing) as stage:
            async with stage.client() as alice:
                stage.sockets[0].transport.abort()
                await until(alice, Down)
                await until_so(lambda: len(stage.hellos) == 2)
            await stage.sockets[1].wait_closed()

            assert stage.sockets[1].close_code == 1000

    async def test_who_is_cancelled_while_leaving_leaves_no_task_behind(self):
        async with Script() as script:  # which does not close after `leave`
            alice = script.client(leave=SECONDS)
            await alice.__aenter__()
            leaving = asyncio.create_task(alice.leave())
            await until_so(lambda: alice._leaving)
            leaving.cancel()
            await asyncio.wait([leaving])

            assert leaving.cancelled()
            await until_so(lambda: not tasks_of_clients(), seconds=1)


class MovingTests:
    """A server that is about to stop asks its clients to come elsewhere (section 9)."""

    async def test_the_old_socket_serves_until_the_new_one_is_welcome(self):
        old_is_done = asyncio.Event()

        async def old(stage: Stage, socket: ServerConnection, number: int) -> None:
            await says("reconnect", after_ms=0)(stage, socket, number)
            await until_so(lambda: len(stage.hellos) == 2)
            await say(socket, "ice", ice_servers=["still here"])

        async def new(stage: Stage, socket: ServerConnection, number: int) -> None:
            await old_is_done.wait()
            await welcomes(stage, socket, number)

        async with Stage(old, new) as stage, stage.client() as alice:
            assert (await until(alice, Ice)).servers == ["still here"]
            await alice.set_state(hand=True)
            await until_so(lambda: stage.heard(0, "state"))
            old_is_done.set()
            events = await up_to(alice, Resumed)
            await stage.sockets[0].wait_closed()
            # The server may have turned to the new socket before it read that on the old one.
            await until_so(lambda: stage.heard(1, "state"))

            assert not [event for event in events if isinstance(event, Down)]
            assert (stage.hellos[1]["resume"], stage.hellos[1]["attempt"]) == ("token-0", 1)
            assert stage.sockets[0].close_code not in (1000, 1001)
            assert stage.heard(1, "state") == [{"type": "state", "hand": True}]

    async def test_what_the_old_one_says_after_that_is_not_heard(self):
        async def new(stage: Stage, socket: ServerConnection, number: int) -> None:
            await welcomes(stage, socket, number)
            await say(stage.sockets[0], "joined", revision=2, member=member("ghost"))  # both can be read at once
            await stage.sockets[0].wait_closed()
            await say(socket, "ice", ice_servers=[])

        async with Stage(says("reconnect", after_ms=0), new) as stage, stage.client() as alice:
            await until(alice, Resumed)

            assert not [event for event in await up_to(alice, Ice) if isinstance(event, Joined)]
            assert (alice.members, alice.revision) == ({}, 1)

    async def test_that_the_old_one_is_superseded_is_told_before_the_welcome(self):
        async def new(stage: Stage, socket: ServerConnection, number: int) -> None:
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)
            await stage.sockets[0].wait_closed()
            await welcomes(stage, socket, number)

        async with Stage(says("reconnect", after_ms=0), new) as stage, stage.client() as alice:
            events = await up_to(alice, Resumed)

            assert not [event for event in events if isinstance(event, Down)]

    async def test_a_welcome_that_was_lost_supersedes_too(self):
        async def new(stage: Stage, socket: ServerConnection, number: int) -> None:
            socket.transport.abort()
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)

        async def newer(stage: Stage, socket: ServerConnection, number: int) -> None:
            await stage.sockets[0].wait_closed()
            await welcomes(stage, socket, number)

        async with Stage(says("reconnect", after_ms=0), new, newer) as stage, stage.client(backoff=(0.5,)) as alice:
            await until(alice, Resumed)

            assert len(stage.hellos) == 3

    async def test_one_that_was_superseded_by_somebody_else_stops(self):
        async with Stage(says("reconnect", after_ms=60_000)) as stage, stage.client() as alice:
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)

            with pytest.raises(Refused, match="superseded"):
                await until(alice, Resumed)

    async def test_so_does_one_whose_move_was_refused_before(self):
        parts = says("reconnect", after_ms=0), refuses("too-many-sockets", 4016, retry_after=60)
        async with Stage(*parts) as stage, stage.client() as alice:
            await until_so(lambda: len(stage.hellos) == 2 and alice._move_at)
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)

            with pytest.raises(Refused, match="superseded"):
                await until(alice, Resumed)

    async def test_one_that_was_told_unavailable_and_let_in_later_comes_back(self):
        """Redis carried out the resume that it had not answered in time, so the old one is superseded by its own doing."""
        parts = says("reconnect", after_ms=0), refuses("unavailable", 4007, retry_after=1), welcomes
        async with Stage(*parts) as stage, stage.client() as alice:
            await _next_is_refused(stage, alice)
            await refuses("superseded", 4010)(stage, stage.sockets[0], 0)

            await until(alice, Resumed)
            assert len(stage.hellos) == 3

    async def test_one_that_is_removed_while_moving_stops(self):
        async def new(stage: Stage, socket: ServerConnection, number: int) -> None:
            await refuses("removed", 4017)(stage, stage.sockets[0], 0)

        async with Stage(says("reconnect", after_ms=0), new) as stage, stage.client() as alice:
            with pytest.raises(Refused, match="removed"):
                await until(alice, Resumed)

    async def test_a_new_one_that_fails_leaves_the_old_one_and_is_tried_again_after_the_time_it_asked_for(self):
        parts = says("reconnect", after_ms=0), refuses("unavailable", 4007, retry_after=0.4), cuts_off, welcomes
        async with Stage(*parts) as stage, stage.client() as alice:
            was = alice.socket
            await until_so(lambda: len(stage.hellos) == 2)
            assert alice.socket is was
            events = await up_to(alice, Resumed)

            assert not [event for event in events if isinstance(event, Down)]
            assert [hello["attempt"] for hello in stage.hellos] == [0, 1, 2, 3]
            assert stage.came[2] - stage.came[1] >= 0.4

    async def test_an_old_one_that_ends_meanwhile_is_told_and_the_time_that_was_asked_for_still_counts(self):
        parts = says("reconnect", after_ms=0), refuses("unavailable", 4007, retry_after=1), welcomes
        async with Stage(*parts) as stage, stage.client() as alice:
            await _next_is_refused(stage, alice)
            await stage.sockets[0].close(1012)
            down = await until(alice, Down)
            await until(alice, Resumed)

            assert down.code is None
            assert 0 <= down.wait <= 1
            assert stage.came[2] - stage.came[1] >= 1

    async def test_one_that_ends_before_its_time_is_not_replaced_earlier(self):
        async with Stage(says("reconnect", after_ms=400), welcomes) as stage, stage.client() as alice:
            await until_so(lambda: alice._move_at)
            await stage.sockets[0].close(1012)
            await until(alice, Resumed)

            assert stage.came[1] - stage.came[0] >= 0.4

    async def test_a_refusal_that_stays_ends_the_moving_and_counts_when_the_old_one_ends(self):
        async with Stage(says("reconnect", after_ms=0), refuses("replaced", 4009)) as stage, stage.client() as alice:
            await until_so(lambda: alice._moving.done())
            assert alice.socket
            await stage.sockets[0].close(1012)

            with pytest.raises(Refused, match="replaced"):
                await until(alice, Resumed)
            assert len(stage.hellos) == 3

    async def test_who_leaves_while_moving_leaves_by_the_new_socket(self):
        leaving = asyncio.Event()

        async def new(stage: Stage, socket: ServerConnection, number: int) -> None:
            await leaving.wait()
            await welcomes(stage, socket, number)

        async with Stage(says("reconnect", after_ms=0), new) as stage, stage.client() as alice:
            await until_so(lambda: len(stage.hellos) == 2)
            going = asyncio.create_task(alice.leave())
            await until_so(lambda: alice._leaving)
            leaving.set()
            await going

            assert stage.heard(1, "leave")

    @pytest.mark.server
    async def test_200_bodies_each_way_survive_moves_that_nobody_notices(self, server):
        seed = random.randrange(2**32)
        print("seed", seed)
        chance = random.Random(seed)
        async with client(server, "moving", "Alice") as alice, client(server, "moving", "Bob") as bob:
            await until(alice, Joined)
            moving = asyncio.create_task(move([alice, bob], chance))
            results = await asyncio.gather(
                *(send_slowly(one, other.peer, 200, chance) for one, other in ((alice, bob), (bob, alice))),
                *(take_all_until(one, 199) for one in (alice, bob)),
            )
            moves = await stop(moving)

        print("moves", moves)
        for events in results[2:]:
            assert [event.body for event in events if isinstance(event, Body)] == list(range(200))
            assert not [event for event in events if isinstance(event, Away | Back | Down | Renewed | Left)]
        assert moves >= 5


class ReportTests:
    @pytest.mark.parametrize("path", ["direct", "relayed"])
    async def test_the_path_is_said_where_reports_are_taken(self, path):
        async with Stage(welcomes) as stage, stage.client() as alice:
            await alice.report(path)
            await until_so(lambda: stage.heard(0, "report"))

            assert stage.heard(0, "report") == [{"type": "report", "path": path}]

    async def test_a_server_that_takes_no_reports_gets_none(self):
        async def older(stage: Stage, socket: ServerConnection, number: int) -> None:
            await socket.send(json.dumps({**welcome(number), "features": ["lock"]}))

        async with Stage(older) as stage, stage.client() as alice:
            await alice.report("direct")
            await alice.lock()
            await until_so(lambda: stage.heard(0, "lock"))

            assert not stage.heard(0, "report")

    async def test_a_path_that_is_none_is_a_mistake(self):
        async with Stage(welcomes) as stage, stage.client() as alice:
            with pytest.raises(ValueError, match="tunnel"):
                await alice.report("tunnel")


class Script:
    """A server that welcomes everybody, and then says to the first one what was written down; a number closes the socket."""

    def __init__(self, *lines: list | int) -> None:
        self.hellos: list[dict] = []
        self.subprotocols: list[str] = []
        self._lines = lines

    async def __aenter__(self) -> "Script":
        self._server = await serve(self._meet, "127.0.0.1", 0, subprotocols=["gruveo.v1"], process_request=self._open)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _open(self, *_) -> None:
        """Before the upgrade."""

    def client(self, code: str = "room", *, region: str = "", **times) -> Client:
        times = replace(QUICK, **{"ping": 5, "leave": 0.2, **times})
        url = f"ws://127.0.0.1:{self._port}/signaling"
        return Client(url, code=code, region=region, times=times, jitter=lambda: 1.0)

    async def _meet(self, socket: ServerConnection) -> None:
        self.subprotocols.append(socket.subprotocol)
        self.hellos.append(json.loads(await socket.recv()))
        number = len(self.hellos) - 1
        await socket.send(json.dumps(welcome(number)))
        for line in self._lines if number == 0 else ():
            if isinstance(line, int):
                return await socket.close(line)
            await socket.send(json.dumps({"type": line[0], **line[1]}))
        async for _ in socket:
            pass


class Stage(Script):
    """A server on which each socket has a part of its own, from its `hello` on; more sockets than parts play the last one again."""

    def __init__(self, *parts) -> None:
        super().__init__()
        self.sockets: list[ServerConnection] = []
        self.came: list[float] = []
        self.said: list[list[dict]] = []
        self.refused_at = 0.0
        self._parts = parts

    def heard(self, number: int, kind: str) -> list[dict]:
        """What this socket has said of one type."""
        return [message for message in self.said[number : number + 1] for message in message if message["type"] == kind]

    async def _meet(self, socket: ServerConnection) -> None:
        self.hellos.append(json.loads(await socket.recv()))
        self.sockets.append(socket)
        self.came.append(time.monotonic())
        self.said.append([])
        number = len(self.hellos) - 1
        part = asyncio.create_task(self._parts[min(number, len(self._parts) - 1)](self, socket, number))
        with suppress(ConnectionClosed):
            async for text in socket:
                self.said[number].append(json.loads(text))
                if self.said[number][-1]["type"] == "leave":
                    await socket.close(1000)
        part.cancel()
        with suppress(ConnectionClosed, asyncio.CancelledError):
            await part


class SlowDoor(Stage):
    """It takes its time for the upgrade of the first socket."""

    def __init__(self, *parts) -> None:
        super().__init__(*parts)
        self.opened: list[float] = []

    async def _open(self, *_) -> None:
        self.opened.append(time.monotonic())
        if len(self.opened) == 1:
            await asyncio.sleep(0.7)


async def welcomes_late(stage: SlowDoor, socket: ServerConnection, number: int) -> None:
    """A second and a half after the first socket was opened."""
    await asyncio.sleep(stage.opened[0] + 1.5 - time.monotonic())
    await welcomes(stage, socket, number)


async def _next_is_refused(stage: Stage, client: Client) -> None:
    """Waits until the next socket has been refused, and the client knows when to come again; the old one serves on."""
    await until_so(lambda: len(stage.hellos) == 2)
    await stage.sockets[1].wait_closed()
    await until_so(lambda: client._move_at)


async def say(socket: ServerConnection, kind: str, **members) -> None:
    await socket.send(json.dumps({"type": kind, **members}))


async def welcomes(stage: Stage, socket: ServerConnection, number: int) -> None:
    await socket.send(json.dumps(welcome(number)))


def says(kind: str, **members):
    async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
        await welcomes(stage, socket, number)
        await say(socket, kind, **members)

    return part


def refuses(code: str, close: int, **members):
    async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
        await say(socket, "error", code=code, **members)
        await socket.close(close)

    return part


def meets(*told: dict, **more):
    """Welcomes into a room where these members are, and goes on with these messages."""

    async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
        members = [one for one in told if "type" not in one]
        await socket.send(json.dumps({**welcome(number), "members": members, **more}))
        for message in told[len(members) :]:
            await socket.send(json.dumps(message))

    return part


def limits(kind: str, *told: dict, seconds: float = 0.2, times: int = 1):
    """The same, and refuses the first messages of a type, so many of them."""

    async def part(stage: Stage, socket: ServerConnection, number: int) -> None:
        await meets(*told)(stage, socket, number)
        await until_so(lambda: len(stage.heard(number, kind)) == times)
        stage.refused_at = time.monotonic()
        for _ in range(times):
            await say(socket, "error", code="rate-limited", about=kind, retry_after=seconds)

    return part


async def says_nothing(stage: Stage, socket: ServerConnection, number: int) -> None:
    pass


async def cuts_off(stage: Stage, socket: ServerConnection, number: int) -> None:
    socket.transport.abort()


def welcome(number: int) -> dict:
    return {
        "type": "welcome",
        "version": 1,
        "peer": "alice",
        "stamp": 1,
        "resumed": number > 0,
        "capacity": 6,
        "locked": False,
        "revision": 1,
        "members": [],
        "token": f"token-{number}",
        "token_lifetime": 43200,
        "ice_servers": [],
        "ice_lifetime": None,
        "features": ["lock", "report", "resume", "state"],
        "limits": {"message_bytes": 65536, "silence": 20, "place": 30},
    }


def member(peer: str, *, stamp: int = 2, away: bool = False) -> dict:
    return {"peer": peer, "stamp": stamp, "away": away, "state": {"name": peer}}


BOB = member("bob")
EARLIER = member("bob", stamp=0)
AWAY = member("bob", stamp=0, away=True)
LOST = {"type": "left", "revision": 2, "peer": "bob", "reason": "lost"}
UNSEEN = {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False}


def signal(seq: int, body, *, stream: str = "q1") -> dict:
    """From Bob."""
    return {"type": "signal", "from": "bob", "stream": stream, "seq": seq, "body": body}


def is_closed(text: str) -> None:
    """A data channel that is not open any more, as aiortc has it."""
    raise RuntimeError("InvalidStateError")


def tasks_of_clients() -> list[asyncio.Task]:
    return [task for task in asyncio.all_tasks() if task.get_coro().__qualname__.startswith("Client.")]


def resend_times(stream: Stream, *, until: int) -> list[int]:
    return [now for now in range(1, until + 1) if stream.due(now=now)]


def client(server, code: str, name: str, *, times: Times = QUICK, **more) -> Client:
    return Client(server.ws_url, code=code, name=name, times=times, **more)


async def until(one: Client, wanted: type) -> Event:
    """The next event of a kind; those before it are dropped."""
    async with asyncio.timeout(SECONDS):
        async for event in one:
            if isinstance(event, wanted):
                return event
    raise AssertionError(f"{one.state['name']} waited in vain for {wanted.__name__}")


async def up_to(one: Client, wanted: type) -> list[Event]:
    """The events until one of a kind has come, that one included."""
    events: list[Event] = []
    async with asyncio.timeout(SECONDS):
        async for event in one:
            events.append(event)
            if isinstance(event, wanted):
                return events
    raise AssertionError(f"{one.state['name']} waited in vain for {wanted.__name__}")


async def take_all_until(one: Client, last: int) -> list[Event]:
    """The events until this body has come, and those of two seconds after it, in which a doubled one would come."""
    events: list[Event] = []
    async with asyncio.timeout(3 * SECONDS):
        while not events or getattr(events[-1], "body", None) != last:
            events.append(await anext(one))
    return events + await rest_of(one)


async def move(clients: list[Client], chance: random.Random) -> int:
    """Asks them to reconnect, as a server does that is about to stop; how often they have, when it is cancelled."""
    moves = 0
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(chance.random() / 4)
            one = chance.choice(clients)
            was = one.socket
            one._take(json.dumps({"type": "reconnect", "after_ms": 50 * chance.random()}))
            await until_so(lambda one=one, was=was: one.socket is not was)
            moves += 1
    return moves


async def send_slowly(one: Client, peer: str, number: int, chance: random.Random | None) -> None:
    for body in range(number):
        await one.send(peer, body)
        await asyncio.sleep(chance.random() / 40 if chance else 0)


async def take_bodies(one: Client, number: int) -> list:
    async with asyncio.timeout(3 * SECONDS):
        bodies = []
        async for event in one:
            if isinstance(event, Body):
                bodies.append(event.body)
            if len(bodies) == number:
                return bodies


async def break_sockets(clients: list[Client], chance: random.Random) -> int:
    """How often it has broken one, when it is cancelled."""
    breaks = 0
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(chance.random() / 2)
            one = chance.choice(clients)
            if one.socket:
                one.socket.transport.abort()
                breaks += 1
    return breaks


async def stop(task: asyncio.Task) -> int:
    task.cancel()
    return await task


async def rest_of(one: Client) -> list[Event]:
    events = []
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            async for event in one:
                events.append(event)
    return events
