from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.domain.coupon_codes import (
    ALPHABET,
    Pattern,
    PatternError,
    check_character,
    is_spelled,
    normalised,
)

PATTERN = Pattern("SAVE-####-####")


def some(pattern: Pattern, count: int = 3, seed: int = 7) -> list[str]:
    return list(pattern.codes(count, random.Random(seed).randbytes))


def test_codes_follow_the_pattern_and_carry_a_check_character() -> None:
    for code in some(PATTERN, 50):
        assert code[:5] + code[9] == "SAVE--"
        assert set(code[5:9] + code[10:]) <= set(ALPHABET)
        assert PATTERN.is_checked(code)
    assert not set("01OIL") & set(ALPHABET)


@given(st.text(ALPHABET, min_size=7, max_size=7), st.integers(0, 7), st.sampled_from(ALPHABET))
@settings(max_examples=80)
def test_one_wrong_character_is_found(drawn: str, place: int, other: str) -> None:
    code = drawn + check_character(drawn)
    wrong = code[:place] + other + code[place + 1 :]
    assert Pattern("########").is_checked(wrong) is (wrong == code)


@given(st.text(ALPHABET, min_size=7, max_size=7), st.integers(0, 7), st.integers(0, 7))
@settings(max_examples=80)
def test_two_swapped_characters_are_found(drawn: str, one: int, other: int) -> None:
    swapped = list(drawn + check_character(drawn))
    swapped[one], swapped[other] = swapped[other], swapped[one]
    code = "".join(swapped)
    assert Pattern("########").is_checked(code) is (code == drawn + check_character(drawn))


def test_every_character_is_as_likely() -> None:
    drawn = "".join(some(Pattern("########", has_checksum=False), 4000))
    counts = [drawn.count(character) for character in ALPHABET]
    assert min(counts) > 850
    assert max(counts) < 1220


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "pattern_spelling"),
        ("sale-##", "pattern_spelling"),
        ("SALE", "pattern_places"),
        ("A#", "pattern_places"),
        ("#" * 26, "pattern_places"),
        ("#" * 41, "pattern_spelling"),
    ],
)
def test_patterns_that_make_no_codes_are_refused(text: str, reason: str) -> None:
    with pytest.raises(PatternError) as refusal:
        Pattern(text)
    assert refusal.value.reason == reason


def test_a_pattern_too_short_for_the_number_of_codes_says_how_long_it_must_be() -> None:
    PATTERN.require_room_for(1_000_000)
    with pytest.raises(PatternError, match="at least 8 places") as refusal:
        Pattern("######").require_room_for(1_000_000)
    assert refusal.value.reason == "pattern_too_short"


def test_codes_are_stored_in_one_spelling() -> None:
    assert normalised(" save-ab 12\n") == "SAVE-AB12"


FULL_WIDTH = "".join(chr(ord(each) + 0xFEE0) for each in "SUMMER-25")


@pytest.mark.parametrize("typed", [FULL_WIDTH, " summer-25 ", "sum\u200bmer-\ufeff25", "SUM MER - 25"])
def test_a_code_is_found_however_it_was_typed(typed: str) -> None:
    """Input methods write full-width letters, and what was copied brings along what nobody sees."""
    assert normalised(typed) == "SUMMER-25"


@pytest.mark.parametrize("code", ["", "A\x00B", "A" * 61, "A\\B", "A\x07"])
def test_what_cannot_be_a_code_is_none(code: str) -> None:
    assert not is_spelled(code)
    assert is_spelled("ÄÖ-1")
