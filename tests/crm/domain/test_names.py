from __future__ import annotations

import pytest

from crm.domain.names import full_name


@pytest.mark.parametrize(
    ("given", "family", "expected"),
    [
        ("Ann", "Lee", "Ann Lee"),
        ("伟", "张", "张伟"),
        ("민수", "김", "김민수"),
        ("ひろこ", "佐々木", "佐々木ひろこ"),
        ("Wei", "张", "Wei 张"),
        ("伟", "", "伟"),
        ("", "Lee ", "Lee"),
        ("", "", ""),
    ],
)
def test_a_name_stands_in_its_own_order(given: str, family: str, expected: str) -> None:
    assert full_name(given, family) == expected
