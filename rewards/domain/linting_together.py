"""What the linter sees only in several parts of a program at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil
from typing import Final

from rewards.domain.conditions import AllOf, Condition, FactSource, Op, Tree, children
from rewards.domain.findings import Finding, Reason, Severity, error, warning
from rewards.domain.linting_conditions import can_meet
from rewards.domain.linting_margins import share_of
from rewards.domain.programs import Revision
from rewards.domain.rules import (
    PERCENT,
    EarningRule,
    FormulaPoints,
    GivePoints,
    Grant,
    GrantKind,
    Trigger,
)

_MOST_OVERLAPS: Final = 3
_LOWER: Final = frozenset({Op.GT, Op.GTE})


def together(revision: Revision, rewards: frozenset[str] | None) -> Iterator[Finding]:
    """Yield the findings about rules beside each other, and about what tiers name."""
    yield from _overlaps(revision)
    yield from _joint_margin(revision)
    yield from _small_orders(revision)
    yield from _rings(revision)
    yield from _perks(revision, rewards)


def _overlaps(revision: Revision) -> Iterator[Finding]:
    """Two rules that pay the same wallet for the same events, under conditions that can hold together.

    A rule that overlaps with many is told with the first few: two hundred alike are twenty thousand pairs.
    """
    for index, rule in enumerate(revision.rules):
        yield from islice(_overlapping(rule, index, revision.rules[:index]), _MOST_OVERLAPS)


def _overlapping(rule: EarningRule, index: int, before: Sequence[EarningRule]) -> Iterator[Finding]:
    for other in before:
        same = (rule.trigger, rule.event, rule.wallet) == (other.trigger, other.event, other.wallet)
        is_additive = _gives(rule) and _gives(other)
        exclusive = (rule.group and rule.group == other.group) or other.stops
        is_alike = (rule.lines, rule.audience) == (other.lines, other.audience)
        if not (same and is_additive and is_alike and not exclusive and _meet(rule, other)):
            continue
        if rule.when == other.when:
            yield warning(Reason.PAYS_TWICE, f"/rules/{index}", rule, other=other.key)
        elif can_meet(rule, other):
            yield warning(Reason.BOTH_PAY, f"/rules/{index}", rule, other=other.key)


def _gives(rule: EarningRule) -> bool:
    return isinstance(rule.points, GivePoints | FormulaPoints)


def _meet(rule: EarningRule, other: EarningRule) -> bool:
    """Whether there is a moment at which both may pay."""
    for one, two in ((rule, other), (other, rule)):
        if one.ends_at is not None and two.starts_at is not None and one.ends_at <= two.starts_at:
            return False
    return True


def _joint_margin(revision: Revision) -> Iterator[Finding]:
    """Rules that give back a little each, and all the money together; of a group only the dearest counts."""
    by_group: dict[str, tuple[float, int, EarningRule]] = {}
    for index, rule in enumerate(revision.rules):
        share = share_of(rule, revision)
        place = rule.group or f"*{rule.key}"
        if share and share > by_group.get(place, (0.0, 0, rule))[0]:
            by_group[place] = share, index, rule
    total = sum(share for share, _index, _rule in by_group.values())
    if len(by_group) < 2 or total < PERCENT:  # noqa: PLR2004 - together means two
        return
    dearest, index, rule = max(by_group.values(), key=lambda each: each[0])
    if dearest < PERCENT:
        keys = [each.key for _share_of, _index, each in by_group.values()]
        pointer = f"/rules/{index}/effects"
        yield warning(Reason.GIVE_BACK_TOGETHER, pointer, rule, rules=keys, percent=round(total))


def _small_orders(revision: Revision) -> Iterator[Finding]:
    """A fixed gift for orders from an amount on that is worth more than that amount."""
    for index, rule in enumerate(revision.rules):
        effect = rule.points
        if rule.trigger is not Trigger.ORDER or not isinstance(effect, GivePoints):
            continue
        if effect.per_minor or effect.per_units or effect.per_property:
            continue
        least = _least_total(rule.when)
        worth = revision.wallet(effect.wallet).cost_minor(effect.points)
        if least is not None and revision.wallet(effect.wallet).thousand_cost_minor and worth >= least:
            yield warning(
                Reason.SMALL_ORDER, f"/rules/{index}/effects", rule,
                cost_minor=worth, least_minor=ceil(least),
            )  # fmt: skip


def _least_total(tree: Tree | None) -> float | None:
    """Return the least total of an order that the conditions plainly ask for."""
    if isinstance(tree, AllOf):
        found = [least for child in children(tree) if (least := _least_total(child)) is not None]
        return max(found, default=None)
    is_total = isinstance(tree, Condition) and (tree.source, tree.name) == (FactSource.ORDER, "total_minor")
    if is_total and isinstance(tree, Condition) and tree.op in _LOWER and isinstance(tree.value, int | float):
        return tree.value
    return None


_CAUSED: Final = {
    GrantKind.CHALLENGE: frozenset({"challenge_completed", "challenge_progressed"}),
    GrantKind.TIER: frozenset({"tier_changed"}),
    GrantKind.COUPON: frozenset({"coupon_issued"}),
    GrantKind.REWARD: frozenset({"reward_redeemed", "redemption_created"}),
}


def causes(grant: Grant, event: str) -> bool:
    """Whether what a rule gives may come back as an event of this name."""
    if grant.kind is GrantKind.MESSAGE:
        return event in {"message_triggered", f"message_{grant.key}", grant.key}
    return event in _CAUSED.get(grant.kind, frozenset())


def _rings(revision: Revision) -> Iterator[Finding]:
    """Rules without caps, each of which causes the event of the next and the last that of the first."""
    open_rules = [rule for rule in revision.rules if rule.trigger is Trigger.EVENT and not rule.caps]
    follows = {
        rule.key: [
            other.key
            for other in open_rules
            if other is not rule and any(causes(grant, other.event) for grant in rule.grants)
        ]
        for rule in open_rules
    }
    told: set[frozenset[str]] = set()
    for index, rule in enumerate(revision.rules):
        ring = _ring(rule.key, follows) if rule.key in follows else None
        if ring and frozenset(ring) not in told:
            told.add(frozenset(ring))
            yield error(Reason.CAUSE_EACH_OTHER, f"/rules/{index}/effects", rule, rules=[*ring, rule.key])


def _ring(start: str, follows: dict[str, list[str]]) -> list[str] | None:
    """Return the shortest way from a rule back to itself."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop(0)
        for after in follows[way[-1]]:
            if after == start:
                return way
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return None


def _perks(revision: Revision, rewards: frozenset[str] | None) -> Iterator[Finding]:
    if rewards is None:
        return
    for index, tier in enumerate(revision.tiers):
        for key in sorted({*tier.perks.rewards, *tier.perks.prices} - rewards):
            named = {"kind": "reward", "key": key}
            yield Finding(Severity.WARNING, Reason.MISSING, f"/tiers/{index}/perks", tier.key, named)
