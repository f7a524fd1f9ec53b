"""Shoppers by one spelling, and tried codes without what may be somebody's address."""

from __future__ import annotations

import pytest

from rewards.domain.guessing import normalised_client, shown_code


@pytest.mark.parametrize(
    ("sent", "spelled"),
    [
        ("Session-9", "session-9"),
        ("  ann@Shop.example ", "ann@shop.example"),
        ("a  b\tc", "a b c"),
        ("ＡＢＣ", "abc"),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("2001:DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("999.0.113.7:1", "999.0.113.7:1"),
        ("", ""),
    ],
)
def test_one_shopper_has_one_spelling(sent: str, spelled: str) -> None:
    assert normalised_client(sent) == spelled


@pytest.mark.parametrize(
    ("tried", "shown"),
    [
        ("welcome-10", "WELCOME-10"),
        ("SUMMER_20", "SUMMER_20"),
        ("123456", "123456"),
        ("1234567", "•••"),
        ("+44 20 7946 0958", "•••"),
        ("020-7946-0958", "•••"),
        ("ann@shop.example", "•••"),
        ("Ann Lee", "•••"),
        ("王芳", "•••"),
        ("A" * 61, "•••"),
    ],
)
def test_what_may_be_personal_is_masked(tried: str, shown: str) -> None:
    assert shown_code(tried) == shown
