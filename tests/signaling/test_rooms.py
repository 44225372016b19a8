"""What every store of rooms must do; each store is put in here."""

import asyncio
import random
import time
from itertools import pairwise

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from signaling.protocol import ProtocolError, ShowState, State
from signaling.rooms import Call, Held
from signaling.rooms.memory import MemoryRooms
from signaling.rooms.redis import RedisRooms
from tests.cast import ALICE, BOB, CHARLIE, Clock, entry, peer_id, told


@pytest.fixture
def clock():
    return Clock(time.time())  # as Redis's own


@pytest.fixture(params=["memory", "redis"])
async def rooms(request, clock):
    if request.param == "memory":
        yield MemoryRooms(clock=clock, wall=clock, remember=3600, reload=30)
        return
    client = Redis(unix_socket_path=request.getfixturevalue("redis_socket"))
    await client.flushall()
    start = clock()
    yield RedisRooms(client, lease=1e6, quarantine=0, remember=3600, reload=30, skew=lambda: clock() - start)
    await client.aclose()


async def join(rooms, peer, *, capacity=2, **members):
    return await rooms.join(entry(peer), capacity=capacity, **members)


async def resume(rooms, peer, *, capacity=2, stamp=5, connection=1, call=None, **members):
    return await rooms.resume(entry(peer, **members), capacity=capacity, stamp=stamp, connection=connection, call=call)


async def renew(rooms):
    """What the node of all these people does now and then."""
    room = await rooms.view("room")
    return await rooms.renew([Held(room, tuple(member for member in room.members.values() if not member.away))])


async def refused(coming) -> str:
    with pytest.raises(ProtocolError) as refusal:
        await coming
    return refusal.value.code


async def peers(rooms) -> set[str]:
    return set((await rooms.view("room")).members)


class JoinTests:
    async def test_the_first_one_is_alone(self, rooms):
        outcome = await join(rooms, ALICE)

        assert outcome.room.others(ALICE) == []
        assert (outcome.room.revision, outcome.room.capacity) == (1, 2)

    async def test_the_second_one_finds_the_first_and_is_later(self, rooms):
        first = await join(rooms, ALICE)
        second = await join(rooms, BOB)

        assert [view.peer for view in second.room.others(BOB)] == [ALICE]
        assert second.member.stamp > first.member.stamp
        assert told(second) == [
            {
                "type": "joined",
                "revision": 2,
                "member": {
                    "peer": BOB,
                    "stamp": second.member.stamp,
                    "away": False,
                    "state": {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False},
                },
            }
        ]

    async def test_the_third_one_is_refused_in_a_room_of_two(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)

        assert await refused(join(rooms, CHARLIE)) == "room-full"
        assert await peers(rooms) == {ALICE, BOB}

    async def test_the_capacity_is_that_of_the_first_one(self, rooms):
        await join(rooms, ALICE, capacity=3)
        await join(rooms, BOB, capacity=2)
        await join(rooms, CHARLIE, capacity=2)

        assert await refused(join(rooms, peer_id("dave"), capacity=9)) == "room-full"

    async def test_stamps_rise_also_when_the_clock_stands_or_steps_back(self, rooms, clock):
        stamps = []
        for number in range(5):
            stamps.append((await join(rooms, peer_id(f"peer{number}"), capacity=9)).member.stamp)
            clock.move(-10)

        assert stamps == sorted(set(stamps))
        assert all(stamp < 2**53 for stamp in stamps)

    async def test_asking_twice_is_asking_once(self, rooms):
        asked = entry(ALICE)

        first = await rooms.join(asked, capacity=2)
        again = await rooms.join(asked, capacity=2)

        assert again.member == first.member
        assert again.room.revision == 1

    async def test_an_empty_room_is_forgotten(self, rooms):
        first = await join(rooms, ALICE, capacity=2)
        await rooms.lock("room", ALICE, connection=1, locked=True)
        await rooms.leave("room", ALICE, connection=first.member.connection)

        outcome = await join(rooms, BOB, capacity=5)

        assert (outcome.room.capacity, outcome.room.locked, outcome.room.revision) == (5, False, 1)

    async def test_of_many_at_once_exactly_two_come_in_and_one_is_later(self, rooms):
        seed = random.randrange(10**9)
        print("seed", seed)
        chance = random.Random(seed)
        for number in range(200):
            names = [peer_id(f"peer{name}") for name in range(chance.randint(3, 5))]
            coming = [rooms.join(entry(name, room=f"room {number}"), capacity=2) for name in names]

            outcomes = await asyncio.gather(*coming, return_exceptions=True)

            admitted = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
            assert len(admitted) == 2, f"seed {seed}"
            assert [len(outcome.room.others(outcome.member.peer)) for outcome in admitted] == [0, 1], f"seed {seed}"
            assert {outcome.code for outcome in outcomes if isinstance(outcome, Exception)} == {"room-full"}


class LeaveTests:
    async def test_the_place_is_free_at_once(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)

        outcome = await rooms.leave("room", ALICE, connection=1)

        assert told(outcome) == [{"type": "left", "revision": 3, "peer": ALICE, "reason": "hung-up"}]
        await join(rooms, CHARLIE)
        assert await peers(rooms) == {BOB, CHARLIE}

    async def test_leaving_twice_or_never_having_been_there_does_nothing(self, rooms):
        await join(rooms, ALICE)
        await rooms.leave("room", ALICE, connection=1)

        assert await rooms.leave("room", ALICE, connection=1) is None
        assert await rooms.leave("room", BOB, connection=1) is None
        assert await rooms.leave("nowhere", BOB, connection=1) is None

    async def test_who_has_left_cannot_resume(self, rooms):
        await join(rooms, ALICE)
        await rooms.leave("room", ALICE, connection=1)

        assert await refused(resume(rooms, ALICE)) == "gone"

    async def test_it_is_forgotten_once_no_token_serves_any_more(self, rooms, clock):
        await join(rooms, ALICE)
        await rooms.leave("room", ALICE, connection=1)
        clock.move(3601)
        await renew(rooms)

        assert (await resume(rooms, ALICE)).member.peer == ALICE


class AwayTests:
    async def test_the_place_is_kept_and_nobody_else_gets_it(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)

        outcome = await rooms.away("room", ALICE, connection=1, keep=30)

        assert told(outcome) == [{"type": "away", "revision": 3, "peer": ALICE}]
        assert outcome.room.others(BOB)[0].away is True
        assert await refused(join(rooms, CHARLIE)) == "room-full"

    async def test_after_the_time_the_others_are_told_and_the_place_is_free(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.away("room", ALICE, connection=1, keep=30)

        clock.move(29.9)
        assert await renew(rooms) == []
        clock.move(0.1)
        outcomes = await renew(rooms)

        assert [told(outcome) for outcome in outcomes] == [
            [{"type": "left", "revision": 4, "peer": ALICE, "reason": "lost"}]
        ]
        assert await peers(rooms) == {BOB}

    async def test_who_comes_next_gets_the_place_although_nobody_has_swept(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.away("room", ALICE, connection=1, keep=30)
        clock.move(31)

        outcome = await join(rooms, CHARLIE)

        assert [message["type"] for message in told(outcome)] == ["left", "joined"]

    async def test_an_older_socket_can_neither_leave_nor_go_away_nor_show_nor_lock(self, rooms):
        await join(rooms, ALICE)
        await resume(rooms, ALICE)

        assert await rooms.leave("room", ALICE, connection=1) is None
        assert await rooms.away("room", ALICE, connection=1, keep=30) is None
        assert await rooms.show("room", ALICE, connection=1, change=ShowState(muted=True)) is None
        assert await rooms.lock("room", ALICE, connection=1, locked=True) is None
        assert (await rooms.view("room")).members[ALICE].away is False

    async def test_going_away_twice_says_it_once(self, rooms):
        await join(rooms, ALICE)
        await rooms.away("room", ALICE, connection=1, keep=30)

        assert await rooms.away("room", ALICE, connection=1, keep=30) is None


class AbandonedRoomTests:
    @pytest.fixture
    async def abandoned(self, rooms, clock):
        """Alice and Bob lock their room, lose their sockets, and are not back in time; nobody has swept."""
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", ALICE, connection=1, locked=True)
        for peer in (ALICE, BOB):
            await rooms.away("room", peer, connection=1, keep=30)
        clock.move(31)

    async def test_a_newcomer_finds_a_new_room(self, rooms, abandoned):
        outcome = await join(rooms, CHARLIE)

        assert (outcome.room.locked, list(outcome.room.members)) == (False, [CHARLIE])

    async def test_its_people_may_still_come_back(self, rooms, abandoned):
        await resume(rooms, ALICE)

        assert await peers(rooms) == {ALICE}


class ResumeTests:
    async def test_the_same_member_is_back_on_a_newer_connection(self, rooms):
        first = await join(rooms, ALICE)
        await rooms.away("room", ALICE, connection=1, keep=30)

        outcome = await resume(rooms, ALICE)

        assert (outcome.member.stamp, outcome.member.connection) == (first.member.stamp, 2)
        assert told(outcome) == [{"type": "back", "revision": 3, "peer": ALICE}]

    async def test_the_others_hear_nothing_when_the_old_socket_still_stood(self, rooms):
        await join(rooms, ALICE)

        assert told(await resume(rooms, ALICE)) == []

    async def test_a_state_that_changed_meanwhile_is_told(self, rooms):
        await join(rooms, ALICE)
        await rooms.away("room", ALICE, connection=1, keep=30)

        outcome = await resume(rooms, ALICE, state=State(muted=True))

        assert [message["type"] for message in told(outcome)] == ["back", "state"]
        assert outcome.member.state.muted is True

    async def test_without_a_state_the_known_one_stays(self, rooms):
        await rooms.join(entry(ALICE, state=State(name="Alice")), capacity=2)

        assert (await resume(rooms, ALICE)).member.state.name == "Alice"

    async def test_who_comes_too_late_gets_a_free_place_with_the_old_stamp(self, rooms):
        await join(rooms, BOB)

        outcome = await resume(rooms, ALICE, stamp=5, connection=3)

        assert (outcome.member.stamp, outcome.member.connection) == (5, 4)
        assert [message["type"] for message in told(outcome)] == ["joined"]

    async def test_who_comes_too_late_is_refused_in_a_full_room(self, rooms):
        await join(rooms, BOB)
        await join(rooms, CHARLIE)

        assert await refused(resume(rooms, ALICE)) == "replaced"

    async def test_who_comes_too_late_is_refused_in_a_locked_room(self, rooms):
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)

        assert await refused(resume(rooms, ALICE)) == "replaced"

    async def test_coming_back_to_a_kept_place_is_no_new_admission_and_coming_too_late_is(self, rooms, clock):
        assert (await join(rooms, ALICE)).is_new is True
        await join(rooms, BOB)
        await rooms.away("room", ALICE, connection=1, keep=30)
        assert (await resume(rooms, ALICE)).is_new is False
        await rooms.away("room", ALICE, connection=2, keep=30)
        clock.move(31)
        assert (await resume(rooms, ALICE)).is_new is True

    async def test_who_has_not_heard_that_it_was_let_in_anew_is_told_so_until_it_has(self, rooms, clock):
        """The others have forgotten its streams; its token tells what it knows."""
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.away("room", ALICE, connection=1, keep=30)
        clock.move(31)
        unheard = await resume(rooms, ALICE, connection=1)

        again = await resume(rooms, ALICE, connection=1)
        assert (unheard.is_new, again.is_new, told(again)) == (True, True, [])
        assert (await resume(rooms, ALICE, connection=again.member.connection)).is_new is False

    async def test_an_older_hello_that_comes_late_does_not_take_the_place_from_the_newer(self, rooms):
        await rooms.join(entry(ALICE, attempt=0), capacity=2)
        await resume(rooms, ALICE, attempt=2)

        assert await refused(resume(rooms, ALICE, attempt=1)) == "superseded"
        assert (await rooms.view("room")).members[ALICE].connection == 2
        assert (await resume(rooms, ALICE, attempt=2)).member.connection == 3
        assert (await resume(rooms, ALICE, attempt=3)).member.connection == 4

    async def test_without_a_count_of_sockets_the_last_one_wins(self, rooms):
        await join(rooms, ALICE)
        await resume(rooms, ALICE)

        assert (await resume(rooms, ALICE)).member.connection == 3

    async def test_resuming_twice_with_one_request_is_resuming_once(self, rooms):
        await join(rooms, ALICE)
        asked = entry(ALICE)

        first = await rooms.resume(asked, capacity=2, stamp=5, connection=1)
        again = await rooms.resume(asked, capacity=2, stamp=5, connection=1)

        assert again.member == first.member


NONCE = "n" * 22


class UnheardTests:
    """The answer to a join was lost on its way to the page, which asks again, mostly at another node."""

    async def test_who_was_let_in_and_never_heard_of_it_takes_its_own_place(self, rooms):
        await join(rooms, BOB)
        await rooms.join(entry(ALICE, attempt=0, nonce=NONCE), capacity=2)
        await rooms.lock("room", BOB, connection=1, locked=True)

        outcome = await rooms.join(entry(CHARLIE, attempt=1, nonce=NONCE), capacity=2)

        assert [(message["type"], message.get("reason")) for message in told(outcome)] == [
            ("left", "removed"),
            ("joined", None),
        ]
        assert await peers(rooms) == {BOB, CHARLIE}

    async def test_so_does_who_replaces_somebody(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        dave = peer_id("dave")
        await rooms.join(entry(CHARLIE, attempt=0, nonce=NONCE), capacity=2, replaces=ALICE)

        await rooms.join(entry(dave, attempt=1, nonce=NONCE), capacity=2, replaces=ALICE)

        assert await peers(rooms) == {BOB, dave}

    async def test_an_earlier_attempt_that_comes_late_takes_nothing(self, rooms):
        await rooms.join(entry(ALICE, attempt=1, nonce=NONCE), capacity=2)

        assert await refused(rooms.join(entry(BOB, attempt=0, nonce=NONCE), capacity=2)) == "superseded"
        assert await peers(rooms) == {ALICE}

    async def test_nobody_is_taken_for_somebody_else(self, rooms):
        await rooms.join(entry(ALICE, attempt=0), capacity=4)
        await rooms.join(entry(BOB, attempt=0, nonce=NONCE), capacity=4)

        await rooms.join(entry(CHARLIE, attempt=1), capacity=4)
        await rooms.join(entry(peer_id("dave"), attempt=1, nonce="m" * 22), capacity=4)

        assert await peers(rooms) == {ALICE, BOB, CHARLIE, peer_id("dave")}


class ReplaceTests:
    async def test_a_new_page_takes_the_place_of_the_old_one_in_a_full_room(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)

        outcome = await join(rooms, CHARLIE, replaces=ALICE)

        assert [(message["type"], message.get("reason")) for message in told(outcome)] == [
            ("left", "removed"),
            ("joined", None),
        ]
        assert await peers(rooms) == {BOB, CHARLIE}
        assert await refused(resume(rooms, ALICE)) == "gone"

    async def test_a_locked_room_lets_it_in(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)

        assert (await join(rooms, CHARLIE, replaces=ALICE)).member.peer == CHARLIE

    async def test_a_locked_room_lets_it_in_shortly_after_the_old_page_has_left(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        await rooms.leave("room", ALICE, connection=1)
        clock.move(29)

        assert (await join(rooms, CHARLIE, replaces=ALICE)).member.peer == CHARLIE

    async def test_but_not_long_after(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        await rooms.leave("room", ALICE, connection=1)
        clock.move(31)

        assert await refused(join(rooms, CHARLIE, replaces=ALICE)) == "locked"

    async def test_and_only_once(self, rooms):
        await join(rooms, ALICE, capacity=6)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        await rooms.leave("room", ALICE, connection=1)
        await join(rooms, CHARLIE, replaces=ALICE)

        assert await refused(join(rooms, peer_id("dave"), replaces=ALICE)) == "locked"

    async def test_having_left_makes_no_place_in_a_full_room(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.leave("room", ALICE, connection=1)
        await join(rooms, peer_id("dave"))

        assert await refused(join(rooms, CHARLIE, replaces=ALICE)) == "room-full"

    @pytest.mark.parametrize("had_left", [False, True])
    async def test_who_replaces_somebody_and_never_hears_of_it_may_do_so_again(self, rooms, clock, had_left):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        if had_left:
            await rooms.leave("room", ALICE, connection=1)
        await join(rooms, CHARLIE, replaces=ALICE)

        await rooms.leave("room", CHARLIE, connection=1, restores=ALICE)

        dave, erin = peer_id("dave"), peer_id("erin")
        assert (await join(rooms, dave, replaces=ALICE)).member.peer == dave
        await rooms.leave("room", dave, connection=1)
        assert await refused(join(rooms, erin, replaces=ALICE)) == "locked"  # dave knew, and used it up

    async def test_the_time_for_a_reload_does_not_begin_anew_with_that(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        await rooms.leave("room", ALICE, connection=1)
        await join(rooms, CHARLIE, replaces=ALICE)
        clock.move(16)
        await rooms.leave("room", CHARLIE, connection=1, restores=ALICE)
        clock.move(16)

        assert await refused(join(rooms, peer_id("dave"), replaces=ALICE)) == "locked"

    async def test_replacing_a_stranger_helps_nobody(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)

        assert await refused(join(rooms, CHARLIE, replaces=peer_id("dave"))) == "room-full"


class ShowTests:
    async def test_the_others_are_told_the_whole_state(self, rooms):
        await rooms.join(entry(ALICE, state=State(name="Alice", camera=True)), capacity=2)

        outcome = await rooms.show("room", ALICE, connection=1, change=ShowState(muted=True))

        assert told(outcome) == [
            {
                "type": "state",
                "revision": 2,
                "peer": ALICE,
                "state": {"name": "Alice", "muted": True, "camera": True, "sharing": False, "hand": False},
            }
        ]

    async def test_what_changes_nothing_is_not_told(self, rooms):
        await join(rooms, ALICE)

        assert told(await rooms.show("room", ALICE, connection=1, change=ShowState(muted=False))) == []


class LockTests:
    async def test_a_locked_room_admits_nobody_new(self, rooms):
        await join(rooms, ALICE)

        outcome = await rooms.lock("room", ALICE, connection=1, locked=True)

        assert told(outcome) == [{"type": "lock", "revision": 2, "locked": True, "peer": ALICE}]
        assert await refused(join(rooms, BOB)) == "locked"

    async def test_an_unlocked_one_does(self, rooms):
        await join(rooms, ALICE)
        await rooms.lock("room", ALICE, connection=1, locked=True)
        await rooms.lock("room", ALICE, connection=1, locked=False)

        assert (await join(rooms, BOB)).member.peer == BOB

    async def test_locking_twice_is_told_once(self, rooms):
        await join(rooms, ALICE)
        await rooms.lock("room", ALICE, connection=1, locked=True)

        assert told(await rooms.lock("room", ALICE, connection=1, locked=True)) == []


def _settled(call: Call) -> Call:
    """All of it but the moment at which two were last seen there, which goes on."""
    return replace(call, together=0.0)


class CallTests:
    """Redis's clock goes on by itself, so times are compared with a minute to spare."""

    async def test_one_who_is_alone_is_in_no_call(self, rooms):
        assert (await join(rooms, ALICE)).room.call is None

    async def test_it_begins_with_the_second_and_grows_with_the_third(self, rooms):
        await join(rooms, ALICE, capacity=3)
        second = await join(rooms, BOB)
        third = await join(rooms, CHARLIE)

        assert second.room.call.id.startswith("room.")
        assert second.room.call.largest == 2
        assert third.room.call == replace(second.room.call, largest=3)

    async def test_it_ends_with_the_second_last_that_leaves(self, rooms, clock):
        await join(rooms, ALICE, capacity=3)
        call = (await join(rooms, BOB)).room.call
        await join(rooms, CHARLIE)
        clock.move(1000)
        assert (await rooms.leave("room", CHARLIE, connection=1)).room.call.id == call.id
        clock.move(1000)
        assert (await rooms.leave("room", ALICE, connection=1)).room.call is None
        clock.move(1000)
        await rooms.leave("room", BOB, connection=1)

        (ended,) = await rooms.ended_calls(10)

        assert (ended.id, ended.room, ended.started, ended.largest) == (call.id, "room", call.started, 3)
        assert ended.ended - ended.started == pytest.approx(2000, abs=60)
        assert (ended.connected, ended.relayed) == (False, False)

    async def test_meeting_again_is_a_new_call(self, rooms, clock):
        await join(rooms, ALICE)
        first = (await join(rooms, BOB)).room.call
        clock.move(1000)
        await rooms.leave("room", BOB, connection=1)
        clock.move(1000)

        again = (await join(rooms, CHARLIE)).room.call

        assert again.id != first.id
        assert again.started - first.started == pytest.approx(2000, abs=60)

    async def test_who_is_away_and_back_is_in_the_same_call(self, rooms, clock):
        await join(rooms, ALICE)
        call = (await join(rooms, BOB)).room.call
        clock.move(1000)
        assert _settled((await rooms.away("room", ALICE, connection=1, keep=600)).room.call) == _settled(call)
        clock.move(300)
        assert _settled((await resume(rooms, ALICE)).room.call) == _settled(call)
        clock.move(1000)
        await rooms.leave("room", BOB, connection=1)

        (ended,) = await rooms.ended_calls(10)

        assert ended.ended - ended.started == pytest.approx(2300, abs=60)

    @pytest.mark.parametrize("hangs_up", [True, False], ids=["the other hangs up", "the other waits"])
    async def test_it_ends_when_who_does_not_come_back_was_last_there(self, rooms, clock, hangs_up):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        clock.move(1000)
        await rooms.away("room", ALICE, connection=1, keep=600)
        clock.move(500)
        if hangs_up:
            await rooms.leave("room", BOB, connection=1)
        else:
            clock.move(500)
            await renew(rooms)

        (ended,) = await rooms.ended_calls(10)

        assert ended.ended - ended.started == pytest.approx(1000, abs=60)

    async def test_the_last_two_who_were_there_together_count(self, rooms, clock):
        """Alice is gone first, but keeps her place longest; Bob and Charlie talk on."""
        await join(rooms, ALICE, capacity=3)
        await join(rooms, BOB)
        await join(rooms, CHARLIE)
        clock.move(1000)
        await rooms.away("room", ALICE, connection=1, keep=9000)
        clock.move(1000)
        await rooms.leave("room", CHARLIE, connection=1)
        clock.move(1000)
        await rooms.leave("room", BOB, connection=1)

        (ended,) = await rooms.ended_calls(10)

        assert ended.ended - ended.started == pytest.approx(2000, abs=60)

    async def test_of_several_who_run_out_at_once_the_last_two_count(self, rooms, clock):
        for peer in (ALICE, BOB, CHARLIE):
            await join(rooms, peer, capacity=3)
        for peer in (ALICE, BOB, CHARLIE):
            clock.move(1000)
            await rooms.away("room", peer, connection=1, keep=5000)
        clock.move(9000)
        assert await rooms.ended_calls(10) == []

        outcome = await join(rooms, peer_id("dave"))

        (ended,) = await rooms.ended_calls(10)
        assert outcome.room.call is None
        assert ended.ended - ended.started == pytest.approx(2000, abs=60)

    async def test_who_comes_after_the_other_ran_out_is_in_a_new_call(self, rooms, clock):
        await join(rooms, ALICE)
        call = (await join(rooms, BOB)).room.call
        await rooms.away("room", ALICE, connection=1, keep=30)
        clock.move(31)

        outcome = await join(rooms, CHARLIE)

        assert outcome.room.call.id != call.id
        assert [ended.id for ended in await rooms.ended_calls(10)] == [call.id]

    async def test_a_refusal_ends_nothing_twice(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.lock("room", BOB, connection=1, locked=True)
        await rooms.away("room", ALICE, connection=1, keep=30)
        clock.move(31)
        for _ in range(3):
            assert await refused(join(rooms, CHARLIE)) == "locked"

        await renew(rooms)

        assert len(await rooms.ended_calls(10)) == 1

    async def test_a_reload_of_a_page_does_not_split_it(self, rooms):
        await join(rooms, ALICE)
        call = (await join(rooms, BOB)).room.call

        assert _settled((await join(rooms, CHARLIE, replaces=ALICE)).room.call) == _settled(call)
        assert await rooms.ended_calls(10) == []

    async def test_it_is_connected_once_one_has_said_so_and_relayed_once_one_has(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        for peer, relayed in ((ALICE, False), (BOB, True), (ALICE, False)):
            assert await rooms.report("room", peer, connection=1, relayed=relayed) is None
        assert (await rooms.view("room")).revision == 2
        await rooms.leave("room", ALICE, connection=1)

        (ended,) = await rooms.ended_calls(10)

        assert (ended.connected, ended.relayed) == (True, True)

    async def test_a_direct_one_is_not_relayed(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)

        await rooms.report("room", ALICE, connection=1, relayed=False)

        call = (await rooms.view("room")).call
        assert (call.connected, call.relayed) == (True, False)

    async def test_it_took_as_long_to_connect_as_until_the_first_said_so(self, rooms, clock):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        for peer in (BOB, ALICE):
            clock.move(2)
            await rooms.report("room", peer, connection=1, relayed=False)
        await rooms.leave("room", ALICE, connection=1)

        (ended,) = await rooms.ended_calls(10)

        assert ended.connect_seconds == pytest.approx(2, abs=1)

    async def test_of_one_that_nobody_reports_it_is_not_known_how_long_it_took(self, rooms):
        await join(rooms, ALICE)
        await join(rooms, BOB)
        await rooms.leave("room", ALICE, connection=1)

        assert (await rooms.ended_calls(1))[0].connect_seconds is None

    async def test_reports_of_strangers_and_older_sockets_and_of_one_alone_do_nothing(self, rooms):
        await join(rooms, ALICE)
        await rooms.report("room", ALICE, connection=1, relayed=True)
        await rooms.report("nowhere", ALICE, connection=1, relayed=True)
        await join(rooms, BOB)
        await rooms.report("room", CHARLIE, connection=1, relayed=True)
        await resume(rooms, BOB)
        await rooms.report("room", BOB, connection=1, relayed=True)

        assert (await rooms.view("room")).call.connected is False

    async def test_they_are_kept_until_they_are_forgotten_the_oldest_first(self, rooms):
        calls = []
        await join(rooms, ALICE)
        for number in range(5):
            calls.append((await join(rooms, peer_id(f"peer{number}"))).room.call.id)
            await rooms.leave("room", peer_id(f"peer{number}"), connection=1)

        first = await rooms.ended_calls(2)
        assert [call.id for call in first] == calls[:2]
        assert await rooms.ended_calls(2) == first
        for _ in range(2):
            await rooms.forget_calls(first)
        await rooms.forget_calls([])

        assert [call.id for call in await rooms.ended_calls(10)] == calls[2:]


class FormerCallTests:
    """The store has forgotten everything, and only tokens know of the call."""

    @pytest.fixture(autouse=True)
    def former(self, rooms, clock):
        return Call("room.1", clock() - 5000)

    @pytest.mark.parametrize("knows", [(True, False), (False, True), (True, True)])
    async def test_it_goes_on_when_one_of_two_knows_it(self, rooms, clock, former, knows):
        await resume(rooms, ALICE, call=former if knows[0] else None)
        outcome = await resume(rooms, BOB, call=former if knows[1] else None)
        assert (outcome.room.call.id, outcome.room.call.started) == (former.id, former.started)
        clock.move(1000)
        await rooms.leave("room", BOB, connection=2)

        (ended,) = await rooms.ended_calls(10)

        assert ended.id == former.id
        assert ended.ended - ended.started == pytest.approx(6000, abs=60)

    async def test_what_was_begun_meanwhile_is_the_same(self, rooms, former):
        await resume(rooms, ALICE, capacity=3)
        begun = (await resume(rooms, BOB)).room.call
        assert begun.id != former.id
        await rooms.report("room", ALICE, connection=2, relayed=True)

        call = (await resume(rooms, CHARLIE, call=former)).room.call

        assert (call.id, call.started, call.largest) == (former.id, former.started, 3)
        assert (call.connected, call.relayed) == (True, True)
        assert await rooms.ended_calls(10) == []

    async def test_how_long_it_took_to_connect_is_forgotten(self, rooms, former):
        await resume(rooms, ALICE, call=former)
        await resume(rooms, BOB, call=former)

        await rooms.report("room", ALICE, connection=2, relayed=False)

        call = (await rooms.view("room")).call
        assert (call.id, call.connected, call.connect_seconds) == (former.id, True, None)

    async def test_it_goes_on_also_for_one_whose_place_was_known(self, rooms, former):
        await resume(rooms, ALICE)
        await resume(rooms, BOB)

        assert (await resume(rooms, ALICE, call=former)).room.call.id == former.id
        assert await rooms.ended_calls(10) == []

    async def test_strangers_who_have_met_meanwhile_are_in_another_call(self, rooms, former):
        await join(rooms, ALICE, capacity=3)
        begun = (await join(rooms, BOB)).room.call

        assert (await resume(rooms, CHARLIE, call=former)).room.call.id == begun.id

        (ended,) = await rooms.ended_calls(10)
        assert ended.id == former.id
        assert ended.ended <= begun.started

    async def test_tokens_may_name_at_once_what_newcomers_have_begun_and_later_what_others_have(self, rooms, clock):
        await join(rooms, ALICE)
        assert (await join(rooms, BOB)).room.call.certain_at <= clock()
        await rooms.leave("room", ALICE, connection=1)

        assert (await resume(rooms, CHARLIE)).room.call.certain_at > clock()

    @pytest.mark.parametrize("then", ["join", "leave"])
    async def test_it_is_over_when_the_others_do_not_come(self, rooms, clock, former, then):
        await resume(rooms, ALICE, call=former)
        clock.move(1000)
        if then == "join":
            call = (await join(rooms, BOB)).room.call
            assert call.id != former.id
        else:
            await rooms.leave("room", ALICE, connection=2)

        (ended,) = await rooms.ended_calls(10)

        assert ended.id == former.id
        assert ended.ended - ended.started == pytest.approx(
            5000, abs=60
        )  # when the store forgot, as far as anybody knows

    async def test_a_token_does_not_bring_back_what_was_over(self, rooms, former):
        await join(rooms, ALICE)
        call = (await join(rooms, BOB)).room.call
        await rooms.leave("room", BOB, connection=1)

        await resume(rooms, ALICE, call=call)
        assert (await join(rooms, CHARLIE)).room.call.id != call.id

        assert [ended.id for ended in await rooms.ended_calls(10)] == [call.id]

    async def test_a_token_brings_back_nothing_once_all_have_had_their_time(self, rooms, clock, former):
        await rooms.beat("node", holds=False)
        clock.move(2e6)  # longer than any lease

        await resume(rooms, ALICE, call=former)
        call = (await resume(rooms, BOB, call=former)).room.call

        assert call.id != former.id
        assert await rooms.ended_calls(10) == []

    async def test_of_two_that_followed_each_other_the_later_goes_on(self, rooms, former):
        """Alice's token is from when she spoke with somebody else."""
        earlier = Call("room.0", former.started - 1000)
        for peer, call in ((ALICE, earlier), (BOB, former)):
            outcome = await resume(rooms, peer, call=call)

        assert outcome.room.call.id == former.id

    @pytest.mark.parametrize("ends", ["leave", "lost", "all lost"])
    async def test_it_is_over_once_one_that_was_begun_here_has_ended(self, rooms, clock, former, ends):
        await resume(rooms, ALICE, capacity=3)
        begun = (await resume(rooms, BOB)).room.call
        clock.move(2)
        if ends == "leave":
            await rooms.leave("room", BOB, connection=2)
        for peer in {"leave": [], "lost": [BOB], "all lost": [ALICE, BOB]}[ends]:
            await rooms.away("room", peer, connection=2, keep=1)
        clock.move(2)

        for _ in range(2):  # the second time nothing is told twice
            await resume(rooms, CHARLIE, capacity=3, call=former)
        after = (await join(rooms, peer_id("dave"), capacity=3)).room.call

        assert after.id not in {begun.id, former.id}
        newer, older = sorted(await rooms.ended_calls(10), key=lambda call: call.id, reverse=True)
        assert (newer.id, older.id) == (begun.id, former.id)
        assert older.ended - older.started == pytest.approx(5000, abs=60)
        assert older.ended <= newer.started <= newer.ended <= after.started

    async def test_whatever_tokens_bring_no_two_follow_each_other_too_soon(self, rooms, clock, former):
        """Tokens of several calls from before, in any order, while calls of here begin and end."""
        seed = random.randrange(10**9)
        print("seed", seed)
        chance = random.Random(seed)
        names = [peer_id(f"peer{number}") for number in range(6)]
        for number in range(100):
            room = f"room {number}"
            known = [None, *(Call(f"{room}.{start}", former.started + start) for start in range(3))]
            connections: dict[str, int] = {}
            for _ in range(20):
                clock.move(0.001)
                name = chance.choice(names) + str(number)
                try:
                    if name in connections and chance.random() < 0.4:
                        await rooms.leave(room, name, connection=connections.pop(name))
                    elif name in connections and chance.random() < 0.2:
                        await rooms.away(room, name, connection=connections.pop(name), keep=0.002)
                    else:
                        token = {"stamp": names.index(name[:16]) + 1, "connection": 1, "call": chance.choice(known)}
                        outcome = await rooms.resume(entry(name, room=room), capacity=3, **token)
                        connections[name] = outcome.member.connection
                        running = outcome.room.call
                        known += [running] if running and running.certain_at <= clock() else []
                except ProtocolError as refusal:
                    assert refusal.code in {"gone", "replaced"}, f"seed {seed}"
            running = (await rooms.view(room)).call

            ended = sorted((call.started, call.ended, call.id) for call in await rooms.ended_calls(1000))
            await rooms.forget_calls(await rooms.ended_calls(1000))
            ended += [(running.started, clock(), running.id)] if running else []
            assert len({call for _, _, call in ended}) == len(ended), f"seed {seed}"
            assert all(one[1] <= other[0] + 0.0001 for one, other in pairwise(ended)), f"seed {seed}: {ended}"


class ManyStepsTests:
    async def test_no_sequence_of_steps_breaks_a_room(self, rooms, clock):
        """Random steps; after each the room keeps its capacity, its revisions rise by the changes told, no two stamps are alike."""
        seed = random.randrange(10**9)
        print("seed", seed)
        chance = random.Random(seed)
        names = [peer_id(f"peer{number}") for number in range(5)]
        tokens: dict[str, tuple[int, int]] = {}
        calls: set[str] = set()
        for _ in range(3000):
            name = chance.choice(names)
            before = await rooms.view("room")
            stamp, connection = tokens.get(name, (1, 1))
            step = chance.choice(["join", "resume", "leave", "away", "show", "lock", "time"])
            try:
                if step == "join":
                    name = peer_id(f"{chance.randrange(10**9)}")
                    names[chance.randrange(5)] = name
                    outcome = await join(rooms, name, capacity=3)
                elif step == "resume":
                    outcome = await resume(rooms, name, capacity=3, stamp=stamp, connection=connection)
                elif step == "leave":
                    outcome = await rooms.leave("room", name, connection=connection)
                elif step == "away":
                    outcome = await rooms.away("room", name, connection=connection, keep=5)
                elif step == "show":
                    outcome = await rooms.show(
                        "room", name, connection=connection, change=ShowState(hand=chance.random() < 0.5)
                    )
                elif step == "lock":
                    outcome = await rooms.lock("room", name, connection=connection, locked=chance.random() < 0.2)
                else:
                    clock.move(chance.random() * 4)
                    outcome = next(iter(await renew(rooms)), None)
            except ProtocolError as refusal:
                assert refusal.code in {"room-full", "locked", "replaced", "gone"}, f"seed {seed}"
                continue
            if outcome is None:
                continue
            if outcome.member:
                tokens[outcome.member.peer] = (outcome.member.stamp, outcome.member.connection)
            after = outcome.room
            assert (after.call is not None) == (len(after.members) >= 2), f"seed {seed}"
            calls |= {after.call.id} if after.call else set()
            assert len(after.members) <= after.capacity, f"seed {seed}"
            assert len({(member.stamp, member.peer) for member in after.members.values()}) == len(after.members)
            if before.members and after.revision > 1:
                revisions = [message["revision"] for message in told(outcome)]
                assert revisions == list(range(before.revision + 1, after.revision + 1)), f"seed {seed}"
        ended = await rooms.ended_calls(3000)
        running = (await rooms.view("room")).call
        assert sorted(call.id for call in ended) == sorted(calls - {running and running.id}), f"seed {seed}"
        assert all(call.started <= call.ended for call in ended), f"seed {seed}"
        assert all(one.ended <= other.started for one, other in pairwise(ended)), f"seed {seed}"
