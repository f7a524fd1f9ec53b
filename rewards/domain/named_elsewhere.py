"""What a program names and does not define: segments, events, attributes and traits of the tenant's data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crm.domain.hidden_values import free_values
from crm.domain.rules import parse, segment_keys
from rewards.domain.conditions import FactSource, leaves
from rewards.domain.programs import Revision
from rewards.domain.rules import EarningRule, FormulaPoints, GrantKind


@dataclass(frozen=True, slots=True)
class Named:
    """Keys and names, each once; traits that the program's own rules write are its own."""

    segments: frozenset[str]
    events: frozenset[str]
    attributes: frozenset[str]
    traits: frozenset[str]


def of(revision: Revision) -> Named:
    """Return what a revision names."""
    facts = {fact for rule in revision.rules for fact in _facts(rule)}
    written = {grant.key for rule in revision.rules for grant in rule.grants if grant.kind is GrantKind.TRAIT}
    scored = {name for each in revision.qualification.criteria for name in each.weights}
    by_source = {source: {name for kind, name in facts if kind is source} for source in FactSource}
    return Named(
        segments=frozenset({*by_source[FactSource.SEGMENT], *_audiences(revision)}),
        events=frozenset(_events(revision)),
        attributes=frozenset({*by_source[FactSource.ATTRIBUTE], *_of_coupons(revision)}),
        traits=frozenset((by_source[FactSource.TRAIT] | scored) - written),
    )


def _facts(rule: EarningRule) -> Iterator[tuple[FactSource, str]]:
    for tree in (rule.when, rule.lines):
        yield from ((leaf.source, leaf.name) for leaf in leaves(tree))
    if isinstance(rule.points, FormulaPoints):
        yield from ((term.source, term.name) for term in rule.points.terms)


def _audiences(revision: Revision) -> Iterator[str]:
    for rule in revision.rules:
        yield from rule.audience
    yield from (each.audience.segment for each in revision.challenges if each.audience.segment)
    for reward in revision.rewards:
        yield from reward.segments
    for coupon in revision.coupons:
        yield from coupon.terms["segments"]
        if coupon.terms["rule"] is not None:
            yield from segment_keys(parse(coupon.terms["rule"]))


def _of_coupons(revision: Revision) -> Iterator[str]:
    rules = (coupon.terms["rule"] for coupon in revision.coupons)
    for rule in rules:
        if rule is not None:
            yield from (value.name for value in free_values(parse(rule)) if not value.event)


def _events(revision: Revision) -> Iterator[str]:
    yield from (rule.event for rule in revision.rules if rule.event)
    for challenge in revision.challenges:
        yield from challenge.event_names()
    if revision.referral is not None and revision.referral.event_name:
        yield revision.referral.event_name
