"""Section 6: who is there, what they show, and the lock."""

import pytest

pytestmark = pytest.mark.server
promise = pytest.mark.promise


@promise("8", "The server answers nothing and tells nobody.")
@pytest.mark.parametrize("path", ["direct", "relayed"])
def test_a_report_is_taken_in_silence(pair, path):
    alice, bob = pair

    alice.say("report", path=path)

    if "report" in alice.answer["features"]:
        assert alice.settle() == []
    else:
        assert alice.refusal()["code"] == "not-supported"
    assert bob.settle() == []


@promise("11", "a member of the wrong type or size")
@pytest.mark.parametrize("members", [{}, {"path": "wireless"}, {"path": None}, {"path": ["direct"]}])
def test_a_report_of_something_else_is_refused(pair, members):
    pair[0].say("report", **members)

    error = pair[0].refusal()
    assert (error["code"], error["about"]) == ("bad-message", "report")


STATE = {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False}


@promise("6", "each event carries the room's `revision`")
@promise("6", '{"type": "joined", "revision": 8, "member": {"peer":')
@promise("6", '{"type": "away", "revision": 9, "peer": "Zk3vYp0cQm1xT8aN"}')
@promise("6", '{"type": "back", "revision": 10, "peer": "Zk3vYp0cQm1xT8aN"}')
@promise("6", '{"type": "left", "revision": 11, "peer": "Zk3vYp0cQm1xT8aN", "reason": "hung-up"}')
@promise("6", "A member is not told its own `joined`, `away`, `back` and `left`.")
@promise("1", "a whole number that each change of the room raises by one")
def test_the_others_are_told_of_each_coming_and_going_in_turn(people, code):
    alice = people.join(code)
    revision = alice.answer["revision"]

    bob = people.join(code, state={"name": "Bob"})
    member = {"peer": bob.peer, "stamp": bob.answer["stamp"], "away": False, "state": {**STATE, "name": "Bob"}}
    assert alice.hear() == {"type": "joined", "revision": revision + 1, "member": member}
    bob.vanish()
    assert alice.hear() == {"type": "away", "revision": revision + 2, "peer": bob.peer}
    again = people.resume(bob.token)
    assert again.answer["revision"] == revision + 3
    assert alice.hear() == {"type": "back", "revision": revision + 3, "peer": bob.peer}
    assert again.settle() == []
    again.say("leave")
    assert alice.hear() == {"type": "left", "revision": revision + 4, "peer": bob.peer, "reason": "hung-up"}
    assert again.end() == ([], 1000)
    assert alice.settle() == []


@promise("6", '{"type": "members", "revision": 11, "locked": false, "members": []}')
@promise("6", "The list of `members` holds the others, as in `welcome`")
@promise("4", "the client asks for the whole list; the server sends it, asked or not")
def test_the_whole_list_can_be_asked_for(people, code):
    alice = people.join(code)
    bob = people.join(code, state={"hand": True})
    alice.hear("joined")

    for client, others in ((alice, [bob]), (bob, [alice])):
        client.say("members")
        listed = client.hear()

        assert listed.keys() >= {"type", "revision", "locked", "members"}
        assert (listed["type"], listed["revision"], listed["locked"]) == ("members", bob.answer["revision"], False)
        assert [(member["peer"], member["stamp"]) for member in listed["members"]] == [
            (other.peer, other.answer["stamp"]) for other in others
        ]


@promise("6", "The list of `members` holds the others, as in `welcome`")
def test_who_is_away_is_in_the_list(people, code):
    alice, bob = people.join(code), people.join(code)
    bob.vanish()
    away = alice.hear("away")

    alice.say("members")

    listed = alice.hear("members")
    assert (listed["revision"], [member["away"] for member in listed["members"]]) == (away["revision"], [True])
    assert [member["away"] for member in people.join(code).answer["members"] if member["peer"] == bob.peer] == [True]


@promise("6", "Everybody gets `state` with all five, the sender too, for it must know the room's revision.")
@promise("6", 'A client sends `{"type": "state", "muted": true}` with the members that changed')
@promise("6", '{"type": "state", "revision": 12, "peer": "b7Rw2LqXn0uE5sHd", "state":')
@promise("4", "what others see of a member has changed")
@pytest.mark.parametrize(
    "change",
    [{"name": "Grace"}, {"name": "🎥" * 64}, {"muted": True}, {"camera": True}, {"sharing": True}, {"hand": True}],
)
def test_a_changed_state_is_told_to_everybody_whole(pair, change):
    alice, bob = pair
    (name,) = change

    alice.say("state", **change)

    told = alice.hear()
    assert (told["type"], told["peer"]) == ("state", alice.peer)
    assert told["state"].keys() == STATE.keys()
    assert told["state"][name] == change[name]
    assert bob.hear() == told
    alice.say("state", **STATE)
    assert alice.hear() == bob.hear() == {**told, "revision": told["revision"] + 1, "state": STATE}


@promise("6", "What changes nothing is told to nobody.")
@promise("6", "Everybody, the sender included, gets `lock`, unless it was so already.")
@pytest.mark.parametrize(
    ("name", "members"),
    [("state", {}), ("state", {"muted": False, "name": ""}), ("state", {"x": 1}), ("lock", {"locked": False})],
)
def test_what_changes_nothing_is_told_to_nobody_and_uses_no_revision(pair, name, members):
    alice, bob = pair
    alice.say("members")
    revision = alice.hear("members")["revision"]

    alice.say(name, **members)
    alice.say("state", hand=True)

    assert alice.hear()["revision"] == bob.hear()["revision"] == revision + 1
    alice.say("state", hand=False)
    assert alice.hear()["revision"] == bob.hear()["revision"] == revision + 2


@promise("6", "| `name` | string, at most 64 |")
@promise("6", "| `muted` | boolean |")
@promise("6", "| `camera` | boolean |")
@promise("6", "| `sharing` | boolean |")
@promise("6", "| `hand` | boolean |")
@promise("11", "a member of the wrong type or size")
@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("state", {"name": "🎥" * 65}), ("state", {"name": 1}), ("state", {"name": None}), ("state", {"muted": 1}),
        ("state", {"camera": "true"}), ("state", {"sharing": None}), ("state", {"hand": []}),
        ("state", {"hand": True, "muted": 1}), ("lock", {}), ("lock", {"locked": 1}), ("lock", {"locked": None}),
        ("lock", {"locked": "true"}),
    ],
)  # fmt: skip
def test_a_state_or_lock_of_the_wrong_kind_is_refused_whole(pair, name, members):
    alice, bob = pair
    alice.say(name, **members)

    error = alice.refusal()

    assert (error["code"], error["about"]) == ("bad-message", name)
    assert bob.settle() == []


@promise("6", '`{"type": "lock", "locked": true}` from any member.')
@promise("6", "Everybody, the sender included, gets `lock`, unless it was so already. `peer` is who did it")
@promise("6", '{"type": "lock", "revision": 13, "locked": true, "peer": "b7Rw2LqXn0uE5sHd"}')
@promise("6", "A locked room admits nobody new (`locked`, 4006)")
@promise("11", "| `locked` | 4006 | the room is locked |")
@promise("4", "the room is locked or unlocked")
def test_a_locked_room_admits_nobody_new_until_it_is_unlocked(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.settle()
    revision = bob.answer["revision"]

    bob.say("lock", locked=True)
    for client in (alice, bob):
        told = client.hear()
        assert told == {"type": "lock", "revision": revision + 1, "locked": True, "peer": bob.peer}
    charlie = people.hello(code=code)
    assert charlie.answer["code"] == "locked"
    assert charlie.end() == ([], 4006)
    alice.say("members")
    listed = alice.hear()
    assert (listed["type"], listed["locked"], listed["revision"]) == ("members", True, revision + 1)
    alice.say("lock", locked=False)
    assert bob.hear() == {"type": "lock", "revision": revision + 2, "locked": False, "peer": alice.peer}
    assert people.join(code).answer["locked"] is False


@promise("1", "ends with the place of its last member: who comes then finds a new one, unlocked")
@promise(
    "6",
    "A room that begins anew, because every place in it had run out or the server has forgotten it, is not locked.",
)
def test_a_room_ends_with_its_last_member_and_its_lock_with_it(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.say("lock", locked=True)
    bob.hear("lock")
    alice.say("leave")
    assert people.hello(code=code).answer["code"] == "locked"
    bob.say("leave")
    assert bob.end()[1] == 1000

    charlie = people.join(code)

    assert (charlie.answer["locked"], charlie.answer["members"]) == (False, [])


@promise("6", "who resumes or replaces is let in.")
def test_who_resumes_or_replaces_is_let_into_a_locked_room(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.say("lock", locked=True)
    bob.hear("lock")
    bob.vanish()
    alice.hear("away")

    again = people.resume(bob.token)
    assert (again.answer["peer"], again.answer["locked"]) == (bob.peer, True)
    reloaded = people.join(code, replaces=again.token)
    assert [member["peer"] for member in reloaded.answer["members"]] == [alice.peer]


@promise("6", "`hung-up` (said `leave`, or closed the socket with 1000 or 1001)")
@promise("9", "When a socket ends in any other way than by `leave`, 1000 or 1001, the member is `away`")
@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda client: client.close(1000), ("left", "hung-up")),
        (lambda client: client.close(1001), ("left", "hung-up")),
        (lambda client: client.say("leave"), ("left", "hung-up")),
        (lambda client: client.close(3000), ("away", None)),
        (lambda client: client.close(4000), ("away", None)),
        (lambda client: client.close_without_code(), ("away", None)),
        (lambda client: client.vanish(), ("away", None)),
        (lambda client: client.socket.send(b"\xff", text=True), ("away", None)),
    ],
)
def test_how_a_socket_ends_decides_between_left_and_away(people, pair, code, end, told):
    alice, bob = people.join(code), people.join(code)
    alice.settle()

    end(bob)

    heard = alice.hear()
    assert (heard["type"], heard.get("reason"), heard["peer"]) == (*told, bob.peer)
