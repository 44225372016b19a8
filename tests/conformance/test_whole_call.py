"""Section 14: the call that the paper draws, step by step."""

import pytest

pytestmark = pytest.mark.server
promise = pytest.mark.promise


@promise("14", "hello code=blue-heron ──────────────▶ ◀────────────── welcome members=[]")
@promise("14", "welcome members=[Grace] ──────────────▶ ◀────────────── joined Ada")
@promise("14", "◀── signal from=Ada stream=q1 seq=1 offer")
@promise("14", "◀────────────── close 1000 left Grace hung-up ──────────────▶")
def test_a_whole_call(people, code):
    grace = people.join(f"{code}-blue-heron")
    assert grace.answer["members"] == []
    ada = people.join(f"{code}-Blue Heron")
    assert [member["peer"] for member in ada.answer["members"]] == [grace.peer]
    assert grace.hear()["type"] == "joined"

    ada.say("signal", to=grace.peer, stream="q1", seq=1, body={"description": {"type": "offer", "sdp": "v=0…"}})
    offer = grace.hear()
    assert (offer["from"], offer["stream"], offer["seq"]) == (ada.peer, "q1", 1)
    assert offer["body"]["description"]["type"] == "offer"
    grace.say("signal", to=ada.peer, stream="q1", seq=1, ack=1, body={"description": {"type": "answer", "sdp": "v=0…"}})
    answer = ada.hear()
    assert (answer["from"], answer["seq"], answer["ack"]) == (grace.peer, 1, 1)
    for seq in range(2, 12):
        grace.say("signal", to=ada.peer, stream="q1", seq=seq, ack=1, body={"candidates": []})
        ada.say("signal", to=grace.peer, stream="q1", seq=seq, ack=seq, body={"candidates": []})
    assert [ada.hear()["seq"] for _ in range(10)] == [grace.hear()["seq"] for _ in range(10)] == list(range(2, 12))

    grace.say("leave")
    assert grace.end() == ([], 1000)
    left = ada.hear()
    assert (left["type"], left["peer"], left["reason"]) == ("left", grace.peer, "hung-up")
