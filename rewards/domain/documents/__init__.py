"""Program documents: JSON in and out, with errors that point to the field. A section is one module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any, Final

from rewards.domain.documents import (
    budgets,
    challenges,
    coupon_campaigns,
    offered_coupons,
    offered_rewards,
    policies,
    qualification,
    referral,
    rules,
    tiers,
    wallets,
)
from rewards.domain.documents.reader import DocumentError, Reader, unstorable
from rewards.domain.documents.sections import Section
from rewards.domain.programs import Revision

SCHEMA: Final = 1
# A capability with a section of its own adds one line here and the field of the same name to ``Revision``.
SECTIONS: Final[tuple[Section, ...]] = (
    wallets.SECTION,
    tiers.SECTION,
    rules.SECTION,
    budgets.SECTION,
    policies.SECTION,
    challenges.SECTION,
    qualification.SECTION,
    offered_coupons.SECTION,
    coupon_campaigns.SECTION,
    offered_rewards.SECTION,
    referral.SECTION,
)

_ARRANGED: Final = ("rules", "tiers")


class InvalidDocument(ValueError):
    """The document is not a program; ``errors`` names every wrong field."""

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        self.errors = tuple(errors)


def parse(document: Any, *, time_zone: tzinfo = UTC, currency: str = "") -> Revision:
    """Read a program document; raises ``InvalidDocument`` with all the errors found."""
    reader = Reader(document)
    reader.errors += unstorable(document)
    reader.only("schema", *(section.name for section in SECTIONS))
    reader.choice("schema", {SCHEMA: SCHEMA}, default=SCHEMA)
    values = {section.name: section.read(reader) for section in SECTIONS}
    as_written = Revision(**values, time_zone=time_zone, currency=currency)
    for section in SECTIONS:
        section.check(reader, as_written)
    if reader.errors:
        raise InvalidDocument(reader.errors)
    return replace(
        as_written,
        **{section.name: section.arrange(values[section.name]) for section in SECTIONS},
        keys_as_written={name: tuple(each.key for each in values[name]) for name in _ARRANGED},
    )


def to_json(revision: Revision) -> dict[str, Any]:
    """Write a revision as the document that ``parse`` reads back to an equal one."""
    sections = {section.name: section.write(getattr(revision, section.name)) for section in SECTIONS}
    # A section that writes nothing governs nothing; it stays away, as from documents older than itself.
    return {"schema": SCHEMA, **{name: value for name, value in sections.items() if value is not None}}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Loyalty program",
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            **{section.name: section.schema for section in SECTIONS},
        },
        "required": ["wallets"],
        "$defs": rules.definitions(),
        "additionalProperties": False,
    }
