"""What the criteria of a ladder measure, counted on while history is played in time order.

Opened with the amounts of the window before the first moment. Orders and events that leave the window are
told by whoever reads them again; credits of points, which exist nowhere else, are remembered here as long as
they count.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from rewards.domain.qualification import Metric, Qualification, QualificationWindow

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TRIMMED_AT: Final = 65_536


class Leaving(NamedTuple):
    """What an order, or some events of a name, no longer count for."""

    spend_minor: int = 0
    orders: int = 0
    event: str = ""
    events: int = 0


class _Credits:
    """Moments and amounts in the order they came, twenty-four bytes each, until they are taken out."""

    __slots__ = ("_amounts", "_customers", "_first", "_moments")

    def __init__(self) -> None:
        self._moments, self._customers, self._amounts = array("q"), array("q"), array("q")
        self._first = 0

    def add(self, customer_id: int, at: datetime, amount: int) -> None:
        """Remember an amount; one of an earlier moment finds its place."""
        moment = (at - _EPOCH) // _MICROSECOND
        if self._moments and moment < self._moments[-1]:
            place = bisect_right(self._moments, moment, self._first)
            self._moments.insert(place, moment)
            self._customers.insert(place, customer_id)
            self._amounts.insert(place, amount)
            return
        self._moments.append(moment)
        self._customers.append(customer_id)
        self._amounts.append(amount)

    def before(self, limit: datetime) -> Iterator[tuple[int, int]]:
        """Take out (customer, amount) of everything before a moment."""
        end, moments, first = (limit - _EPOCH) // _MICROSECOND, self._moments, self._first
        while first < len(moments) and moments[first] < end:
            yield self._customers[first], self._amounts[first]
            first += 1
        self._first = first
        if first > _TRIMMED_AT:
            for column in (self._moments, self._customers, self._amounts):
                del column[:first]
            self._first = 0


class Measures:
    """The amounts of all criteria by customer; below zero they count as zero, but are counted on.

    ``moved`` are the customers whose amounts have changed by themselves since somebody asked.
    """

    def __init__(self, qualification: Qualification, zone: tzinfo) -> None:
        self._qualification, self._zone = qualification, zone
        self._keys = [criterion.key for criterion in qualification.criteria]
        self._spends = self._places(Metric.SPEND)
        self._orders = self._places(Metric.ORDERS)
        self._scores = self._places(Metric.SCORE)
        self._events = self._by_name(Metric.EVENTS)
        self._points = self._by_name(Metric.POINTS)
        self.counts_documents = bool(self._spends or self._orders)
        self.counts_points = bool(self._points)
        self.traits = frozenset(name for each in qualification.criteria for name in each.weights)
        self._amounts: dict[int, list[int]] = {}
        self._traits: dict[int, dict[str, float | str]] = {}
        rolls = qualification.window.is_rolling
        self._credits = {place: _Credits() for place in self._of(self._points)} if rolls else {}
        self._day: date | None = None
        self._start, self._period = datetime.min.replace(tzinfo=UTC), 0
        self.moved: set[int] = set()

    def _places(self, metric: Metric) -> list[int]:
        return [place for place, each in enumerate(self._qualification.criteria) if each.metric is metric]

    def _by_name(self, metric: Metric) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place in self._places(metric):
            found.setdefault(self._qualification.criteria[place].name, []).append(place)
        return found

    @staticmethod
    def _of(places_by_name: Mapping[str, Iterable[int]]) -> list[int]:
        return [place for places in places_by_name.values() for place in places]

    @property
    def wallets(self) -> Collection[str]:
        """The wallets whose credits count."""
        return self._points.keys()

    @property
    def event_names(self) -> Collection[str]:
        """The names of the events that count."""
        return self._events.keys()

    def open(self, customer_id: int, amounts: Iterable[int], at: datetime) -> None:
        """Take over what a customer's criteria measured in the window that begins around ``at``."""
        self._reckon(at)
        self._amounts[customer_id] = [*amounts, self._period]

    def open_traits(self, traits: Mapping[int, dict[str, float | str]]) -> None:
        """Take over the traits that scores weigh, where rules write some of them."""
        self._traits = dict(traits)

    def values(self, customer_id: int, at: datetime) -> dict[str, int]:
        """Return the value of each criterion at a moment, what happens at it included."""
        self.pass_to(at)
        amounts = self._current(customer_id, at)
        return {key: max(amount, 0) for key, amount in zip(self._keys, amounts, strict=False)}

    def add_order(self, customer_id: int, at: datetime, total_minor: int) -> None:
        if not self.counts_documents:
            return
        amounts = self._current(customer_id, at)
        for place in self._spends:
            amounts[place] += total_minor
        for place in self._orders:
            amounts[place] += 1

    def take_return(
        self, customer_id: int, at: datetime, placed_at: datetime, amount_minor: int, *, is_whole: bool
    ) -> None:
        """Lower the spend by a return, and the orders where ``is_whole``: nothing of its money is left."""
        if not self.counts_documents or not self._is_counted(placed_at, at):
            return
        amounts = self._current(customer_id, at)
        for place in self._spends:
            amounts[place] -= amount_minor
        for place in self._orders:
            amounts[place] -= is_whole

    def add_event(self, customer_id: int, at: datetime, name: str) -> None:
        if name in self._events:
            amounts = self._current(customer_id, at)
            for place in self._events[name]:
                amounts[place] += 1

    def add_points(
        self, customer_id: int, at: datetime, wallet: str, points: int, *, earned_at: datetime | None = None
    ) -> None:
        """Count a credit, or what was taken back of one; what was earned earlier counts as of then."""
        places = self._points.get(wallet, ())
        if places and earned_at is not None and earned_at < at and not self._is_counted(earned_at, at):
            return
        for place in places:
            self._current(customer_id, at)[place] += points
            if self._credits:
                self._credits[place].add(customer_id, earned_at or at, points)

    @property
    def remembers_points(self) -> bool:
        """Whether credits leave the window one by one."""
        return bool(self._credits)

    def remember_points(self, customer_id: int, at: datetime, wallet: str, points: int) -> None:
        """Remember a credit that the opening amounts contain, until it leaves the window; oldest first."""
        if self._credits:
            for place in self._points.get(wallet, ()):
                self._credits[place].add(customer_id, at, points)

    def set_trait(self, customer_id: int, trait: str, value: float | str) -> None:
        """Weigh a trait that a rule has written."""
        for place in self._scores:
            criterion = self._qualification.criteria[place]
            if trait in criterion.weights:
                self._traits.setdefault(customer_id, {})[trait] = value
                self._cells(customer_id)[place] = criterion.score(self._traits[customer_id])
                self.moved.add(customer_id)

    def leave(self, customer_id: int, at: datetime, gone: Leaving) -> None:
        """Forget what has left the window at a moment."""
        amounts = self._current(customer_id, at)
        for place in self._spends:
            amounts[place] -= gone.spend_minor
        for place in self._orders:
            amounts[place] -= gone.orders
        for place in self._events.get(gone.event, ()):
            amounts[place] -= gone.events
        self.moved.add(customer_id)

    def pass_to(self, at: datetime) -> None:
        """Forget the credits that have left the window by now."""
        if not self._credits:
            return
        self._reckon(at)
        for place, credits_of_place in self._credits.items():
            for customer_id, points in credits_of_place.before(self._limit(at)):
                self._cells(customer_id)[place] -= points
                self.moved.add(customer_id)

    def is_new_period(self, before: datetime, at: datetime) -> bool:
        """Whether everybody begins anew between two moments."""
        self._reckon(before)
        period = self._period
        self._reckon(at)
        return period != self._period

    def _limit(self, at: datetime) -> datetime:
        """Return the moment before which credits count no more; a span of days excludes its first instant."""
        if self._qualification.window is QualificationWindow.ROLLING_DAYS:
            return self._qualification.window_start(at, self._zone) + _MICROSECOND
        return self._start

    def _is_counted(self, placed_at: datetime, at: datetime) -> bool:
        if self._qualification.window is QualificationWindow.ROLLING_DAYS:
            return placed_at > self._qualification.window_start(at, self._zone)
        self._reckon(at)
        return placed_at >= self._start

    def _reckon(self, at: datetime) -> None:
        """Know where the window of a moment begins; moments of one local day share one reckoning."""
        day = at.astimezone(self._zone).date()
        if day != self._day:
            self._day = day
            self._start = self._qualification.window_start(at, self._zone)
            self._period = self._qualification.period(day)

    def _cells(self, customer_id: int) -> list[int]:
        found = self._amounts.get(customer_id)
        if found is None:
            found = self._amounts[customer_id] = [0] * len(self._keys) + [self._period]
        return found

    def _current(self, customer_id: int, at: datetime) -> list[int]:
        """Return the amounts with the period they are of as their last; a new one begins with nothing."""
        amounts = self._cells(customer_id)
        if self._qualification.window.is_calendar:
            self._reckon(at)
            if amounts[-1] != self._period:
                scores = {place: amounts[place] for place in self._scores}
                amounts[:] = [scores.get(place, 0) for place in range(len(self._keys))] + [self._period]
        return amounts
