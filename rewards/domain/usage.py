"""Running books of what rules gave members and what budgets paid, by the period of the calendar."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Final

from rewards.domain.budgets import Budget, Period
from rewards.domain.decisions import Evaluation, Spent
from rewards.domain.expiry import MONTHS_A_YEAR, add_months, start_of_day
from rewards.domain.facts import Room, Rooms, Used
from rewards.domain.limits import all_rules

_DAYS_A_WEEK: Final = 7
_NOTHING: Final = Spent(0, 0)


def window_of(period: Period, day: date) -> int:
    """Return the number of the period a local day lies in; weeks start on Monday."""
    if period is Period.DAY:
        return day.toordinal()
    if period is Period.WEEK:
        return (day.toordinal() - 1) // _DAYS_A_WEEK
    return day.year * MONTHS_A_YEAR + day.month - 1 if period is Period.MONTH else 0


def window_start(period: Period, day: date, zone: tzinfo) -> datetime | None:
    """Return the instant at which the period of a local day begins; ``None`` for the whole program."""
    if period is Period.PROGRAM:
        return None
    first = day
    if period is Period.WEEK:
        first = date.fromordinal(day.toordinal() - day.weekday())
    if period is Period.MONTH:
        first = add_months(day.replace(day=1), 0)
    return start_of_day(first, zone)


class _UsageOn:
    """One member's usage seen from one local day."""

    __slots__ = ("_cells", "_customer", "_day")

    def __init__(self, cells: Mapping[tuple[int, str, Period, int], Used], customer: int, day: date) -> None:
        self._cells, self._customer, self._day = cells, customer, day

    def get(self, key: tuple[str, Period], default: Used, /) -> Used:
        rule, period = key
        return self._cells.get((self._customer, rule, period, window_of(period, self._day)), default)


class UsageBook:
    """What rules with caps gave members. Books only what ``periods_by_rule`` asks for."""

    def __init__(self, periods_by_rule: Mapping[str, frozenset[Period]], zone: tzinfo) -> None:
        self._periods, self._zone = periods_by_rule, zone
        self._cells: dict[tuple[int, str, Period, int], Used] = {}

    def of(self, customer_id: int, at: datetime) -> _UsageOn:
        """Return the member's usage in the periods around a moment."""
        return _UsageOn(self._cells, customer_id, at.astimezone(self._zone).date())

    def add(self, customer_id: int, at: datetime, rule: str, points: int) -> None:
        """Book that a rule gave a member something once."""
        if rule in self._periods:
            self._add(customer_id, at.astimezone(self._zone).date(), rule, points)

    def _add(self, customer_id: int, day: date, rule: str, points: int) -> None:
        if periods := self._periods.get(rule):
            for period in periods:
                key = customer_id, rule, period, window_of(period, day)
                used = self._cells.get(key, Used())
                self._cells[key] = Used(used.points + points, used.times + 1)

    def book(self, customer_id: int, at: datetime, evaluation: Evaluation) -> None:
        """Book everything an evaluation gave."""
        if not self._periods:
            return
        day = at.astimezone(self._zone).date()
        for outcome in evaluation.decision.outcomes:
            if outcome.points or outcome.grants:
                self._add(customer_id, day, outcome.rule, outcome.points)
        for earned in evaluation.decision.earned:
            self._add(customer_id, day, all_rules(earned.wallet), earned.points)


class _RoomsAt:
    """The budgets seen from one moment."""

    __slots__ = ("_at", "_book")

    def __init__(self, book: BudgetBook, at: datetime) -> None:
        self._book, self._at = book, at

    def get(self, key: str, default: Room, /) -> Room:
        return self._book.room(key, self._at) if key in self._book.keys else default


class BudgetBook:
    """What budgets have paid, and what is left of them around a moment."""

    def __init__(self, budgets: Mapping[str, Budget], zone: tzinfo) -> None:
        self._budgets, self._zone = budgets, zone
        self._paid: dict[tuple[str, int], Spent] = {}
        self._fresh: dict[tuple[str, int], Spent] = {}

    @property
    def keys(self) -> Collection[str]:
        return self._budgets.keys()

    def windows(self, at: datetime) -> Iterator[tuple[str, int]]:
        """Yield each budget with the number of its period around a moment."""
        day = at.astimezone(self._zone).date()
        for key, budget in self._budgets.items():
            yield key, window_of(budget.period, day)

    def load(self, budget: str, window: int, spent: Spent) -> None:
        """Take over what a budget paid before."""
        self._paid[budget, window] = spent

    def rooms(self, at: datetime) -> Rooms:
        """Return what is left of every budget in the periods around a moment, worked out when asked for."""
        return _RoomsAt(self, at)

    def room(self, key: str, at: datetime) -> Room:
        """Return what is left of one budget in its period around a moment."""
        day = at.astimezone(self._zone).date()
        return self._room(key, window_of(self._budgets[key].period, day))

    def _room(self, key: str, window: int) -> Room:
        budget, paid = self._budgets[key], self._paid.get((key, window), _NOTHING)
        return Room(
            None if budget.points is None else max(budget.points - paid.points, 0),
            None if budget.money_minor is None else max(budget.money_minor - paid.money_minor, 0),
        )

    def book(self, at: datetime, evaluation: Evaluation) -> None:
        """Book what an evaluation took from budgets."""
        if evaluation.decision.budgets:
            self.take(at, evaluation.decision.budgets)

    def take(self, at: datetime, spent_by_budget: Mapping[str, Spent]) -> None:
        """Book what was taken from budgets at a moment."""
        for key, window in self.windows(at):
            if spent := spent_by_budget.get(key):
                for book in (self._paid, self._fresh):
                    before = book.get((key, window), _NOTHING)
                    book[key, window] = Spent(
                        before.points + spent.points, before.money_minor + spent.money_minor
                    )

    @property
    def fresh(self) -> Mapping[tuple[str, int], Spent]:
        """What was booked since the book was opened, by budget and period."""
        return self._fresh
