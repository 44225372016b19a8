"""What is read from what somebody typed, and which word they may have meant."""

import pytest

from search import words


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Video  call", ["video", "call"]),
        ("call CALL call", ["call"]),
        ('a\'b & c:* | !d "e" (f)', ["a", "b", "c", "d", "e", "f"]),
        ("Größe ÉTÉ", ["größe", "été"]),
        ("🎥", []),
        ("", []),
        ("\0\n", []),
        ("x" * 10_000, ["x" * 100]),
        (" ".join(map(str, range(50))), [str(number) for number in range(8)]),
    ],
)
def test_words_are_read_from_anything(typed, read):
    assert words.read(typed) == read


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["recieve"], {"recieve": "receive"}),
        (["vidoe", "call"], {"vidoe": "video"}),
        (["pictuer"], {"pictuer": "picture"}),
        (["signalling"], {"signalling": "signaling"}),
    ],
)
def test_a_slip_of_the_fingers_is_mended(typed, meant):
    known = sorted("call picture receive relay signaling video".split())

    assert words.mend(typed, known).changes == meant


@pytest.mark.parametrize("typed", [["vid"], ["call"], ["xyz"], ["elephant"], ["recieve", "elephant"], ["relya"[:3]]])
def test_what_is_known_or_near_to_nothing_is_left(typed):
    assert words.mend(typed, ["call", "receive", "relay", "video"]) is None


def test_only_words_that_are_worth_it_are_known():
    assert words.of("To be, or not to be: that IS the Question " + "x" * 41) == {"that", "question"}
