"""Fraud checks of referrals: what makes two customers look like one, as pure comparisons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from crm.domain.identities import LOOSEST, normalise_email, normalise_phone


class Finding(StrEnum):
    SAME_IDENTITY = "same_identity"
    SAME_DEVICE = "same_device"
    SAME_ADDRESS = "same_address"
    VELOCITY = "velocity"


@dataclass(frozen=True, slots=True)
class Party:
    """What is known of one side; ``cards`` and ``devices`` are identity values."""

    emails: Collection[str] = ()
    phones: Collection[str] = ()
    cards: Collection[str] = ()
    devices: Collection[str] = ()
    postcode: str = ""
    family_name: str = ""


def compare(one: Party, other: Party) -> list[Finding]:
    """Return what speaks against the two being different people."""
    found = []
    if (
        _shared(map(_mailbox, one.emails), map(_mailbox, other.emails))
        or _shared(map(normalise_phone, one.phones), map(normalise_phone, other.phones))
        or _shared(one.cards, other.cards)
    ):
        found.append(Finding.SAME_IDENTITY)
    if _shared(one.devices, other.devices):
        found.append(Finding.SAME_DEVICE)
    if _home(one) and _home(one) == _home(other):
        found.append(Finding.SAME_ADDRESS)
    return found


def is_rejected(findings: Collection[Finding]) -> bool:
    """Whether it is one person for certain."""
    return Finding.SAME_IDENTITY in findings


def needs_review(findings: Collection[Finding]) -> bool:
    """Whether a person must look: families share devices and addresses."""
    return bool(findings) and not is_rejected(findings)


def _mailbox(email: str) -> str:
    return normalise_email(email, LOOSEST)


def _shared(some: object, others: object) -> bool:
    return bool(set(filter(None, some)) & set(filter(None, others)))  # type: ignore[call-overload]


def _home(party: Party) -> tuple[str, str] | None:
    postcode = "".join(party.postcode.split()).casefold()
    family = "".join(party.family_name.split()).casefold()
    return (postcode, family) if postcode and family else None
