"""The linter: what a program says that nobody can have meant, before anybody is paid by it.

Errors block publishing: references to nothing, a rule that pays itself, one that can never pay, sensitive
values. Warnings do not: overlaps, shadows, points that cost more than the tenant may want, limits that cannot
be kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Final

from crm.domain.hidden_values import Hidden
from rewards.domain.conditions import FactSource, Op, Operand, leaves
from rewards.domain.findings import Finding, Reason, error, warning
from rewards.domain.linting_challenges import challenges
from rewards.domain.linting_conditions import contradiction, is_never, is_plain, is_within, required
from rewards.domain.linting_currencies import unpriced
from rewards.domain.linting_kept import dropped
from rewards.domain.linting_margins import lift_of, share_of
from rewards.domain.linting_offers import offers
from rewards.domain.linting_secrets import secrets
from rewards.domain.linting_together import causes, together
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, EarningRule, FormulaPoints, GivePoints, GrantKind, Trigger

# Points worth more than this share of the money spent are called out.
DEAR_PERCENT: Final = 20
_TIER: Final = f"{FactSource.MEMBER.value}.tier"


@dataclass(frozen=True, slots=True)
class Known:
    """Keys that exist outside of the document, ``None`` where nobody looked, and what is sensitive.

    ``at`` is when, ``held`` what members have by section, ``former`` the program in force, ``currencies`` are
    those of orders lately.
    """

    coupons: frozenset[str] | None = None
    rewards: frozenset[str] | None = None
    segments: frozenset[str] | None = None
    sensitive: Hidden = field(default_factory=Hidden)
    at: datetime | None = None
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)
    former: Revision | None = None
    currencies: frozenset[str] = frozenset()


NOTHING_KNOWN: Final = Known()


def lint(revision: Revision, known: Known = NOTHING_KNOWN) -> list[Finding]:
    """Return the findings of a revision, errors first."""
    found: list[Finding] = []
    for index, rule in enumerate(revision.rules):
        pointer = f"/rules/{index}"
        found += _references(rule, pointer, revision, known)
        found += _contradictions(rule, pointer, known.at, revision.time_zone)
        found += _shadows(rule, pointer, revision.rules[:index])
        found += _margins(rule, pointer, revision)
        found += _loops(rule, pointer)
        found += _limits(rule, pointer, revision)
    found += together(revision, known.rewards)
    found += secrets(revision, known.sensitive)
    found += dropped(revision, known.held)
    found += unpriced(revision, known.currencies)
    found += challenges(
        revision, coupons=known.coupons, segments=known.segments, former=known.former, at=known.at
    )
    found += offers(revision, known=known.coupons, former=known.former, at=known.at)
    found = [_where_written(finding, revision) for finding in found]
    return sorted(found, key=lambda finding: (not finding.is_error, finding.pointer, finding.code))


def _where_written(finding: Finding, revision: Revision) -> Finding:
    """Return the finding with the place that its rule or tier has in the document."""
    _root, section, *rest = finding.pointer.split("/")
    keys = revision.keys_as_written.get(section, ())
    if not rest or finding.rule not in keys:
        return finding
    place = str(keys.index(finding.rule))
    return replace(finding, pointer="/".join(("", section, place, *rest[1:])))


def _texts(value: Operand) -> list[str]:
    return [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, str)]


def _references(rule: EarningRule, pointer: str, revision: Revision, known: Known) -> Iterator[Finding]:
    there = {
        GrantKind.COUPON: known.coupons,
        GrantKind.REWARD: known.rewards,
        GrantKind.CHALLENGE: frozenset(challenge.key for challenge in revision.challenges),
    }
    for grant in rule.grants:
        keys = there.get(grant.kind)
        if keys is not None and grant.key not in keys:
            kind = grant.kind.value
            yield error(Reason.MISSING, f"{pointer}/effects", rule, kind=kind, key=grant.key)
    tiers = frozenset(tier.key for tier in revision.tiers)
    asked = {key for leaf in leaves(rule.when) if leaf.field == _TIER for key in _texts(leaf.value)}
    for key in sorted(asked - tiers):
        yield error(Reason.MISSING, f"{pointer}/when", rule, kind="tier", key=key)
    if known.segments is None:
        return
    named = {leaf.name for leaf in leaves(rule.when) if leaf.source is FactSource.SEGMENT}
    for key in sorted((named | rule.audience) - known.segments):
        yield error(Reason.MISSING, f"{pointer}/audience", rule, kind="segment", key=key)


def _contradictions(rule: EarningRule, pointer: str, at: datetime | None, zone: tzinfo) -> Iterator[Finding]:
    """What can never match, and what has nothing left to give."""
    if first := contradiction(rule.when):
        yield error(Reason.CONDITIONS_EXCLUDE, f"{pointer}/when", rule, field=first.field)
    for leaf in required(rule.when):
        if is_never(leaf):
            yield error(Reason.NEVER_SUCH_VALUE, f"{pointer}/when", rule, field=leaf.field)
        elif leaf.source is FactSource.PROPERTY and leaf.op is not Op.MISSING and not _has_properties(rule):
            yield error(Reason.NO_PROPERTIES, f"{pointer}/when", rule, field=leaf.field)
    if isinstance(rule.points, GivePoints) and rule.points.per_property and not _has_properties(rule):
        field = f"{FactSource.PROPERTY.value}.{rule.points.per_property}"
        yield error(Reason.NO_PROPERTIES, f"{pointer}/effects", rule, field=field)
    if any(cap.points == 0 or cap.times == 0 for cap in rule.caps):
        yield warning(Reason.CAP_OF_NOTHING, f"{pointer}/caps", rule)
    if at is not None and rule.ends_at is not None and rule.ends_at <= at:
        last = (rule.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
        yield warning(Reason.HAS_ENDED, pointer, rule, ended_on=last.isoformat())


def _has_properties(rule: EarningRule) -> bool:
    return rule.trigger in {Trigger.EVENT, Trigger.RETURN}


def _always(rule: EarningRule) -> bool:
    """Whether the rule matches every event of its trigger and has no limit that could hold it back."""
    return not (
        rule.when or rule.lines or rule.audience or rule.starts_at or rule.ends_at or rule.caps or rule.budget
    )


def _shadows(rule: EarningRule, pointer: str, before: tuple[EarningRule, ...]) -> Iterator[Finding]:
    for other in before:
        if (other.trigger, other.event) != (rule.trigger, rule.event):
            continue
        covers = _always(other) or _is_within(rule, other)
        if other.stops and covers:
            yield warning(Reason.STOPPED_BEFORE, pointer, rule, other=other.key)
        elif rule.group and other.group == rule.group and covers:
            yield warning(Reason.GROUP_BEFORE, pointer, rule, other=other.key)


def _is_within(rule: EarningRule, other: EarningRule) -> bool:
    """Whether whatever matches ``rule`` matches ``other``, as far as their trees tell plainly."""
    if other.lines or other.audience or other.caps or other.budget or other.starts_at or other.ends_at:
        return False
    return is_plain(other.when) and is_within(required(rule.when), required(other.when))


def _margins(rule: EarningRule, pointer: str, revision: Revision) -> Iterator[Finding]:
    share = share_of(rule, revision) * lift_of(rule, revision) / PERCENT
    is_bounded = isinstance(rule.points, FormulaPoints) and rule.points.at_most is not None
    if share >= PERCENT and not is_bounded:
        yield error(Reason.GIVES_BACK, f"{pointer}/effects", rule, percent=round(share))
    elif share >= DEAR_PERCENT:
        yield warning(Reason.MAY_GIVE_BACK, f"{pointer}/effects", rule, percent=round(share))


def _loops(rule: EarningRule, pointer: str) -> Iterator[Finding]:
    """A rule whose own effect makes the event, or opens the condition, that it answers to."""
    for grant in rule.grants:
        if rule.trigger is Trigger.EVENT and causes(grant, rule.event) and not rule.caps:
            yield error(Reason.CAUSES_ITSELF, f"{pointer}/effects", rule, event=rule.event)
        traits = {leaf.name for leaf in leaves(rule.when) if leaf.source is FactSource.TRAIT}
        if grant.kind is GrantKind.TRAIT and grant.key in traits and not rule.caps:
            yield warning(Reason.ASKS_OWN_TRAIT, f"{pointer}/effects", rule, trait=grant.key)


def _limits(rule: EarningRule, pointer: str, revision: Revision) -> Iterator[Finding]:
    budget = next((each for each in revision.budgets if each.key == rule.budget), None)
    has_money = budget is not None and budget.money_minor is not None and bool(rule.wallet)
    if has_money and not revision.wallet(rule.wallet).thousand_cost_minor:
        yield warning(Reason.BUDGET_WITHOUT_COST, f"{pointer}/budget", rule)
    if rule.starts_at is None and rule.trigger is not Trigger.ORDER and not rule.caps and rule.points:
        yield warning(Reason.UNCAPPED, pointer, rule)
