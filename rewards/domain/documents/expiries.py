"""When points end, as wallets, their tiers and rules write it."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import one_of, record, whole
from rewards.domain.expiry import Expiry, ExpiryKind, Period

MOST_MONTHS: Final = 1_200
_MOST_DAYS: Final = 3_650


def read_expiry(reader: Reader) -> Expiry:
    """Read when points end."""
    reader.only("kind", "months", "period", "grace_days")
    kind = reader.choice("kind", {kind.value: kind for kind in ExpiryKind}) or ExpiryKind.NEVER
    months = reader.optional_integer("months", 0, MOST_MONTHS) or 0
    if not months and kind in {ExpiryKind.ROLLING, ExpiryKind.INACTIVITY}:
        reader.refuse("months", "required", "Say after how many months the points end.")
    return Expiry(
        kind,
        months,
        reader.choice("period", {period.value: period for period in Period}, default=Period.YEAR),
        reader.optional_integer("grace_days", 0, _MOST_DAYS) or 0,
    )


def write_expiry(expiry: Expiry) -> dict[str, Any]:
    """Write when points end, every member of it."""
    return {
        "kind": expiry.kind.value,
        "months": expiry.months,
        "period": expiry.period.value,
        "grace_days": expiry.grace_days,
    }


EXPIRY_SCHEMA: Final = record(
    ("kind",),
    kind=one_of(ExpiryKind),
    months=whole(0, MOST_MONTHS),
    period=one_of(Period),
    grace_days=whole(0, _MOST_DAYS),
)
