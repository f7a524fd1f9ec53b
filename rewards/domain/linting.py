"""The linter: what a program says that nobody can have meant, before anybody is paid by it.

Errors block publishing: references to nothing, a rule that pays itself, one that can never pay, sensitive
values. Warnings do not: overlaps, shadows, points that cost more than the tenant may want, limits that cannot
be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from crm.domain.hidden_values import Hidden
from rewards.domain.conditions import AllOf, Condition, FactSource, Op, Tree, children, leaves
from rewards.domain.findings import Finding, Reason, error, warning
from rewards.domain.linting_secrets import secrets
from rewards.domain.linting_together import causes, together
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, EarningRule, GivePoints, GrantKind, MultiplyPoints, Trigger

# Points worth more than this share of the money spent are called out.
DEAR_PERCENT: Final = 20
_LOWER: Final = frozenset({Op.GT, Op.GTE})
_UPPER: Final = frozenset({Op.LT, Op.LTE})


@dataclass(frozen=True, slots=True)
class Known:
    """Keys that exist outside of the document, ``None`` where nobody looked, and what is sensitive."""

    coupons: frozenset[str] | None = None
    rewards: frozenset[str] | None = None
    segments: frozenset[str] | None = None
    sensitive: Hidden = field(default_factory=Hidden)


NOTHING_KNOWN: Final = Known()


def lint(revision: Revision, known: Known = NOTHING_KNOWN) -> list[Finding]:
    """Return the findings of a revision, errors first."""
    found: list[Finding] = []
    for index, rule in enumerate(revision.rules):
        pointer = f"/rules/{index}"
        found += _references(rule, pointer, revision, known)
        found += _contradictions(rule, pointer)
        found += _shadows(rule, pointer, revision.rules[:index])
        found += _margins(rule, pointer, revision)
        found += _loops(rule, pointer)
        found += _limits(rule, pointer, revision)
    found += together(revision, known.rewards)
    found += secrets(revision, known.sensitive)
    found = [_where_written(finding, revision) for finding in found]
    return sorted(found, key=lambda finding: (not finding.is_error, finding.pointer, finding.code))


def _where_written(finding: Finding, revision: Revision) -> Finding:
    """Return the finding with the place that its rule or tier has in the document."""
    _root, section, _place, *rest = finding.pointer.split("/")
    keys = revision.keys_as_written.get(section, ())
    if finding.rule not in keys:
        return finding
    place = str(keys.index(finding.rule))
    return replace(finding, pointer="/".join(("", section, place, *rest)))


def _references(rule: EarningRule, pointer: str, revision: Revision, known: Known) -> Iterator[Finding]:
    challenges = frozenset(challenge.key for challenge in revision.challenges)
    there = {
        GrantKind.COUPON: known.coupons,
        GrantKind.REWARD: known.rewards,
        GrantKind.CHALLENGE: challenges,
    }
    for grant in rule.grants:
        keys = there.get(grant.kind)
        if keys is not None and grant.key not in keys:
            kind = grant.kind.value
            yield error(Reason.MISSING, f"{pointer}/effects", rule, kind=kind, key=grant.key)
    if known.segments is None:
        return
    named = {leaf.name for leaf in leaves(rule.when) if leaf.source is FactSource.SEGMENT}
    for key in sorted((named | rule.audience) - known.segments):
        yield error(Reason.MISSING, f"{pointer}/audience", rule, kind="segment", key=key)


def _required(tree: Tree | None) -> list[Condition]:
    """Return the conditions that must hold in any case."""
    if isinstance(tree, AllOf):
        return [leaf for child in children(tree) for leaf in _required(child)]
    return [tree] if isinstance(tree, Condition) and tree.where is None else []


def _contradictions(rule: EarningRule, pointer: str) -> Iterator[Finding]:
    required = _required(rule.when)
    for index, first in enumerate(required):
        for second in required[index + 1 :]:
            if first.field == second.field and _exclude(first, second):
                yield error(Reason.CONDITIONS_EXCLUDE, f"{pointer}/when", rule, field=first.field)


def _exclude(first: Condition, second: Condition) -> bool:
    """Whether no value fulfils both; only what is certain counts."""
    choices, other_choices = _choices(first), _choices(second)
    if choices is not None and other_choices is not None:
        return choices.isdisjoint(other_choices)
    for one, two in ((first, second), (second, first)):
        wanted = _choices(one)
        if wanted is not None and _is_number(two.value):
            return not any(_is_number(value) and _fulfils(value, two) for value in wanted)
        if one.op in _LOWER and two.op in _UPPER and _is_number(one.value) and _is_number(two.value):
            low, high = one.value, two.value
            is_strict = one.op is Op.GT or two.op is Op.LT
            return low > high or (low == high and is_strict)  # type: ignore[operator]  # both are numbers
    return False


def _choices(condition: Condition) -> frozenset[object] | None:
    if condition.op is Op.EQ:
        return frozenset({condition.value})
    if condition.op is Op.IN and isinstance(condition.value, tuple):
        return frozenset(condition.value)
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TESTS: Final[dict[Op, Callable[[float, float], bool]]] = {
    Op.GT: lambda value, limit: value > limit,
    Op.GTE: lambda value, limit: value >= limit,
    Op.LT: lambda value, limit: value < limit,
    Op.LTE: lambda value, limit: value <= limit,
    Op.NE: lambda value, limit: value != limit,
}


def _fulfils(value: object, condition: Condition) -> bool:
    test = _TESTS.get(condition.op)
    return test is None or test(value, condition.value)  # type: ignore[arg-type]  # both are numbers


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
    asked = set(_required(other.when))
    return (
        other.when is not None
        and len(asked) == len(list(leaves(other.when)))
        and asked <= set(_required(rule.when))
    )


def _margins(rule: EarningRule, pointer: str, revision: Revision) -> Iterator[Finding]:
    effect = rule.points
    if not isinstance(effect, GivePoints) or effect.per_minor is None:
        return
    cost = revision.wallet(effect.wallet).thousand_cost_minor
    if not cost:
        return
    most = max((*effect.category_percent.values(), PERCENT)) * max((*effect.tier_percent.values(), PERCENT))
    factor = max(
        (other.points.percent for other in revision.rules if isinstance(other.points, MultiplyPoints)
         and (rule.key in other.points.rules or not other.points.rules)),
        default=PERCENT,
    )  # fmt: skip
    share = effect.points * most * factor * cost / (effect.per_minor * PERCENT**3 * 1000) * PERCENT
    if share >= PERCENT:
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
