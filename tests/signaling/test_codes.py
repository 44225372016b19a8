"""Codes: the table on which server and browser agree, and what must hold for anything that people may type."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import codes

TABLE = json.loads((Path(__file__).parent.parent / "codes.json").read_text())
KEY = "k" * 16 + "0123456789abcdef"


class TableTests:
    @pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: ascii(case["typed"])[:40])
    def test_typed_text_has_the_code_and_the_hint_of_the_table(self, case):
        code = codes.normalise(case["typed"])

        assert code == case["code"]
        assert codes.refusal(code) == case["hint"]

    def test_the_browser_gets_the_same_rules(self):
        assert sorted(TABLE["rules"]["reserved"]) == codes.RULES["reserved"]
        assert sorted(TABLE["rules"]["extensions"]) == codes.RULES["extensions"]


class AnythingTests:
    @given(st.text())
    def test_normalising_twice_changes_nothing(self, typed):
        once = codes.normalise(typed)

        assert codes.normalise(once) == once

    @given(st.text())
    def test_what_is_read_is_short_and_safe_or_refused_with_a_hint(self, typed):
        try:
            code = codes.read(typed)
        except codes.BadCode as refusal:
            assert refusal.hint in {"empty", "too-long", "characters", "dots", "file", "taken"}
        else:
            assert 1 <= len(code) <= codes.LONGEST
            assert not set(code) & set('/\\?#%&<>"`\0 \n')
            assert codes.path(code).isascii()

    @given(st.text(alphabet="abc XYZ-\u00a0\u200d", min_size=1))
    def test_case_and_space_make_no_difference(self, typed):
        assert codes.normalise(typed.upper()) == codes.normalise(f"  {typed} ")

    def test_a_megabyte_is_refused_without_being_worked_through(self):
        with pytest.raises(codes.BadCode, match="too-long"):
            codes.read("ﷺ" * 1_000_000)


class RoomIdTests:
    def test_the_same_code_has_the_same_room_everywhere(self):
        # python3 -c "import hashlib; print(hashlib.blake2b(b'blue-heron', digest_size=12, person=b'gruveo room',
        #   key=hashlib.sha256(b'kkkkkkkkkkkkkkkk0123456789abcdef').digest()).hexdigest())"
        assert codes.room_id("blue-heron", key=KEY) == "8896c8f1caa66d5a70204eb0"

    def test_another_key_is_another_room(self):
        assert codes.room_id("blue-heron", key=KEY) != codes.room_id("blue-heron", key=KEY[::-1])

    @given(st.text(min_size=1, max_size=64, alphabet=st.characters(categories=["L", "Nd"])))
    def test_a_room_id_never_shows_the_code(self, code):
        room = codes.room_id(code, key=KEY)

        assert len(room) == 24
        assert room.isascii() and room.isalnum()
