"""The resume token: only ours, only in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import tokens
from signaling.tokens import BadToken, Token
from tests.cast import ALICE

KEYS = ("the-first-key-of-the-tests-012345", "the-second-key-of-the-tests-01234")
TOKEN = Token(ALICE, "room", 17, 3, issued=1000)
TEXT = tokens.sign(TOKEN, key=KEYS[0])


def read(text: str, *, keys=KEYS, now: float = 1000) -> Token:
    return tokens.read(text, keys=keys, lifetime=3600, now=now)


class ReadTests:
    def test_what_was_signed_is_read(self):
        assert read(TEXT) == TOKEN

    def test_a_token_of_the_second_key_is_accepted_during_a_change_of_keys(self):
        assert read(tokens.sign(TOKEN, key=KEYS[1])) == TOKEN

    def test_it_serves_until_the_last_second(self):
        assert read(TEXT, now=4600) == TOKEN

    def test_it_fits_what_the_protocol_allows(self):
        assert len(TEXT) <= 1024


class RefusalTests:
    def test_a_token_of_a_dropped_key_is_refused(self):
        with pytest.raises(BadToken, match="signature"):
            read(TEXT, keys=KEYS[1:])

    def test_an_old_token_is_refused(self):
        with pytest.raises(BadToken, match="age"):
            read(TEXT, now=4601)

    def test_a_token_from_the_future_is_refused(self):
        with pytest.raises(BadToken, match="age"):
            read(TEXT, now=900)

    @pytest.mark.parametrize(
        "text", ["", ".", "a.b", TEXT + "x", TEXT[1:], TEXT.partition(".")[0], "é.é", TEXT.replace(".", "..")]
    )
    def test_other_text_is_refused(self, text):
        with pytest.raises(BadToken):
            read(text)

    @given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"))
    def test_no_changed_character_is_accepted(self, place, character):
        changed = TEXT[:place] + character + TEXT[place + 1 :]

        if changed != TEXT:
            with pytest.raises(BadToken):
                read(changed)
