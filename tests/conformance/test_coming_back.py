"""Section 9: losing the socket, coming back, and reloading the page. What has to be waited for stands in test_waiting.py."""

import pytest

pytestmark = pytest.mark.server
promise = pytest.mark.promise

STATE = {"name": "", "muted": False, "camera": False, "sharing": False, "hand": False}


def as_many_as_it_takes(people, code) -> list:
    """People who fill a room."""
    first = people.join(code)
    return [first, *(people.join(code) for _ in range(first.answer["capacity"] - 1))]


@promise("9", "`welcome` then has the same `peer` and `stamp`, the list of members, and a new token.")
@promise("9", "**`resumed: true`**: the place was still kept; the others get `back` if they had heard of `away`.")
@promise("5", "Without it a resume keeps what the room knows")
@promise("1", "made by the server, new at each admission, kept through a resume")
def test_who_comes_back_is_who_it_was(people, code):
    alice, bob = people.join(code), people.join(code, state={"name": "Bob", "hand": True})
    bob.vanish()
    alice.hear("away")

    again = people.resume(bob.token)

    welcome = again.answer
    assert (welcome["resumed"], welcome["peer"], welcome["stamp"]) == (True, bob.peer, bob.answer["stamp"])
    assert [member["peer"] for member in welcome["members"]] == [alice.peer]
    assert welcome["token"] != bob.token
    assert alice.hear()["type"] == "back"
    alice.say("members")
    assert alice.hear("members")["members"][0]["state"] == {**STATE, "name": "Bob", "hand": True}


@promise("9", "the member is `away` and keeps its place for `limits.place` seconds.")
@promise("9", "**`resumed: true`**: the place was still kept")
def test_a_place_that_is_kept_is_given_to_nobody_else(people, code):
    alice, *_, bob = as_many_as_it_takes(people, code)
    bob.vanish()
    alice.hear("away")

    assert people.hello(code=code).answer["code"] == "room-full"

    again = people.resume(bob.token)
    assert (again.answer["resumed"], len(again.answer["members"])) == (True, bob.answer["capacity"] - 1)


@promise("9", "The client sends its whole `state` along, for what it said into a dying socket may be lost")
@promise("5", 'missing members are `false`, a missing name is `""`.')
def test_the_state_that_comes_with_a_resume_counts_whole(people, code):
    alice, bob = people.join(code), people.join(code, state={"name": "Bob", "hand": True})
    bob.vanish()
    revision = alice.hear("away")["revision"]

    again = people.resume(bob.token, state={"name": "Bob", "muted": True})

    assert alice.hear() == {"type": "back", "revision": revision + 1, "peer": bob.peer}
    told = alice.hear()
    assert told == {
        "type": "state", "revision": revision + 2, "peer": bob.peer, "state": {**STATE, "name": "Bob", "muted": True},
    }  # fmt: skip
    assert again.answer["revision"] == revision + 2


@promise("9", "The newest socket wins: the older one, if it is still open, gets `superseded` (4010), which is final.")
@promise("9", "The server does not wait for it.")
@promise("9", "Without `attempt`, newest is whoever says `hello` last.")
@promise("9", "If nobody noticed the change of sockets, nobody is told, and no revision is used")
@promise("11", "| `superseded` | 4010 | a newer socket has this member's place |")
def test_the_newest_socket_wins_and_nobody_is_told(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")

    again = people.resume(bob.token)

    assert (again.answer["resumed"], again.answer["revision"]) == (True, bob.answer["revision"])
    assert bob.closing() == ("superseded", 4010)
    assert alice.settle() == []
    alice.signal(bob.peer)
    assert again.hear()["type"] == "signal"


@promise(
    "9",
    "Newest is the one with the highest `attempt`; a `hello` with a lower one, delayed on its way, gets `superseded` itself.",
)
def test_a_hello_that_was_delayed_is_superseded_itself(people, code):
    alice = people.join(code, attempt=0)
    newest = people.resume(alice.token, attempt=5)

    late = people.hello(resume=alice.token, attempt=4)

    assert late.answer["code"] == "superseded"
    assert late.end() == ([], 4010)
    assert newest.settle() == []


@promise("9", "Newest is the one with the highest `attempt`")
def test_a_higher_attempt_is_the_newest(people, code):
    alice = people.join(code)
    second = people.resume(alice.token, attempt=1)

    third = people.resume(alice.token, attempt=2)

    assert second.closing() == ("superseded", 4010)
    assert third.settle() == []


@promise(
    "9",
    "Earlier tokens of the same member serve as well, until they are too old, so a `welcome` that was lost costs nothing.",
)
def test_earlier_tokens_serve_as_well(people, code):
    alice = people.join(code)
    people.resume(alice.token).vanish()

    again = people.resume(alice.token)

    assert (again.answer["resumed"], again.answer["peer"]) == (True, alice.peer)


@promise(
    "9",
    "Each time a twelfth of that has passed (an hour) a `pong` carries a fresh `token`. It does so too when a call begins.",
)
def test_a_fresh_token_comes_when_a_call_begins(people, code):
    alice = people.join(code)
    alice.say("ping", id=1)
    assert alice.hear("pong") == {"type": "pong", "id": 1}

    people.join(code)
    alice.hear("joined")
    alice.say("ping", id=2)

    token = alice.hear("pong")["token"]
    assert token != alice.token
    alice.vanish()
    again = people.resume(token)
    assert (again.answer["peer"], again.answer["resumed"]) == (alice.peer, True)


@promise("9", "`gone` (4011): this member has left.")
@promise("11", "| `gone` | 4011 | the member has left |")
def test_who_has_left_cannot_resume(people, code):
    alice = people.join(code)
    alice.say("leave")
    assert alice.end() == ([], 1000)

    again = people.hello(resume=alice.token)

    assert again.answer["code"] == "gone"
    assert again.end() == ([], 4011)


@promise("9", "`bad-token` (4012): not a token of this site, or too old.")
@promise("11", "| `bad-token` | 4012 | the token is not valid |")
@promise("5", "| `resume` | string, not empty |")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "x", lambda token: "é.é", lambda token: "x" * 2000, lambda token: token[:-1],
        lambda token: token + "=", lambda token: "A" + token, lambda token: token[:20] + token[21:],
        lambda token: token.swapcase(), lambda token: f" {token}", lambda token: token + "\0",
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(people, pair, spoil):
    client = people.hello(resume=spoil(pair[0].token))

    assert client.answer["code"] == "bad-token"
    assert client.end() == ([], 4012)
    assert pair[0].settle() == []


@promise("9", "A `hello` with the same `nonce` takes that place, as `replaces` does, also in a full or locked room")
@promise("5", "the same until a `welcome` has come; section 9")
def test_who_was_let_in_and_never_heard_of_it_does_not_meet_itself(people, code):
    alice, *_, bob = as_many_as_it_takes(people, code)
    bob.say("leave")
    alice.hear("left")
    unheard = people.join(code, nonce="n" * 16, attempt=0)
    alice.hear("joined")
    alice.say("lock", locked=True)
    alice.hear("lock")

    again = people.join(code, nonce="n" * 16, attempt=1)

    assert [alice.hear()["type"], alice.hear()["type"]] == ["left", "joined"]
    assert unheard.peer not in [member["peer"] for member in again.answer["members"]]


@promise("9", "one with a lower `attempt` is `superseded`.")
def test_a_hello_of_the_same_page_that_comes_late_takes_no_place(people, code):
    alice = people.join(code, nonce="n" * 16, attempt=1)

    assert people.hello(code=code, nonce="n" * 16, attempt=0).answer["code"] == "superseded"
    assert people.hello(code=code, nonce="m" * 16, attempt=0).answer["type"] == "welcome"
    alice.hear("joined")


@promise("9", "the old member is `left` with `removed`, and the new one is let in even into a full or locked room.")
@promise("9", "After a reload the page joins as a new member, with `code` and `replaces`")
@promise("11", "| `removed` | 4017 | taken out by the same person's new page |")
@promise("6", "`removed` (another socket of the same person took the place)")
def test_a_reloaded_page_takes_the_place_of_its_former_self_in_a_full_and_locked_room(people, code):
    alice = people.join(code)
    for _ in range(alice.answer["capacity"] - 1):
        bob = people.join(code)
    alice.say("lock", locked=True)
    revision = alice.hear("lock")["revision"]

    reloaded = people.join(code, replaces=bob.token)

    assert reloaded.answer["resumed"] is False and reloaded.peer != bob.peer
    assert alice.hear() == {"type": "left", "revision": revision + 1, "peer": bob.peer, "reason": "removed"}
    joined = alice.hear()
    assert (joined["type"], joined["revision"], joined["member"]["peer"]) == ("joined", revision + 2, reloaded.peer)
    assert bob.closing() == ("removed", 4017)
    assert people.hello(resume=bob.token).answer["code"] == "gone"


@promise("9", "the old member is `left` with `removed`, and the new one is let in even into a full or locked room.")
def test_a_reloaded_page_takes_the_place_that_is_kept_for_its_former_self(people, code):
    alice, *_, bob = as_many_as_it_takes(people, code)
    alice.say("lock", locked=True)
    bob.vanish()
    alice.hear("away")

    reloaded = people.join(code, replaces=bob.token)

    assert [alice.hear()["type"], alice.hear()["type"]] == ["left", "joined"]
    assert bob.peer not in [member["peer"] for member in reloaded.answer["members"]]


@promise("9", "the new one is let into a locked room for `limits.place` seconds, once, if there is a free place.")
def test_a_page_that_left_on_reload_is_let_into_a_locked_room_once(people, code):
    alice, bob = people.join(code), people.join(code)
    bob.say("lock", locked=True)
    alice.hear("lock")
    bob.close(1001)
    alice.hear("left")

    reloaded = people.join(code, replaces=bob.token)

    assert [member["peer"] for member in reloaded.answer["members"]] == [alice.peer]
    assert people.hello(code=code, replaces=bob.token).answer["code"] == "locked"
    reloaded.say("leave")
    assert reloaded.end() == ([], 1000)
    assert people.hello(code=code, replaces=bob.token).answer["code"] == "locked"


@promise("9", "A `replaces` that is not valid any more, or belongs to another room, is ignored.")
def test_a_replaces_that_does_not_serve_is_ignored(people, code):
    elsewhere = people.join(code + "-elsewhere")
    alice = people.join(code)

    for token in ("", "x" * 2000, "made up", alice.token + "x", elsewhere.token):
        bob = people.join(code, replaces=token)
        assert [member["peer"] for member in bob.answer["members"]] == [alice.peer]
        bob.close()
    alice.say("lock", locked=True)
    alice.hear("lock")
    assert people.hello(code=code, replaces=elsewhere.token).answer["code"] == "locked"
    assert elsewhere.settle() == []
    elsewhere.say("leave")
    assert elsewhere.end() == ([], 1000)
    assert people.hello(code=code, replaces=elsewhere.token).answer["code"] == "locked"


@promise("10", "The others get `left` with `hung-up`; the server closes with 1000.")
@promise("11", "| 1000 | after `leave` |")
@promise("4", "hanging up")
def test_leave_is_answered_with_1000_and_told_to_the_others(people, code):
    alice, bob = people.join(code), people.join(code)
    alice.hear("joined")

    bob.send_at_once({"type": "leave"}, {"type": "state", "hand": True})

    assert bob.end() == ([], 1000)
    assert alice.hear()["reason"] == "hung-up"
    assert alice.settle() == []
