"""The engine: from a revision, a member's state and one event to effects and the reasons for them.

A revision is compiled once; ``Engine.decide`` is a pure function of its arguments and serves live posting,
simulation and rehearsal alike. The clock is the moment of the event. Caps shrink the lines of an order the
way they were shared (see ``amounts``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime

from crm.domain.hidden_values import NOTHING_HIDDEN, Hidden, without
from rewards.domain.compiled_rules import CompiledRule, Needs, compile_rules, needs_of
from rewards.domain.decisions import Decision, Evaluation, RuleOutcome, Spent
from rewards.domain.effects import Earn, Effect
from rewards.domain.facts import Context, CustomerState, Happening, Line
from rewards.domain.limits import LARGEST_GIFT, too_large
from rewards.domain.programs import Revision
from rewards.domain.rules import Trigger


class Engine:
    """A compiled revision. ``needs`` says which facts of a member its rules read.

    Rules find ``hidden`` values missing, and their outcomes name those they would have read.
    """

    __slots__ = ("_hidden", "_paused", "_rules", "needs", "revision")

    def __init__(self, revision: Revision, hidden: Hidden = NOTHING_HIDDEN) -> None:
        self.revision = revision
        self.needs: Needs = needs_of(revision)
        self._rules: Mapping[tuple[Trigger, str], tuple[CompiledRule, ...]] = compile_rules(revision, hidden)
        reads_hidden = any(rule.hidden for rules in self._rules.values() for rule in rules)
        self._hidden = hidden if reads_hidden else NOTHING_HIDDEN
        self._paused: frozenset[str] = frozenset()

    def pausing(self, rules: frozenset[str]) -> Engine:
        """Return the same engine with these rules giving nothing; what is compiled is shared."""
        if not rules:
            return self
        other = copy(self)
        other._paused = rules  # noqa: SLF001 - of its own class
        return other

    def answers(self, trigger: Trigger, name: str = "") -> bool:
        """Whether any rule could answer to such an event."""
        return (trigger, name) in self._rules

    @property
    def event_names(self) -> frozenset[str]:
        """Names of the events that rules answer to."""
        return frozenset(name for trigger, name in self._rules if trigger is Trigger.EVENT)

    def decide(
        self, state: CustomerState, event: Happening, *, explains: bool = True, shares_lines: bool = True
    ) -> Evaluation:
        """Decide what one event gives.

        Without ``explains`` failed rules do not say which condition; without ``shares_lines`` nothing says
        what each line of an order earned. Points and effects are the same.
        """
        rules = self._rules.get((event.trigger, event.name), ())
        if self._hidden:
            state, event = _open(state, event, self._hidden)
        run = _Run(self.revision, state, event, explains=explains, paused=self._paused)
        return run.over(rules, shares_lines=shares_lines)


def _open(state: CustomerState, event: Happening, hidden: Hidden) -> tuple[CustomerState, Happening]:
    """Return the facts less what is sensitive."""
    return (
        state._replace(attributes=without(state.attributes, hidden.attributes)),
        event._replace(properties=without(event.properties, hidden.of_event(event.name))),
    )


def evaluate(revision: Revision, state: CustomerState, event: Happening) -> Evaluation:
    """Compile and decide once: the same arguments give the same answer for ever."""
    return Engine(revision).decide(state, event)


class _Run:
    """One evaluation under way."""

    __slots__ = (
        "_context", "_effects", "_explains", "_given", "_own", "_paused", "_points_by_wallet", "_revision",
        "_spent", "_stopped_by", "_winners",
    )  # fmt: skip

    def __init__(
        self,
        revision: Revision,
        state: CustomerState,
        event: Happening,
        *,
        explains: bool,
        paused: frozenset[str],
    ) -> None:
        self._revision, self._explains, self._paused = revision, explains, paused
        self._context = Context(event, state, revision.time_zone)
        self._given: dict[str, Sequence[int]] = {}
        self._points_by_wallet: dict[str, int] = {}
        self._own: list[tuple[CompiledRule, int]] = []
        self._spent: dict[str, Spent] = {}
        self._effects: list[Effect] = []
        self._winners: dict[str, str] = {}
        self._stopped_by: str | None = None

    def over(self, rules: Sequence[CompiledRule], *, shares_lines: bool) -> Evaluation:
        outcomes = tuple([self._outcome(rule) for rule in rules])
        event, state = self._context.event, self._context.state
        earned: tuple[Earn, ...] = ()
        if self._points_by_wallet:
            earned = tuple(self._earned(event.at, state.tier))
        lines = self._lines(rules, event.lines) if earned and shares_lines else {}
        own = self._own_lines(event.lines) if self._own and shares_lines else {}
        return Evaluation(
            (*earned, *self._effects),
            Decision(
                state,
                outcomes,
                lines,
                self._spent,
                earned=earned,
                own_line_points=own,
                exchanged=event.exchanged,
            ),
        )

    def _outcome(self, rule: CompiledRule) -> RuleOutcome:
        if rule.key in self._paused:
            return RuleOutcome(rule.key, is_matched=False, is_paused=True)
        if self._stopped_by is not None:
            return RuleOutcome(rule.key, is_matched=False, skipped_by=self._stopped_by)
        if rule.group and (winner := self._winners.get(rule.group)):
            return RuleOutcome(rule.key, is_matched=False, excluded_by=winner)
        context = self._context
        if not rule.matches(context):
            return rule.failed(context) if self._explains else rule.unmatched
        outcome = self._applied(rule, context)
        if (rule.stops or rule.group) and (outcome.points or outcome.grants):
            if rule.stops:
                self._stopped_by = rule.key
            if rule.group:
                self._winners[rule.group] = rule.key
        return outcome

    def _applied(self, rule: CompiledRule, context: Context) -> RuleOutcome:
        amount, limits = rule.amount, rule.limits
        running = amount(context, self._given) if amount else ()
        given = asked = running[-1] if running else 0
        cap, may_give = None, True
        if limits:
            given, cap, may_give = limits.applied(asked, context.state, self._points_by_wallet, self._spent)
        elif asked > LARGEST_GIFT:
            given, cap, may_give = 0, too_large(asked), False
        if given:
            if given != asked:
                running = [given * points // asked for points in running]
            self._given[rule.key] = running
            by_wallet, wallet = self._points_by_wallet, rule.wallet
            by_wallet[wallet] = by_wallet.get(wallet, 0) + given
            if rule.expiry is not None:
                self._own.append((rule, given))
        granted: tuple[str, ...] = ()
        if rule.effects and may_give:
            self._effects.extend(rule.effects)
            granted = rule.grants
        return RuleOutcome(rule.key, True, given, (), cap, None, None, granted, rule.hidden)

    def _lines(self, rules: Sequence[CompiledRule], lines: Sequence[Line]) -> dict[str, dict[int, int]]:
        by_wallet: dict[str, dict[int, int]] = {wallet: {} for wallet in self._points_by_wallet}
        if not lines:
            return by_wallet
        for rule in rules:
            if running := self._given.get(rule.key):
                _add_lines(by_wallet[rule.wallet], lines, running)
        return by_wallet

    def _own_lines(self, lines: Sequence[Line]) -> dict[str, dict[int, int]]:
        by_rule: dict[str, dict[int, int]] = {rule.key: {} for rule, _points in self._own}
        if lines:
            for rule, _points in self._own:
                _add_lines(by_rule[rule.key], lines, self._given[rule.key])
        return by_rule

    def _earned(self, at: datetime, tier: str | None) -> Iterator[Earn]:
        """Yield the points of each wallet, and apart from them those of rules with an expiry of their own."""
        revision, zone = self._revision, self._revision.time_zone
        for key, points in self._points_by_wallet.items():
            usual = points
            if self._own:
                usual -= sum(own for rule, own in self._own if rule.wallet == key)
            if usual:
                yield Earn(key, usual, revision.wallet(key).expires_at(at, zone, tier))
        for rule, points in self._own:
            if rule.expiry is not None:
                yield Earn(rule.wallet, points, rule.expiry.ends_at(at, zone), rule.key)


def _add_lines(by_line: dict[int, int], lines: Sequence[Line], running: Sequence[int]) -> None:
    before = 0
    for line, total in zip(lines, running, strict=True):
        if total != before:
            by_line[line[0]] = by_line.get(line[0], 0) + total - before
            before = total


def points_to_take_back(earned: int, quantity: int, returned_before: int, returned_now: int) -> int:
    """Share of a line's points that ``returned_now`` of its ``quantity`` units give back.

    Cumulative and rounded down, so that returning the line in any number of parts takes back exactly
    ``earned`` in the end. More units than were bought count as all of them.
    """
    before = min(returned_before, quantity)
    after = min(returned_before + returned_now, quantity)
    return earned * after // quantity - earned * before // quantity
