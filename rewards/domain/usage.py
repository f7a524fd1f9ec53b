"""Running books of what rules gave members and what budgets paid, by the period of the calendar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Final, TypeAlias

from rewards.domain.budgets import Budget, Period
from rewards.domain.decisions import Evaluation, Spent
from rewards.domain.expiry import MONTHS_A_YEAR, add_months, start_of_day
from rewards.domain.facts import Room, Rooms, Used
from rewards.domain.limits import NEVER_USED, all_rules

_DAYS_A_WEEK: Final = 7
_NOTHING: Final = Spent(0, 0)
# What members (by rule) used in a period.
_Cells: TypeAlias = dict[tuple[int, str], Used]


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


class Days:
    """Local days of moments and the periods around them; events of one day share one reckoning."""

    __slots__ = ("_at", "_day", "_windows", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._at: datetime | None = None
        self._day: date | None = None
        self._windows: Mapping[Period, int] = {}

    def windows(self, at: datetime) -> Mapping[Period, int]:
        """Return the number of each kind of period around a moment."""
        if at is not self._at:
            self._at, day = at, at.astimezone(self._zone).date()
            if day != self._day:
                self._day, self._windows = day, {period: window_of(period, day) for period in Period}
        return self._windows


class _UsageOn:
    """One member's usage seen from one local day."""

    __slots__ = ("_cells", "_customer", "_windows")

    def __init__(
        self, cells: Mapping[tuple[Period, int], _Cells], customer: int, windows: Mapping[Period, int]
    ) -> None:
        self._cells, self._customer, self._windows = cells, customer, windows

    def get(self, key: tuple[str, Period], default: Used, /) -> Used:
        rule, period = key
        cells = self._cells.get((period, self._windows[period]))
        return default if cells is None else cells.get((self._customer, rule), default)


class UsageBook:
    """What rules with caps gave members. Books only what ``periods_by_rule`` asks for."""

    def __init__(self, periods_by_rule: Mapping[str, frozenset[Period]], zone: tzinfo) -> None:
        self._periods, self._zone = periods_by_rule, zone
        self._cells: dict[tuple[Period, int], _Cells] = defaultdict(dict)
        self._days = Days(zone)

    def of(self, customer_id: int, at: datetime) -> _UsageOn:
        """Return the member's usage in the periods around a moment."""
        return _UsageOn(self._cells, customer_id, self._days.windows(at))

    def add(self, customer_id: int, at: datetime, rule: str, points: int) -> None:
        """Book that a rule gave a member something once."""
        if rule in self._periods:
            self._add(customer_id, self._days.windows(at), rule, points)

    def _add(self, customer_id: int, windows: Mapping[Period, int], rule: str, points: int) -> None:
        key = customer_id, rule
        for period in self._periods[rule]:
            cells = self._cells[period, windows[period]]
            used_points, times = cells.get(key, NEVER_USED)
            cells[key] = Used(used_points + points, times + 1)

    def forget_before(self, at: datetime, *, but: Collection[int]) -> None:
        """Let go of the periods that ended before a moment, of all members ``but`` some."""
        windows = self._days.windows(at)
        for period, window in list(self._cells):
            if period is Period.PROGRAM or window >= windows[period]:
                continue
            cells = self._cells.pop((period, window))
            if kept := {key: used for key, used in cells.items() if key[0] in but}:
                self._cells[period, window] = kept

    def book(self, customer_id: int, at: datetime, evaluation: Evaluation) -> None:
        """Book everything an evaluation gave."""
        if not self._periods:
            return
        periods, windows = self._periods, self._days.windows(at)
        for outcome in evaluation.decision.outcomes:
            if outcome.rule in periods and (outcome.points or outcome.grants):
                self._add(customer_id, windows, outcome.rule, outcome.points)
        for earned in evaluation.decision.earned:
            if (rules := all_rules(earned.wallet)) in periods:
                self._add(customer_id, windows, rules, earned.points)


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
        self._budgets, self._days = budgets, Days(zone)
        self._paid: dict[tuple[str, int], Spent] = {}
        self._fresh: dict[tuple[str, int], Spent] = {}

    @property
    def keys(self) -> Collection[str]:
        return self._budgets.keys()

    def windows(self, at: datetime) -> Iterator[tuple[str, int]]:
        """Yield each budget with the number of its period around a moment."""
        windows = self._days.windows(at)
        for key, budget in self._budgets.items():
            yield key, windows[budget.period]

    def load(self, budget: str, window: int, spent: Spent) -> None:
        """Take over what a budget paid before."""
        self._paid[budget, window] = spent

    def rooms(self, at: datetime) -> Rooms:
        """Return what is left of every budget in the periods around a moment, worked out when asked for."""
        return _RoomsAt(self, at)

    def room(self, key: str, at: datetime) -> Room:
        """Return what is left of one budget in its period around a moment."""
        budget = self._budgets[key]
        paid = self._paid.get((key, self._days.windows(at)[budget.period]), _NOTHING)
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
