"""Why a customer is in a segment or not: every node of the rule with whether it holds for one customer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from crm.domain.rules import AllOf, AnyOf, CustomerFacts, Not, Rule, matches


@dataclass(frozen=True, slots=True)
class Verdict:
    """One node, whether it holds, and the same of its parts."""

    rule: Rule
    holds: bool
    parts: tuple[Verdict, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Verdict]]:
        """Yield every node with its depth, from the top."""
        yield depth, self
        for part in self.parts:
            yield from part.walk(depth + 1)


def verdict(rule: Rule, facts: CustomerFacts, at: datetime, zone: ZoneInfo) -> Verdict:
    """Evaluate every node, also those that the answer does not need."""
    inner: tuple[Rule, ...] = ()
    if isinstance(rule, AllOf | AnyOf):
        inner = rule.rules
    elif isinstance(rule, Not):
        inner = (rule.rule,)
    parts = tuple(verdict(each, facts, at, zone) for each in inner)
    return Verdict(rule, matches(rule, facts, at, zone), parts)
