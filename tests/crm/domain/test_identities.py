from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.identities import LOOSEST, PLAIN, Spelling, normalise

GMAIL = Spelling(ignores_gmail_dots=True)
TAGS = Spelling(drops_plus_tag=True)
BRITISH, CHINESE = Spelling(phone_region="GB"), Spelling(phone_region="CN")


@pytest.mark.parametrize(
    ("spelling", "given_text", "expected"),
    [
        (PLAIN, " Ann.Lee+shop@GMail.com ", "ann.lee+shop@gmail.com"),
        (GMAIL, "Ann.Lee+shop@googlemail.com", "annlee+shop@gmail.com"),
        (GMAIL, "ann.lee@example.com", "ann.lee@example.com"),
        (TAGS, "ann.lee+shop@example.com", "ann.lee@example.com"),
        (LOOSEST, "a.n.n+x@gmail.com", "ann@gmail.com"),
        (TAGS, "+only@example.com", "+only@example.com"),
        (GMAIL, "...@gmail.com", "...@gmail.com"),
        (PLAIN, "nobody", ""),
    ],
)
def test_emails(spelling: Spelling, given_text: str, expected: str) -> None:
    assert normalise("email", given_text, spelling) == expected


@pytest.mark.parametrize(
    ("spelling", "given_text", "expected"),
    [
        (PLAIN, "+44 (20) 7946-0000", "+442079460000"),
        (BRITISH, "020 7946 0000", "+442079460000"),
        (BRITISH, "0044 20 7946 0000", "+442079460000"),
        (PLAIN, "0044 20 7946 0000", "+442079460000"),
        (CHINESE, "138 0013 8000", "+8613800138000"),
        (CHINESE, "+44 20 7946 0000", "+442079460000"),
        (PLAIN, "020 7946 0000", "02079460000"),
        (BRITISH, "123456", "123456"),
        (BRITISH, "12345", ""),
        (BRITISH, "call me", ""),
    ],
)
def test_phones(spelling: Spelling, given_text: str, expected: str) -> None:
    assert normalise("phone", given_text, spelling) == expected


def test_other_kinds() -> None:
    assert normalise("card", " 4711-0815 ab ") == "47110815ab"
    assert normalise("external_id", " c-1\0 ") == "c-1"
    assert normalise("anonymous_id", "A-b") == "A-b"


@settings(max_examples=60)
@given(
    kind=st.sampled_from(["email", "phone", "card", "device"]),
    text=st.text(max_size=30) | st.emails() | st.from_regex(r"\+?[0-9 ]{6,15}", fullmatch=True),
    spelling=st.builds(
        Spelling,
        phone_region=st.sampled_from(["", "GB", "CN", "US"]),
        ignores_gmail_dots=st.booleans(),
        drops_plus_tag=st.booleans(),
    ),
)
def test_spelling_twice_is_spelling_once(kind: str, text: str, spelling: Spelling) -> None:
    once = normalise(kind, text, spelling)
    assert normalise(kind, once, spelling) == once
