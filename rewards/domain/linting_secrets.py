"""What a program reads although it is sensitive: nobody is paid for their health or their e-mail address."""

from __future__ import annotations

from collections.abc import Iterator

from crm.domain.hidden_values import Hidden, spoken_of
from rewards.domain.challenges.definition import (
    Challenge,
    DistinctGoal,
    EventMatch,
    Goal,
    SetGoal,
    SumGoal,
    parts,
)
from rewards.domain.conditions import FactSource, leaves
from rewards.domain.findings import Finding, Severity
from rewards.domain.programs import Revision
from rewards.domain.rules import EarningRule, FormulaPoints, GivePoints


def secrets(revision: Revision, hidden: Hidden) -> Iterator[Finding]:
    """Yield an error for each rule and challenge that names sensitive attributes or properties."""
    if not hidden:
        return
    for index, rule in enumerate(revision.rules):
        yield from _told(f"/rules/{index}", rule.key, _of_rule(rule, hidden))
    for index, challenge in enumerate(revision.challenges):
        yield from _told(f"/challenges/{index}", challenge.key, _of_challenge(challenge, hidden))


def _told(pointer: str, key: str, names: set[str]) -> Iterator[Finding]:
    if names:
        detail = f"It reads sensitive values: {', '.join(sorted(names))}."
        yield Finding(Severity.ERROR, "sensitive_value", pointer, key, detail)


def _of_rule(rule: EarningRule, hidden: Hidden) -> set[str]:
    named = [(leaf.source, leaf.name) for tree in (rule.when, rule.lines) for leaf in leaves(tree)]
    if isinstance(rule.points, FormulaPoints):
        named += [(term.source, term.name) for term in rule.points.terms]
    elif isinstance(rule.points, GivePoints):
        named.append((FactSource.PROPERTY, rule.points.per_property))
    secret = {FactSource.ATTRIBUTE: hidden.attributes, FactSource.PROPERTY: hidden.of_event(rule.event)}
    return {name for source, name in named if name in secret.get(source, ())}


def _of_challenge(challenge: Challenge, hidden: Hidden) -> set[str]:
    found = _measured(challenge.goal, hidden)
    for _part, match in parts(challenge.goal):
        if isinstance(match, EventMatch) and match.where is not None:
            # Conditions of challenges name an event's properties where those of segments name attributes.
            found |= set(spoken_of(match.where, Hidden(attributes=hidden.of_event(match.name))))
    return found


def _measured(goal: Goal, hidden: Hidden) -> set[str]:
    """Return the sensitive properties that a goal adds up or tells apart."""
    goals = [task.goal for task in goal.tasks] if isinstance(goal, SetGoal) else [goal]
    return {
        each.of
        for each in goals
        if isinstance(each, SumGoal | DistinctGoal)
        and isinstance(each.match, EventMatch)
        and each.of in hidden.of_event(each.match.name)
    }
