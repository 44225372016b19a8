"""Which rooms are renewed with which heartbeat."""

from signaling.rounds import TURNS, Rounds

ROOMS = [f"room {number}" for number in range(4)]


def rounds_with(rooms: list[str]) -> tuple[Rounds, int]:
    """None of these rooms is due; and a turn that is none of theirs."""
    rounds = Rounds()
    for room in rooms:
        rounds.add(room)
    rounds.done(rooms)
    for turn in range(TURNS):
        begun = rounds.begin(turn)
        rounds.done(begun)
        if not begun:
            return rounds, turn
    raise AssertionError("each turn is some room's")


def test_a_quiet_room_has_one_turn():
    rooms = [f"room {number}" for number in range(500)]
    rounds = Rounds()
    for room in rooms:
        rounds.add(room)
    rounds.done(rooms)

    seen = []
    for turn in range(TURNS):
        begun = rounds.begin(turn)
        rounds.done(begun)
        seen += begun

    assert sorted(seen) == sorted(rooms)


def test_who_comes_is_due_until_it_is_done():
    rounds, quiet = rounds_with([*ROOMS, "new"])
    rounds.discard("new")
    for _ in range(2):
        rounds.add("new")

    assert rounds.begin(quiet) == ["new"]
    assert rounds.begin(quiet) == ["new"]
    rounds.done(["new"])
    assert rounds.begin(quiet) == []


def test_what_became_due_first_comes_first():
    rounds, quiet = rounds_with(ROOMS)
    for room in reversed(ROOMS):
        rounds.mark([room])
    rounds.mark(ROOMS)

    assert rounds.begin(quiet) == ROOMS[::-1]


def test_what_has_failed_comes_behind_the_others():
    rounds, quiet = rounds_with(ROOMS)
    rounds.mark(ROOMS)
    failed = rounds.begin(quiet)[:2]
    rounds.done(failed)
    rounds.mark(failed)

    assert rounds.begin(quiet) == ROOMS[2:] + ROOMS[:2]


def test_rooms_that_are_not_here_are_never_due():
    rounds, _ = rounds_with(["stays", "goes"])
    rounds.mark(["goes", "was never here"])
    rounds.discard("goes")
    rounds.discard("was never here")
    rounds.mark(["goes"])

    assert {room for turn in range(TURNS) for room in rounds.begin(turn)} == {"stays"}


def test_all_are_due_when_all_are_to_be():
    rounds, quiet = rounds_with(ROOMS)
    rounds.mark_all()

    assert sorted(rounds.begin(quiet)) == ROOMS


def test_it_is_empty_without_rooms():
    rounds = Rounds()
    assert not rounds
    rounds.add("one")
    assert rounds
    rounds.discard("one")
    assert not rounds
    assert rounds.begin(0) == []
