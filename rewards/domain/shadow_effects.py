"""What rules give besides points, as far as anything that comes after can see it."""

from __future__ import annotations

from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.participation import Pair
from rewards.domain.decisions import Evaluation
from rewards.domain.effects import AdvanceChallenge, ChangeTier, SetTrait
from rewards.domain.facts import Due
from rewards.domain.measures import Measures
from rewards.domain.shadow_challenges import ShadowChallenges
from rewards.domain.shadow_decisions import ShadowDecisions
from rewards.domain.shadow_tiers import ShadowTiers
from rewards.domain.sources import rule_source


class ShadowEffects:
    """Carries out traits, tiers and progress that rules give, kind by kind, as live does."""

    def __init__(self, decisions: ShadowDecisions, tiers: ShadowTiers, measures: Measures | None) -> None:
        self._decisions, self._tiers, self._measures = decisions, tiers, measures

    def carry_out(self, due: Due, evaluation: Evaluation, challenges: ShadowChallenges | None) -> None:
        """Let what comes after see what an event has given."""
        customer_id, at = due.customer_id, due.event.at
        for effect in evaluation.effects:
            if isinstance(effect, SetTrait):
                self._decisions.set_trait(customer_id, effect.trait, effect.value)
                if self._measures is not None:
                    self._measures.set_trait(customer_id, effect.trait, effect.value)
        for effect in evaluation.effects:
            if isinstance(effect, ChangeTier):
                self._tiers.lift(customer_id, effect.tier, until=effect.until(at), at=at)
        for effect in evaluation.effects:
            if isinstance(effect, AdvanceChallenge) and challenges is not None:
                kind, source = rule_source(due.event_type, due.event_id, effect.rule, effect.challenge)
                one = Contribution("", kind, source, "", effect.progress, at)
                challenges.advance(Pair(customer_id, effect.challenge), one)
