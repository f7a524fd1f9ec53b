"""The free values a program reads: properties of events and attributes of members, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from crm.domain.hidden_values import FreeValue, free_values
from rewards.domain.challenges.definition import (
    DistinctGoal,
    EventMatch,
    Goal,
    SetGoal,
    SumGoal,
    parts,
)
from rewards.domain.conditions import FactSource, leaves
from rewards.domain.programs import Revision
from rewards.domain.rules import EarningRule, FormulaPoints, GivePoints

_RULES: Final = "/rules/"


class Reader(NamedTuple):
    """A rule or challenge with the free values it reads; ``pointer`` leads to it in the document."""

    pointer: str
    key: str
    name: str
    values: frozenset[FreeValue]

    @property
    def is_rule(self) -> bool:
        """Whether it is an earning rule; the others are challenges."""
        return self.pointer.startswith(_RULES)


def readers(revision: Revision) -> Iterator[Reader]:
    """Yield each rule and challenge of a revision."""
    for index, rule in enumerate(revision.rules):
        yield Reader(f"{_RULES}{index}", rule.key, rule.name, of_rule(rule))
    for index, challenge in enumerate(revision.challenges):
        yield Reader(f"/challenges/{index}", challenge.key, challenge.name, _of_goal(challenge.goal))


def of_rule(rule: EarningRule) -> frozenset[FreeValue]:
    """Return what the conditions and the amount of a rule read."""
    facts = [(leaf.source, leaf.name) for tree in (rule.when, rule.lines) for leaf in leaves(tree)]
    if isinstance(rule.points, FormulaPoints):
        facts += [(term.source, term.name) for term in rule.points.terms]
    elif isinstance(rule.points, GivePoints) and rule.points.per_property:
        facts.append((FactSource.PROPERTY, rule.points.per_property))
    return frozenset(_free(facts, rule.event))


def _free(facts: Iterable[tuple[FactSource, str]], event: str) -> Iterator[FreeValue]:
    for source, name in facts:
        if source is FactSource.ATTRIBUTE:
            yield FreeValue("", name)
        elif source is FactSource.PROPERTY and event:
            # What orders and returns say of themselves is no free value.
            yield FreeValue(event, name)


def _of_goal(goal: Goal) -> frozenset[FreeValue]:
    found = set(_measured(goal))
    for _part, match in parts(goal):
        if isinstance(match, EventMatch) and match.where is not None:
            # Conditions of challenges name an event's properties where those of segments name attributes.
            found |= {FreeValue(match.name, value.name) for value in free_values(match.where)}
    return frozenset(found)


def _measured(goal: Goal) -> Iterator[FreeValue]:
    """Yield the properties that a goal adds up or tells apart."""
    for each in [task.goal for task in goal.tasks] if isinstance(goal, SetGoal) else [goal]:
        if isinstance(each, SumGoal | DistinctGoal) and isinstance(each.match, EventMatch):
            yield FreeValue(each.match.name, each.of)
