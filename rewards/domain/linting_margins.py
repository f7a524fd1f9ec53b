"""What share of the money spent rules give back at best."""

from __future__ import annotations

from rewards.domain.conditions import FactSource
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, EarningRule, FormulaPoints, GivePoints, MultiplyPoints


def share_of(rule: EarningRule, revision: Revision) -> float:
    """Return the percent of the money spent that a rule gives back at best, without multipliers."""
    effect = rule.points
    if isinstance(effect, GivePoints) and effect.per_minor is not None:
        most = max((*effect.category_percent.values(), PERCENT)) * max(
            (*effect.tier_percent.values(), PERCENT)
        )
        points_a_minor = effect.points * most / (effect.per_minor * PERCENT**2)
    elif isinstance(effect, FormulaPoints):
        points_a_minor = float(
            sum(
                term.weight for term in effect.terms
                if (term.source, term.name) == (FactSource.ORDER, "total_minor")
            )
        )  # fmt: skip
    else:
        return 0.0
    return max(points_a_minor, 0.0) * revision.wallet(effect.wallet).thousand_cost_minor / 1000 * PERCENT


def lift_of(rule: EarningRule, revision: Revision) -> int:
    """Return the percent to which multipliers lift a rule at best; those of one group do not add up."""
    more: dict[str, int] = {}
    after = revision.rules[revision.rules.index(rule) + 1 :]
    for other in after:
        effect = other.points
        same = (rule.trigger, rule.event, rule.wallet) == (other.trigger, other.event, other.wallet)
        if same and isinstance(effect, MultiplyPoints) and (rule.key in effect.rules or not effect.rules):
            place = other.group or f"*{other.key}"
            more[place] = max(more.get(place, 0), effect.percent - PERCENT)
    return PERCENT + sum(more.values())
