"""Keys made from names: what a rule, tier or reward is called inside."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.utils.text import slugify

_LONGEST: Final = 50


def key_from(name: str, taken: Collection[str], *, fallback: str = "item") -> str:
    """Return a free key of lower-case letters, digits and dashes; names in other scripts get ``fallback``."""
    base = slugify(name)[:_LONGEST].strip("-")
    if not base or not base[0].isalpha():
        base = f"{fallback}-{base}".strip("-")
    key, number = base, 2
    while key in taken:
        key, number = f"{base}-{number}", number + 1
    return key
