"""The section of tiers."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_MONEY,
    TEXT_SCHEMA,
    Section,
    keyed,
    record,
    whole,
)
from rewards.domain.programs import Revision
from rewards.domain.tiers import Tier


def _read(document: Reader) -> tuple[Tier, ...]:
    return keyed(document, "tiers", _tier)


def _tier(reader: Reader) -> Tier:
    reader.only("key", "name", "threshold_minor")
    return Tier(
        key=reader.key("key"),
        name=reader.text("name"),
        threshold_minor=reader.integer("threshold_minor", 0, MOST_MONEY),
    )


def _check(document: Reader, revision: Revision) -> None:
    thresholds: set[int] = set()
    for index, tier in enumerate(revision.tiers):
        if tier.threshold_minor in thresholds:
            pointer = f"tiers/{index}/threshold_minor"
            document.refuse(pointer, "duplicate", "Two tiers have the same threshold.")
        thresholds.add(tier.threshold_minor)


def _by_threshold(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    return tuple(sorted(tiers, key=lambda tier: tier.threshold_minor))


def _write(tiers: tuple[Tier, ...]) -> list[dict[str, Any]]:
    return [{"key": tier.key, "name": tier.name, "threshold_minor": tier.threshold_minor} for tier in tiers]


SECTION: Final = Section(
    "tiers",
    _read,
    _write,
    check=_check,
    arrange=_by_threshold,
    schema={
        "type": "array",
        "items": record(
            ("key", "name", "threshold_minor"),
            key=KEY_SCHEMA,
            name=TEXT_SCHEMA,
            threshold_minor=whole(0, MOST_MONEY),
        ),
    },
)
