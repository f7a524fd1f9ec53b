"""How a person's name is written."""

from __future__ import annotations

import re
from typing import Final

# Han, kana and hangul: names in them stand family first, without a space between.
_EAST_ASIAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af々・]+")


def full_name(given: str, family: str) -> str:
    """Return the whole name; a part may be blank."""
    given, family = given.strip(), family.strip()
    if _EAST_ASIAN.fullmatch(given) and _EAST_ASIAN.fullmatch(family):
        return f"{family}{given}"
    return f"{given} {family}".strip()
