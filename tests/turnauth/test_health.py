"""When a relay is dropped, and when it is taken back."""

from turnauth.health import Health, judge, without


def rounds(*answers: dict[str, bool], before: Health | None = None) -> list[tuple[set, set, bool]]:
    """Who is out after each round, who came back in it, and whether it was in doubt."""
    said = []
    for answer in answers:
        judged = judge(before, answer)
        before = judged.health
        said.append((set(before.out), set(judged.back), judged.in_doubt))
    return said


def answer(text: str) -> dict[str, bool]:
    """`"ab-c"`: a and b answer, c does not."""
    good, _, bad = text.partition("-")
    return dict.fromkeys(good, True) | dict.fromkeys(bad, False)


def out_after(*texts: str) -> set[str]:
    return rounds(*map(answer, texts))[-1][0]


class DroppingTests:
    def test_one_failure_is_forgiven(self):
        assert out_after("ab-c", "abc") == set()

    def test_two_in_a_row_are_not(self):
        assert out_after("ab-c", "ab-c") == {"c"}

    def test_two_with_a_success_between_are_forgiven(self):
        assert out_after("ab-c", "abc", "ab-c") == set()

    def test_one_of_two_that_fails_is_dropped(self):
        assert out_after("a-b", "a-b") == {"b"}

    def test_it_stays_out_while_it_fails(self):
        assert out_after("ab-c", "ab-c", "ab-c", "ab-c") == {"c"}


class BackTests:
    def test_one_success_is_enough(self):
        assert rounds(answer("ab-c"), answer("ab-c"), answer("abc"))[-1] == (set(), {"c"}, False)

    def test_after_that_it_has_two_lives_again(self):
        assert out_after("ab-c", "ab-c", "abc", "ab-c") == set()

    def test_a_new_one_begins_when_it_answers(self):
        assert rounds(answer("ab"), answer("ab-c"), answer("abc"))[1:] == [({"c"}, set(), False), (set(), {"c"}, False)]

    def test_all_that_are_named_serve_in_the_first_round(self):
        assert out_after("a-bc") == set()

    def test_one_that_was_forgotten_is_new(self):
        assert out_after("abc", "ab", "ab-c") == {"c"}


class DoubtTests:
    def test_when_more_than_half_fail_none_is_dropped(self):
        assert rounds(answer("a-bc"), answer("a-bc"), answer("-abc")) == [(set(), set(), True)] * 3

    def test_these_failures_are_held_against_nobody(self):
        assert out_after("-abc", "ab-c") == set()

    def test_half_is_not_more_than_half(self):
        assert out_after("ab-cd", "ab-cd") == {"c", "d"}

    def test_those_that_are_out_already_do_not_count(self):
        """Two of five are dead for long; one more that fails is one of three."""
        dead = ("abc-de", "abc-de")

        assert rounds(*map(answer, dead), answer("ab-cde"), answer("ab-cde"))[-1] == ({"c", "d", "e"}, set(), False)

    def test_who_comes_back_in_doubt_comes_back(self):
        assert rounds(answer("abc-d"), answer("abc-d"), answer("d-abc"))[-1] == (set(), {"d"}, True)

    def test_the_only_relay_is_never_dropped(self):
        assert out_after("-a", "-a", "-a") == set()


def test_a_region_that_is_left_empty_goes():
    assert without({"eu": ("a", "b"), "us": ("c",)}, {"b", "c"}) == {"eu": ("a",)}
