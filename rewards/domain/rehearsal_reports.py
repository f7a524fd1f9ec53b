"""What came of a rehearsal, as it is stored, beside what really happened in the same days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rewards.domain import rehearsed_challenges
from rewards.domain.engine import Engine
from rewards.domain.rehearsal_totals import RuleTotals
from rewards.domain.rehearsals import ShadowLedger
from rewards.domain.rehearsed_challenges import ActualChallenge
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.wallets import WalletPolicy

MOST_NAMED: Final = 10
_STEPS: Final = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class Actual:
    """What really happened in the same days, and what members have after them, less what they owe."""

    points_by_rule: Mapping[str, int]
    points_by_customer: Mapping[int, int]
    given: int
    taken: int
    kept_by_wallet: Mapping[str, int] = field(default_factory=dict)
    tier_by_customer: Mapping[int, str] = field(default_factory=dict)
    outstanding_by_wallet: Mapping[str, int] = field(default_factory=dict)
    challenges: Mapping[str, ActualChallenge] = field(default_factory=dict)


def report(
    ledger: ShadowLedger, actual: Actual, *, until: datetime, live: Engine | None, names: Mapping[str, str]
) -> dict[str, Any]:
    """Return the result of a rehearsal as it is stored; tiers are those of ``until``."""
    totals = ledger.points.totals.values()
    changes = _changes(ledger.totals.points_by_customer, actual.points_by_customer)
    wallets = _wallets(ledger, actual, live)
    return {
        "events": ledger.totals.events,
        "points": {"given": sum(each.given for each in totals), "taken": sum(each.taken for each in totals)},
        "actual": {"given": actual.given, "taken": actual.taken},
        "liability_change_points": sum(wallet["liability_change_points"] for wallet in wallets),
        "liability_change_minor": sum(wallet["liability_change_minor"] for wallet in wallets),
        "cost_minor": sum(wallet["cost_minor"] for wallet in wallets),
        "wallets": wallets,
        "rules": _rules(ledger, actual, names),
        "challenges": rehearsed_challenges.told(ledger, actual.challenges, live),
        "grants": dict(ledger.totals.grants.most_common()),
        "members": {
            "winners": sum(1 for change in changes if change[1] > 0),
            "losers": sum(1 for change in changes if change[1] < 0),
            "unchanged": len(set(ledger.totals.points_by_customer) | set(actual.points_by_customer))
            - sum(1 for change in changes if change[1]),
            "spread": spread([change for _member, change in changes]),
            "most_won": [list(change) for change in changes[:MOST_NAMED] if change[1] > 0],
            "most_lost": [list(change) for change in reversed(changes[-MOST_NAMED:]) if change[1] < 0],
        },
        "tiers": tier_moves(dict(ledger.tiers.held(until)), actual.tier_by_customer),
        "conflicts": conflicts(ledger, actual, names),
        "overlaps": [
            {"rule": rule, "name": names.get(rule, rule), "with": other, "with_name": names.get(other, other),
             "events": events}
            for (rule, other), events in ledger.totals.overlaps.most_common(MOST_NAMED)
        ],
    }  # fmt: skip


def _wallets(ledger: ShadowLedger, actual: Actual, live: Engine | None) -> list[dict[str, Any]]:
    """Return what came of each wallet of the revision, and of those that only the live one has."""
    ours = {wallet.key: wallet for wallet in ledger.engine.revision.wallets}
    theirs = {wallet.key: wallet for wallet in live.revision.wallets} if live else {}
    return [
        _wallet(wallet, theirs.get(key, wallet), ledger.points, actual, is_gone=key not in ours)
        for key, wallet in {**theirs, **ours}.items()
    ]


def _wallet(
    wallet: WalletPolicy, live: WalletPolicy, points: ShadowPoints, actual: Actual, *, is_gone: bool
) -> dict[str, Any]:
    """Return what moved in a wallet and what is left of it; the liability is that of all members' points."""
    totals, left = points.totals[wallet.key], points.outstanding(wallet.key)
    kept, really = totals.given - totals.taken, actual.outstanding_by_wallet.get(wallet.key, 0)
    return {
        "wallet": wallet.key, "name": wallet.name, "kind": wallet.kind.value, "is_gone": is_gone,
        "given": totals.given, "asked_back": totals.asked, "taken": totals.taken, "expired": totals.expired,
        "spent": totals.spent, "missing": totals.missing,
        "points": kept, "actual_points": actual.kept_by_wallet.get(wallet.key, 0),
        "pending": left.pending, "available": left.available, "debt": left.debt,
        "cost_minor": wallet.cost_minor(kept),
        "liability_change_points": left.points - really,
        "liability_change_minor": wallet.liability_minor(left.points) - live.liability_minor(really),
    }  # fmt: skip


def _changes(ours: Mapping[int, int], theirs: Mapping[int, int]) -> list[tuple[int, int]]:
    members = {*ours, *theirs}
    changes = [(member, ours.get(member, 0) - theirs.get(member, 0)) for member in members]
    return sorted((change for change in changes if change[1]), key=lambda change: (-change[1], change[0]))


def spread(changes: Sequence[int]) -> list[dict[str, Any]]:
    """Return how many members get how many points more or less, from the greatest loss to the greatest gain.

    A step is from ``least`` to ``most``, each ten times the one before; the outermost have no end. Steps
    beyond the changes there are, are left out.
    """
    gains = [(low, low * 10 - 1 if low < _STEPS[-1] else None) for low in _STEPS]
    losses = [(None if high is None else -high, -low) for low, high in reversed(gains)]
    steps = [
        {"least": least, "most": most, "members": sum(_is_between(change, least, most) for change in changes)}
        for least, most in [*losses, *gains]
    ]
    filled = [index for index, step in enumerate(steps) if step["members"]]
    return steps[filled[0] : filled[-1] + 1] if filled else []


def _is_between(change: int, least: int | None, most: int | None) -> bool:
    return (least is None or change >= least) and (most is None or change <= most)


def _rules(ledger: ShadowLedger, actual: Actual, names: Mapping[str, str]) -> list[dict[str, Any]]:
    revision = ledger.engine.revision
    wallet_of = {rule.key: rule.wallet for rule in revision.rules}
    keys = [rule.key for rule in revision.rules]
    keys += sorted(set(actual.points_by_rule) - set(keys))
    rows = []
    for key in keys:
        totals = ledger.totals.rules.get(key, RuleTotals())
        wallet = wallet_of.get(key)
        cost = revision.wallet(wallet).cost_minor(totals.points) if wallet else 0
        rows.append(
            {
                "rule": key,
                "name": names.get(key, key),
                "times": totals.times,
                "points": totals.points,
                "capped": totals.capped,
                "cost_minor": cost,
                "actual_points": actual.points_by_rule.get(key, 0),
                "is_gone": key not in wallet_of,
            }
        )
    return rows


def tier_moves(ours: Mapping[int, str], theirs: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return how many members stand in another tier in the end than the live revision has them in."""
    moves: Counter[tuple[str, str]] = Counter()
    for member in {*ours, *theirs}:
        new, old = ours.get(member, ""), theirs.get(member, "")
        if new != old:
            moves[old, new] += 1
    return [{"from": old, "to": new, "members": members} for (old, new), members in moves.most_common()]


def conflicts(ledger: ShadowLedger, actual: Actual, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rules of the live program that pay otherwise in this one, and those that pay no more."""
    found = []
    for rule, points in sorted(actual.points_by_rule.items()):
        ours = ledger.totals.rules[rule].points if rule in ledger.totals.rules else 0
        if points and ours != points:
            found.append(
                {"rule": rule, "name": names.get(rule, rule), "points": ours, "actual_points": points}
            )
    return found
