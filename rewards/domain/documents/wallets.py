"""The section of wallets."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_MONEY,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.wallets import RefundPolicy, WalletPolicy

_MOST_MONTHS: Final = 1_200


def _read(document: Reader) -> tuple[WalletPolicy, ...]:
    return keyed(document, "wallets", _wallet, at_least=1)


def _wallet(reader: Reader) -> WalletPolicy:
    reader.only("key", "name", "expiry_months", "refund_policy", "thousand_points_minor")
    return WalletPolicy(
        key=reader.key("key"),
        name=reader.text("name"),
        expiry_months=reader.optional_integer("expiry_months", 1, _MOST_MONTHS),
        refund_policy=reader.choice(
            "refund_policy",
            {policy.value: policy for policy in RefundPolicy},
            default=RefundPolicy.WITHIN_BALANCE,
        ),
        thousand_points_minor=reader.optional_integer("thousand_points_minor", 0, MOST_MONEY),
    )


def _write(wallets: tuple[WalletPolicy, ...]) -> list[dict[str, Any]]:
    return [
        {
            "key": wallet.key,
            "name": wallet.name,
            "expiry_months": wallet.expiry_months,
            "refund_policy": wallet.refund_policy.value,
            "thousand_points_minor": wallet.thousand_points_minor,
        }
        for wallet in wallets
    ]


SECTION: Final = Section(
    "wallets",
    _read,
    _write,
    schema={
        "type": "array",
        "minItems": 1,
        "items": record(
            ("key", "name"),
            key=KEY_SCHEMA,
            name=TEXT_SCHEMA,
            expiry_months=whole(1, _MOST_MONTHS, is_optional=True),
            refund_policy=one_of(RefundPolicy),
            thousand_points_minor=whole(0, MOST_MONEY, is_optional=True),
        ),
    },
)
