"""One spelling for each identity, so that the same address finds the same customer."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE_NOISE = re.compile(r"[\s().\-/]")
_PHONE = re.compile(r"\+?[0-9]{6,15}")


def normalise_email(text: str) -> str:
    """Return the address trimmed and in lower case, or an empty string when it is none."""
    trimmed = text.strip().lower()
    return trimmed if _EMAIL.fullmatch(trimmed) else ""


def normalise_phone(text: str) -> str:
    """Return the number without its punctuation, or an empty string when it is none."""
    bare = _PHONE_NOISE.sub("", text)
    return bare if _PHONE.fullmatch(bare) else ""


def normalise(kind: str, value: str) -> str:
    """Return the one spelling of an identity of ``kind``; empty when the value cannot be one."""
    if kind == "email":
        return normalise_email(value)
    if kind == "phone":
        return normalise_phone(value)
    return value.replace("\0", "").strip()
