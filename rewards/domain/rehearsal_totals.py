"""What came of a rehearsal so far: by rule, by member, and which rules paid for the same events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from rewards.domain.decisions import Decision
from rewards.domain.engine import Engine


@dataclass(slots=True)
class RuleTotals:
    """What one rule gave: how often, how many points, what they cost, and how often a limit bit."""

    times: int = 0
    points: int = 0
    capped: int = 0


def changed_rules(engine: Engine, live: Engine) -> frozenset[str]:
    """Return the keys of the rules that the live program has not, or has otherwise."""
    known = {rule.key: rule for rule in live.revision.rules}
    return frozenset(rule.key for rule in engine.revision.rules if known.get(rule.key) != rule)


def changed_challenges(engine: Engine, live: Engine) -> frozenset[str]:
    """Return the keys of the challenges that both have and that count otherwise than live."""
    known = {each.key: replace(each, name="", description="") for each in live.revision.challenges}
    return frozenset(
        each.key
        for each in engine.revision.challenges
        if each.key in known and known[each.key] != replace(each, name="", description="")
    )


class RehearsalTotals:
    """Sums of what was decided.

    ``changed_rules`` are those that the live program does not have like this; where one pays for the same
    event as another rule, ``overlaps`` counts the pair.
    """

    def __init__(self, changed: Collection[str]) -> None:
        self._changed_rules = frozenset(changed)
        self.rules: dict[str, RuleTotals] = defaultdict(RuleTotals)
        self.grants: Counter[str] = Counter()
        self.overlaps: Counter[tuple[str, str]] = Counter()
        self.points_by_customer: dict[int, int] = defaultdict(int)
        self.events = 0

    def book(self, decision: Decision) -> None:
        """Count what one event was decided to give."""
        self.events += 1
        rules = self.rules
        for outcome in decision.outcomes:
            if outcome.points or outcome.grants:
                totals = rules[outcome.rule]
                totals.times += 1
                totals.points += outcome.points
                if outcome.grants:
                    self.grants.update(outcome.grants)
            if outcome.cap is not None:
                rules[outcome.rule].capped += 1
        if self._changed_rules:
            self._note_overlaps([outcome.rule for outcome in decision.outcomes if outcome.points])

    def _note_overlaps(self, paying: list[str]) -> None:
        changed = self._changed_rules.intersection(paying)
        for rule in changed:
            self.overlaps.update((rule, other) for other in paying if other not in changed)
