"""The section of policies."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import KEY_SCHEMA, MOST_POINTS, Section, one_of, record, whole
from rewards.domain.policies import MemberCap, Policies
from rewards.domain.programs import Revision
from rewards.domain.rules import CapPeriod

_MOST_DAYS: Final = 3_650


def _read(document: Reader) -> Policies:
    reader = document.node("policies")
    reader.only("backdating_days", "member_caps")
    return Policies(
        backdating_days=reader.optional_integer("backdating_days", 0, _MOST_DAYS),
        member_caps=tuple(filter(None, map(_member_cap, reader.nodes("member_caps")))),
    )


def _member_cap(reader: Reader) -> MemberCap | None:
    reader.only("wallet", "per", "points")
    per = reader.choice("per", {item.value: item for item in CapPeriod})
    wallet, points = reader.key("wallet"), reader.integer("points", 0, MOST_POINTS)
    return None if per is None else MemberCap(wallet, per, points)


def _check(document: Reader, revision: Revision) -> None:
    wallets = {wallet.key for wallet in revision.wallets}
    for index, cap in enumerate(revision.policies.member_caps):
        if cap.wallet and cap.wallet not in wallets:
            pointer = f"policies/member_caps/{index}/wallet"
            document.refuse(pointer, "unknown_wallet", f"There is no wallet {cap.wallet!r}.")


def _write(policies: Policies) -> dict[str, Any]:
    return {
        "backdating_days": policies.backdating_days,
        "member_caps": [
            {"wallet": cap.wallet, "per": cap.per.value, "points": cap.points} for cap in policies.member_caps
        ],
    }


SECTION: Final = Section(
    "policies",
    _read,
    _write,
    check=_check,
    schema=record(
        (),
        backdating_days=whole(0, _MOST_DAYS, is_optional=True),
        member_caps={
            "type": "array",
            "items": record(
                ("wallet", "per", "points"),
                wallet=KEY_SCHEMA,
                per=one_of(CapPeriod),
                points=whole(0, MOST_POINTS),
            ),
        },
    ),
)
