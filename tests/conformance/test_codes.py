"""Section 3: which codes are one, and which are none."""

import pytest

pytestmark = pytest.mark.server
promise = pytest.mark.promise

_IGNORED = "\u200b\u2060\u00ad\ufeff"  # zero width space, word joiner, soft hyphen, byte order mark


def meets(people, one: str, other: str) -> bool:
    """Whether two who type this come into one room."""
    alice, bob = people.join(one), people.join(other)
    return [member["peer"] for member in bob.answer["members"]] == [alice.peer]


@promise("3", "compatibility forms folded, case folded, default-ignorable code points removed")
def test_compatibility_forms_case_and_ignorable_code_points_make_no_difference(people, code):
    assert meets(people, code + "ﬁne-straße", _IGNORED.join(code.upper()) + "ﬁNE-STRASSE")


@promise("3", "white space at both ends removed, each run of white space inside made one hyphen-minus")
def test_white_space_is_trimmed_and_made_one_hyphen(people, code):
    assert meets(people, code + "-blue-heron", f"\t\u3000{code} blue \u00a0\n heron  ")


@promise("3", "the right single quotation mark (U+2019, which phones type for an apostrophe) made `'`")
def test_the_apostrophe_of_phones_is_an_apostrophe(people, code):
    assert meets(people, code + "o'brien", code + "O\u2019Brien")


@promise("3", "A client MAY send a code as it was typed; the server makes the normal form")
def test_different_codes_are_different_rooms(people, code):
    assert not meets(people, code, code + "-")


@promise("3", "The result has 1 to 64 code points, each a letter (`L`), a mark (`M`), a decimal digit (`Nd`), an emoji")
def test_letters_marks_digits_and_emoji_of_any_language_are_accepted(people, code):
    assert people.join(code + "äжहिन्दी٣中🎥🇩🇪👍🏽-_.'")


@promise("3", "The result has 1 to 64 code points")
@promise("5", "| `code` | string, at most 1,024 | the room, as typed |")
def test_64_code_points_are_counted_in_the_normal_form(people, code):
    longest = code + "🎥" * (64 - len(code))

    assert meets(people, longest, " " * (1024 - len(longest)) + longest)


@promise("3", "It is refused with `bad-code` and a `hint` for people when")
@promise("3", "nothing is left")
@promise("3", "more than 64 code points are left")
@promise("3", "it holds a character of another kind")
@promise("3", "it begins with a dot, or consists only of dots")
@promise("3", "it ends like a file (`.php`, `.png`, …)")
@promise("3", "it is an address of the site (`blog`, `faq`, `about`, …)")
@promise("11", "| `bad-code` | 4004 | the code is refused; see `hint` |")
@promise("11", "`hint` (with `bad-code`)")
@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("", "empty"), (" \u200b\n", "empty"), ("🎥" * 65, "too-long"), ("a/b", "characters"), ("a\0", "characters"),
        ("½", "characters"), (".hidden", "dots"), ("…", "dots"), ("Index.PHP", "file"), ("a.png", "file"), ("BLOG", "taken"),
        ("ｆａｑ", "taken"), ("about", "taken"),
    ],
)  # fmt: skip
def test_what_is_no_code_is_refused_with_a_hint(people, typed, hint):
    client = people.hello(code=typed)

    assert (client.answer["type"], client.answer["code"], client.answer["hint"]) == ("error", "bad-code", hint)
    assert client.end() == ([], 4004)
