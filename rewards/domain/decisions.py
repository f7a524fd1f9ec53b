"""The stored answer to “why”: outcome of every rule that could have answered to an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rewards.domain.effects import Earn, Effect
from rewards.domain.exchange import Exchanged
from rewards.domain.facts import CustomerState
from rewards.domain.matching import Failure


class CapApplied(NamedTuple):
    """The limit that bit: what the rule would have given and what it let through.

    ``kind`` is ``per_event``, ``per_day``…, ``times_per_month``…, ``member_per_day``…, ``budget`` or
    ``largest`` (more than any rule gives at once).
    """

    kind: str
    limit: int
    asked: int
    given: int
    budget: str = ""

    def to_json(self) -> dict[str, Any]:
        document = {"kind": self.kind, "limit": self.limit, "asked": self.asked, "given": self.given}
        return {**document, "budget": self.budget} if self.budget else document


class RuleOutcome(NamedTuple):
    """Whether a rule matched, what it gave, and otherwise which conditions failed and by how much.

    A rule that ``is_paused`` was not asked. ``hidden`` are the facts that the rule speaks of and found
    missing because they are sensitive.
    """

    rule: str
    is_matched: bool
    points: int = 0
    failures: tuple[Failure, ...] = ()
    cap: CapApplied | None = None
    skipped_by: str | None = None
    excluded_by: str | None = None
    grants: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    is_paused: bool = False

    @property
    def has_given(self) -> bool:
        """Whether the event counts against the rule's limits on how often."""
        return self.points > 0 or bool(self.grants)

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"rule": self.rule, "matched": self.is_matched, "points": self.points}
        if self.failures:
            document["failed"] = [failure.to_json() for failure in self.failures]
        if self.cap:
            document["cap"] = self.cap.to_json()
        if self.skipped_by:
            document["skipped_by"] = self.skipped_by
        if self.excluded_by:
            document["excluded_by"] = self.excluded_by
        if self.grants:
            document["effects"] = list(self.grants)
        if self.is_paused:
            document["paused"] = True
        if self.hidden:
            document["hidden"] = {"sensitive": list(self.hidden)}
        return document


class Spent(NamedTuple):
    """What an event took from a budget."""

    points: int
    money_minor: int


class Decision(NamedTuple):
    """State used, outcome of every rule asked, points by wallet and line, and what budgets paid.

    ``own_line_points`` are those of rules whose points end by an expiry of their own, by rule and line; they
    are part of ``line_points_by_wallet``. ``exchanged`` says how an order of another currency counted.
    """

    state: CustomerState
    outcomes: tuple[RuleOutcome, ...]
    line_points_by_wallet: Mapping[str, Mapping[int, int]]
    budgets: Mapping[str, Spent] = {}
    refusal: str = ""
    earned: tuple[Earn, ...] = ()
    own_line_points: Mapping[str, Mapping[int, int]] = {}
    exchanged: Exchanged | None = None

    @property
    def own_line_points_by_pot(self) -> dict[str, Mapping[int, int]]:
        """The points of rules with an expiry of their own, by pot and line."""
        if not self.own_line_points:
            return {}
        return {effect.pot: self.own_line_points[effect.rule] for effect in self.earned if effect.rule}

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "tier": self.state.tier,
            "orders_before": self.state.orders_before,
            "qualifying_spend_minor": self.state.qualifying_spend_minor,
            "rules": [outcome.to_json() for outcome in self.outcomes],
            "given": self._given(),
            "lines": _by_position(self.line_points_by_wallet),
        }
        if self.own_line_points:
            document["own_lines"] = _by_position(self.own_line_points_by_pot)
        if self.refusal:
            document["refused"] = self.refusal
        if self.exchanged:
            document["exchange"] = self.exchanged.to_json()
        if self.budgets:
            document["budgets"] = {key: list(spent) for key, spent in self.budgets.items()}
        return document

    def _given(self) -> dict[str, int]:
        given: dict[str, int] = {}
        for effect in self.earned:
            given[effect.wallet] = given.get(effect.wallet, 0) + effect.points
        return given


def _by_position(points: Mapping[str, Mapping[int, int]]) -> dict[str, dict[str, int]]:
    return {
        key: {str(position): given for position, given in by_line.items()} for key, by_line in points.items()
    }


class Evaluation(NamedTuple):
    """Effects to carry out and the record of why."""

    effects: tuple[Effect, ...]
    decision: Decision

    @property
    def points(self) -> int:
        """All the points given, whatever their wallets."""
        return sum(effect.points for effect in self.effects if isinstance(effect, Earn))
