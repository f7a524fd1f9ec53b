"""Keys that an object has twice."""

from __future__ import annotations

import pytest

from tenants.domain.json_keys import RepeatedKey, refuse_repeated


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"a": 1, "a": 1}', "/a"),
        ('{"a": {"b": [{"c": 1}, {"c": 1, "d/e": 2, "d/e": 3}]}}', "/a/b/1/d~1e"),
        ('[{}, {"x~": NaN, "y": 1, "x~": 2}]', "/1/x~0"),
        ('{"a": 1, "\\u0061": 2}', "/a"),
        ('{"": 1, "": 2}', "/"),
        (b'{"a": 1e999, "a": 9}', "/a"),
    ],
)
def test_the_first_key_that_is_there_twice_is_named(text: str | bytes, pointer: str) -> None:
    with pytest.raises(RepeatedKey) as refusal:
        refuse_repeated(text)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("text", ["{}", "[]", "1", '{"a": {"a": [{"a": 1}, {"a": 1}]}, "b": {"a": 2}}'])
def test_a_key_in_different_objects_is_no_repetition(text: str) -> None:
    refuse_repeated(text)
