"""Common given and family names, by language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Names(NamedTuple):
    """Names to draw from, and how many digits a postcode has where they are common."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    postcode_digits: int


_ENGLISH: Final = Names(
    (
        "Ada", "Ben", "Chen", "Dana", "Emre", "Fatima", "Grace", "Hugo", "Ines", "Jonas", "Kofi", "Lena",
        "Mei", "Noor", "Oscar", "Priya", "Quinn", "Rosa", "Sam", "Tomas", "Uma", "Vera", "Wei", "Yara", "Zoe",
    ),
    (
        "Adler", "Bauer", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jansen", "Kim",
        "Lopez", "Meyer", "Novak", "Okafor", "Park", "Rossi", "Silva", "Tanaka", "Wang", "Young",
    ),
    5,
)  # fmt: skip
_CHINESE: Final = Names(
    (
        "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "杰", "涛", "明", "超", "秀英",
        "晓东", "雨桐", "子涵", "浩然", "梓萱", "思远", "佳怡", "一鸣", "欣怡",
    ),
    (
        "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何",
        "林", "罗", "高", "梁",
    ),
    6,
)  # fmt: skip
_BY_LANGUAGE: Final[Mapping[str, Names]] = MappingProxyType({"en": _ENGLISH, "zh": _CHINESE})


def names_of(locale: str) -> Names:
    """Return the names of a locale such as ``zh-hans``; English ones where we know none."""
    return _BY_LANGUAGE.get(locale.split("-", maxsplit=1)[0].lower(), _ENGLISH)
