"""One spelling for each identity, so that the same address finds the same customer."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE_NOISE = re.compile(r"[\s().\-/]")
_PHONE = re.compile(r"\+?[0-9]{6,15}")
# One mailbox under two names, whose dots mean nothing (support.google.com/mail/answer/7436150).
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
# What a person may be known by; the others name a browser, an installation or a piece of plastic.
NAMING_KINDS = frozenset({"external_id", "email", "phone", "card"})
ANONYMOUS_KINDS = frozenset({"anonymous_id", "device"})


@dataclass(frozen=True, slots=True)
class Spelling:
    """A tenant's choices: ISO region of numbers written without a country code, and what e-mails ignore."""

    phone_region: str = ""
    ignores_gmail_dots: bool = False
    drops_plus_tag: bool = False


PLAIN = Spelling()
# Everything that could be one mailbox is one: what finding duplicates compares.
LOOSEST = Spelling(ignores_gmail_dots=True, drops_plus_tag=True)


def normalise_email(text: str, spelling: Spelling = PLAIN) -> str:
    """Return the address trimmed and in lower case, or an empty string when it is none.

    The local part keeps its dots and its ``+tag`` unless the tenant's spelling says otherwise; an address
    that would have nothing left before the ``@`` keeps what it had.
    """
    trimmed = text.strip().lower()
    if not _EMAIL.fullmatch(trimmed):
        return ""
    local, _at, domain = trimmed.rpartition("@")
    if spelling.drops_plus_tag:
        local = local.partition("+")[0] or local
    if spelling.ignores_gmail_dots and domain in _GMAIL:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def normalise_phone(text: str, spelling: Spelling = PLAIN) -> str:
    """Return the number in E.164, or an empty string when it is none.

    A number without a country code is read in the tenant's region. One that no plan knows, such as a
    switchboard's, keeps its digits: it still tells customers apart.
    """
    bare = _PHONE_NOISE.sub("", text)
    if bare.startswith("00") and not spelling.phone_region:
        bare = f"+{bare[2:]}"
    if not _PHONE.fullmatch(bare):
        return ""
    try:
        number = phonenumbers.parse(bare, spelling.phone_region or None)
    except phonenumbers.NumberParseException:
        return bare
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return bare
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise(kind: str, value: str, spelling: Spelling = PLAIN) -> str:
    """Return the one spelling of an identity of ``kind``; empty when the value cannot be one."""
    if kind == "email":
        return normalise_email(value, spelling)
    if kind == "phone":
        return normalise_phone(value, spelling)
    trimmed = value.replace("\0", "").strip()
    if kind == "card":
        return trimmed.replace(" ", "").replace("-", "")
    return trimmed
