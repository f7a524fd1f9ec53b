"""Caps and budgets: what is left of what a rule would give."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rewards.domain.budgets import Budget, Period, WhenExhausted
from rewards.domain.decisions import CapApplied, Spent
from rewards.domain.facts import CustomerState, Room, Used
from rewards.domain.policies import MemberCap
from rewards.domain.rules import Cap
from rewards.domain.wallets import WalletPolicy

NEVER_USED = Used()
_UNLIMITED = Room()
_NOTHING_SPENT = Spent(0, 0)
# A gift beyond it is a client's or an author's mistake; balances of a bigint hold millions of such gifts.
LARGEST_GIFT: Final = 10**12


def all_rules(wallet: str) -> str:
    """The key under which usage counts all rules of a wallet together; no rule can have it."""
    return f"*{wallet}"


class _Counted(NamedTuple):
    """A cap with where its usage stands and what it is called in records, worked out once."""

    used_by: tuple[str, Period] | None
    points: int | None
    times: int | None
    points_kind: str
    times_kind: str = ""
    wallet: str = ""


def counted_caps(rule: str, caps: Sequence[Cap]) -> tuple[_Counted, ...]:
    """Return the rule's own caps as ``Limits`` asks them."""
    return tuple(
        _Counted(
            None if cap.per.period is None else (rule, cap.per.period),
            cap.points, cap.times, f"per_{cap.per.value}", f"times_per_{cap.per.value}",
        )
        for cap in caps
    )  # fmt: skip


def counted_member_caps(caps: Sequence[MemberCap]) -> tuple[_Counted, ...]:
    """Return the caps over all rules of a wallet as ``Limits`` asks them."""
    return tuple(
        _Counted(
            None if cap.per.period is None else (all_rules(cap.wallet), cap.per.period),
            cap.points, None, f"member_per_{cap.per.value}", wallet=cap.wallet,
        )
        for cap in caps
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one rule, tightest wins. Caps are asked before the budget pays."""

    caps: tuple[_Counted, ...] = ()
    member_caps: tuple[_Counted, ...] = ()
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
        if given > LARGEST_GIFT:
            return 0, too_large(asked), False
        if self.budget is None:
            return given, cap, True
        paid = self._paid(self.budget, given, state.rooms.get(self.budget.key, _UNLIMITED), spent)
        if paid < given:
            limit = self.budget.points if self.budget.points is not None else self.budget.money_minor or 0
            cap = CapApplied("budget", limit, asked, paid, self.budget.key)
        return paid, cap, paid > 0 or not given

    def _cap(self, asked: int, state: CustomerState, given_by_wallet: Mapping[str, int]) -> CapApplied | None:
        tightest: CapApplied | None = None
        for used_by, points, times, points_kind, times_kind, _wallet in self.caps:
            used = NEVER_USED if used_by is None else state.usage.get(used_by, NEVER_USED)
            if times is not None and used.times >= times:
                return CapApplied(times_kind, times, asked, 0)
            if points is not None:
                tightest = _tighter(tightest, points_kind, points, asked, points - used.points)
        for used_by, points, _times, points_kind, _times_kind, wallet in self.member_caps:
            used = NEVER_USED if used_by is None else state.usage.get(used_by, NEVER_USED)
            if points is not None:
                left = points - given_by_wallet.get(wallet, 0) - used.points
                tightest = _tighter(tightest, points_kind, points, asked, left)
        return tightest

    def _paid(self, budget: Budget, asked: int, room: Room, spent: MutableMapping[str, Spent]) -> int:
        before = spent.get(budget.key, _NOTHING_SPENT)
        paid = draw(budget, self.wallet, asked, room, before)
        if paid.points:
            spent[budget.key] = Spent(
                before.points + paid.points, before.money_minor + paid.money_minor
            )  # fmt: skip
        return paid.points


def draw(
    budget: Budget, wallet: WalletPolicy | None, asked: int, room: Room, before: Spent = _NOTHING_SPENT
) -> Spent:
    """Return what a budget pays of ``asked`` points of a wallet; ``before`` of ``room`` is gone by now."""
    left = asked
    if room.points is not None:
        left = min(left, max(room.points - before.points, 0))
    cost = wallet.thousand_cost_minor if wallet else 0
    if room.money_minor is not None and cost:
        left = min(left, max(room.money_minor - before.money_minor, 0) * 1000 // cost)
    if left < asked and budget.when_exhausted is WhenExhausted.GIVE_NOTHING:
        left = 0
    return Spent(left, wallet.cost_minor(left) if wallet else 0)


def too_large(asked: int) -> CapApplied:
    """Return the limit that bites where a gift is a mistake: nothing is given rather than too much."""
    return CapApplied("largest", LARGEST_GIFT, asked, 0)


def _tighter(former: CapApplied | None, kind: str, limit: int, asked: int, left: int) -> CapApplied | None:
    left = max(left, 0)
    if left >= (former.given if former else asked):
        return former
    return CapApplied(kind, limit, asked, left)
