"""
A page that reloads, a tab that is duplicated, a laptop that slept, a socket that wakes up after its owner has gone on elsewhere: each ends
with one member and no ghost, whichever nodes the sockets are on.
"""

import asyncio
import secrets

import pytest

from tests.signaling.socket_client import Client

pytestmark = pytest.mark.server


@pytest.fixture
def nodes(server) -> list[str]:
    """Where the sockets of two nodes of one site are; Alice is on the first, Bob goes from the first to the second."""
    return [server.ws_url, server.ws_url]


@pytest.fixture
def hasty_nodes(hasty_server) -> list[str]:
    """The same with little patience: 3 seconds of silence, 1 second in which a place is kept."""
    return [hasty_server.ws_url, hasty_server.ws_url]


@pytest.fixture
def code() -> str:
    return f"comings-{secrets.token_hex(8)}"


async def resume(url: str, member: Client, **members) -> Client:
    client = await Client.open(url)
    await client.send("hello", resume=member.welcome["token"], **members)
    client.welcome = await client.hear("welcome")
    return client


async def only_other(alice: Client, *, there: Client) -> None:
    """The room holds Alice and this one, who is there; each hears the other."""
    await there.signal(alice.peer, 1)
    assert (await alice.hear("signal"))["from"] == there.peer
    await alice.signal(there.peer, 1)
    assert (await there.hear("signal"))["from"] == alice.peer
    for client, other in ((alice, there), (there, alice)):
        await client.send("members")
        listed = await client.hear("members")
        assert [(member["peer"], member["away"]) for member in listed["members"]] == [(other.peer, False)]


async def went(alice: Client, events: int) -> list[tuple[str, str]]:
    """The next changes of the room: what, and why or who; their revisions follow each other."""
    heard = [await alice.hear() for _ in range(events)]
    revisions = [event["revision"] for event in heard]
    assert revisions == list(range(revisions[0], revisions[0] + events))
    return [(event["type"], event.get("reason") or event.get("peer") or event["member"]["peer"]) for event in heard]


async def ping(client: Client) -> None:
    while True:
        await client.send("ping")
        await asyncio.sleep(0.5)


class ReloadTests:
    async def test_a_reload_is_a_new_member_in_place_of_the_old_one(self, nodes, code):
        """The browser closes the socket of the page with 1001 first."""
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as old:
            assert await went(alice, 1) == [("joined", old.peer)]
            await old.socket.close(1001)
            async with await Client.join(nodes[1], code, replaces=old.welcome["token"]) as new:
                assert await went(alice, 2) == [("left", "hung-up"), ("joined", new.peer)]
                await only_other(alice, there=new)

    async def test_a_page_that_was_killed_is_replaced_before_anybody_noticed(self, nodes, code):
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as old:
            assert await went(alice, 1) == [("joined", old.peer)]
            async with await Client.join(nodes[1], code, replaces=old.welcome["token"]) as new:
                assert await went(alice, 2) == [("left", "removed"), ("joined", new.peer)]
                assert await old.refusal() == "removed"
                assert await old.close_code() == 4017
                await only_other(alice, there=new)

    async def test_who_reloads_twice_in_a_hurry_is_one(self, nodes, code):
        """The second page was gone before it had its welcome: it never knew its token, and the third has that of the first."""
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as first:
            second = await Client.open(nodes[1])
            await second.send("hello", code=code, replaces=first.welcome["token"])
            await second.socket.close(1001)
            async with await Client.join(nodes[0], code, replaces=first.welcome["token"]) as third:
                events = [name for name, _ in await went(alice, 5)]
                assert (events.count("joined"), events.count("left")) == (3, 2)
                await only_other(alice, there=third)


class DuplicatedTabTests:
    async def test_the_copy_takes_the_place_and_the_original_is_told_for_good(self, nodes, code):
        """A copied tab has a copy of the storage of its page, and so the token with which a reload replaces it."""
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as original:
            assert await went(alice, 1) == [("joined", original.peer)]
            async with await Client.join(nodes[1], code, replaces=original.welcome["token"]) as copy:
                assert await went(alice, 2) == [("left", "removed"), ("joined", copy.peer)]
                assert await original.refusal() == "removed"
                async with await Client.open(nodes[0]) as again:
                    await again.send("hello", resume=original.welcome["token"])
                    assert await again.refusal() == "gone"
                await only_other(alice, there=copy)

    async def test_two_copies_of_one_life_are_one_member(self, nodes, code):
        """Both resume with the same token, in turn: the newest socket wins each time, and nobody else hears of it."""
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as life:
            assert await went(alice, 1) == [("joined", life.peer)]
            for turn in range(4):
                newest = await resume(nodes[turn % 2], life)
                assert (newest.peer, newest.welcome["resumed"]) == (life.peer, True)
                assert await life.refusal() == "superseded"
                assert await life.close_code() == 4010
                life = newest
            async with life:
                await only_other(alice, there=life)
                await life.send("leave")
                assert await went(alice, 1) == [("left", "hung-up")]


class SleepTests:
    async def test_a_laptop_that_wakes_up_in_time_is_back(self, nodes, code):
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as bob:
            bob.vanish()
            assert await went(alice, 2) == [("joined", bob.peer), ("away", bob.peer)]
            async with await resume(nodes[1], bob, attempt=1) as awake:
                assert await went(alice, 1) == [("back", bob.peer)]
                await only_other(alice, there=awake)

    async def test_a_laptop_that_slept_too_long_is_the_same_member_admitted_anew(self, hasty_nodes, code):
        """Its socket stays open and silent until the server gives it up, then its place runs out; Alice talks all the while."""
        async with await Client.join(hasty_nodes[0], code) as alice, await Client.join(hasty_nodes[0], code) as bob:
            pinging = asyncio.create_task(ping(alice))
            heard = []
            while len(heard) < 3:
                message = await alice.hear()
                if message["type"] != "pong":
                    heard.append((message["type"], message.get("reason")))
            assert heard == [("joined", None), ("away", None), ("left", "lost")]
            assert await bob.refusal() == "silent"
            assert await bob.close_code() == 4014

            async with await resume(hasty_nodes[1], bob, attempt=1) as awake:
                assert (awake.peer, awake.welcome["resumed"], awake.welcome["stamp"]) == (
                    bob.peer,
                    False,
                    bob.welcome["stamp"],
                )
                assert (await alice.hear("joined"))["member"]["peer"] == bob.peer
                await only_other(alice, there=awake)
            pinging.cancel()


class StaleSocketTests:
    async def test_what_it_says_before_it_hears_is_done_by_nobody(self, nodes, code):
        """The owner has gone on at another node; then the old line comes to life, and says what was in its buffers."""
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as stale:
            assert await went(alice, 1) == [("joined", stale.peer)]
            stale.socket.transport.pause_reading()
            async with await resume(nodes[1], stale, attempt=1) as owner:
                await stale.send("state", name="stale", hand=True)
                await stale.send("lock", locked=True)
                await stale.send("leave")
                stale.socket.transport.resume_reading()
                assert await stale.refusal() == "superseded"
                assert await stale.close_code() == 4010

                await owner.send("state", name="Bob")
                told = await alice.hear()
                assert (told["type"], told["state"]["name"], told["state"]["hand"]) == ("state", "Bob", False)
                await only_other(alice, there=owner)

    @pytest.mark.parametrize("end", ["vanish", "close"])
    async def test_its_end_is_not_the_end_of_its_owner(self, nodes, code, end):
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as stale:
            assert await went(alice, 1) == [("joined", stale.peer)]
            async with await resume(nodes[1], stale) as owner:
                if end == "vanish":
                    stale.vanish()
                else:
                    await stale.socket.close(1000)

                await only_other(alice, there=owner)
                await owner.send("state", hand=True)
                assert await went(alice, 1) == [("state", owner.peer)]

    async def test_its_hello_comes_too_late(self, nodes, code):
        async with await Client.join(nodes[0], code) as alice, await Client.join(nodes[0], code) as bob:
            bob.vanish()
            assert await went(alice, 2) == [("joined", bob.peer), ("away", bob.peer)]
            async with await resume(nodes[1], bob, attempt=2) as owner, await Client.open(nodes[0]) as stale:
                await stale.send("hello", resume=bob.welcome["token"], attempt=1)

                assert await stale.refusal() == "superseded"
                assert await stale.close_code() == 4010
                assert await went(alice, 1) == [("back", bob.peer)]
                await only_other(alice, there=owner)
