"""Caps and budgets: what is left of what a rule would give."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from rewards.domain.budgets import Budget, Period, WhenExhausted
from rewards.domain.decisions import CapApplied, Spent
from rewards.domain.facts import CustomerState, Room, Used
from rewards.domain.policies import MemberCap
from rewards.domain.rules import Cap
from rewards.domain.wallets import WalletPolicy

NEVER_USED = Used()
_UNLIMITED = Room()
_NOTHING_SPENT = Spent(0, 0)


def all_rules(wallet: str) -> str:
    """The key under which usage counts all rules of a wallet together; no rule can have it."""
    return f"*{wallet}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one rule, tightest wins. Caps are asked before the budget pays."""

    rule: str
    caps: Sequence[Cap] = ()
    member_caps: Sequence[MemberCap] = ()
    budget: Budget | None = None
    wallet: WalletPolicy | None = None

    def __bool__(self) -> bool:
        return bool(self.caps or self.member_caps or self.budget)

    def applied(
        self,
        asked: int,
        state: CustomerState,
        given_by_wallet: Mapping[str, int],
        spent: MutableMapping[str, Spent],
    ) -> tuple[int, CapApplied | None, bool]:
        """Return the points given, the limit that bit, and whether the rule may give anything at all.

        ``given_by_wallet`` and ``spent`` are what earlier rules gave for the same event; a budget that pays
        is written into ``spent``.
        """
        cap = self._cap(asked, state, given_by_wallet)
        given = cap.given if cap else asked
        if cap is not None and (cap.kind.startswith("times") or (asked and not given)):
            return 0, cap, False
        if self.budget is None:
            return given, cap, True
        paid = self._paid(self.budget, given, state.rooms.get(self.budget.key, _UNLIMITED), spent)
        if paid < given:
            limit = self.budget.points if self.budget.points is not None else self.budget.money_minor or 0
            cap = CapApplied("budget", limit, asked, paid, self.budget.key)
        return paid, cap, paid > 0 or not given

    def _cap(self, asked: int, state: CustomerState, given_by_wallet: Mapping[str, int]) -> CapApplied | None:
        tightest: CapApplied | None = None
        for cap in self.caps:
            period = cap.per.period
            used = NEVER_USED if period is None else state.usage.get((self.rule, period), NEVER_USED)
            if cap.times is not None and used.times >= cap.times:
                return CapApplied(f"times_per_{cap.per.value}", cap.times, asked, 0)
            if cap.points is not None:
                left = max(cap.points - used.points, 0)
                tightest = _tighter(tightest, f"per_{cap.per.value}", cap.points, asked, left)
        for member_cap in self.member_caps:
            before = given_by_wallet.get(member_cap.wallet, 0) + _used_of_all(state, member_cap)
            left = max(member_cap.points - before, 0)
            kind = f"member_per_{member_cap.per.value}"
            tightest = _tighter(tightest, kind, member_cap.points, asked, left)
        return tightest

    def _paid(self, budget: Budget, asked: int, room: Room, spent: MutableMapping[str, Spent]) -> int:
        before = spent.get(budget.key, _NOTHING_SPENT)
        left = asked
        if room.points is not None:
            left = min(left, max(room.points - before.points, 0))
        cost = self.wallet.thousand_points_minor if self.wallet else None
        if room.money_minor is not None and cost:
            left = min(left, max(room.money_minor - before.money_minor, 0) * 1000 // cost)
        if left < asked and budget.when_exhausted is WhenExhausted.GIVE_NOTHING:
            left = 0
        if left:
            money = self.wallet.cost_minor(left) if self.wallet else 0
            spent[budget.key] = Spent(before.points + left, before.money_minor + money)
        return left


def _used_of_all(state: CustomerState, cap: MemberCap) -> int:
    period: Period | None = cap.per.period
    return 0 if period is None else state.usage.get((all_rules(cap.wallet), period), NEVER_USED).points


def _tighter(former: CapApplied | None, kind: str, limit: int, asked: int, left: int) -> CapApplied | None:
    if left >= (former.given if former else asked):
        return former
    return CapApplied(kind, limit, asked, left)
