"""Challenges of all members while a revision is played over the past: counted by the functions of live."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Protocol

from rewards.domain.challenges.changes import Change, Gift, Grant, Kept, within_total
from rewards.domain.challenges.matching import Contribution, EventFacts, OrderedLine, OrderFacts
from rewards.domain.challenges.participation import Pair
from rewards.domain.past import ReturnedUnits
from rewards.domain.shadow_challenge import ShadowChallenge


class Gifts(Protocol):
    """Gives rewards of challenges and takes them back."""

    def give(self, gift: Gift, at: datetime) -> Gift | None:
        """Give a reward; returns what was given of it, ``None`` where it could not be taken."""

    def take_back(self, customer_id: int, grant: Grant, at: datetime) -> int:
        """Take a reward back as far as there is something of it; returns the points."""

    def given(self, customer_ids: Collection[int], at: datetime) -> None:
        """Hear who was given something just now."""


class ShadowChallenges:
    """Counts documents towards every challenge, in the order in which live locks and gives.

    ``inactive`` are the customers for whom nothing counts; what had counted can come back. Rules that are
    ``advancing`` challenges give progress at the very instant of what they answer to.
    """

    def __init__(
        self, challenges: Iterable[ShadowChallenge], *, inactive: Collection[int], gifts: Gifts,
        advancing: bool = False,
    ) -> None:  # fmt: skip
        self._inactive, self._gifts = inactive, gifts
        ordered = sorted(challenges, key=lambda each: each.challenge.key)
        self._by_key = {each.challenge.key: each for each in ordered}
        self._of_orders = [each for each in ordered if each.challenge.counts_orders()]
        self._of_events: dict[str, list[ShadowChallenge]] = defaultdict(list)
        for each in ordered:
            for name in each.challenge.event_names():
                self._of_events[name].append(each)
        is_ordered = any(each.challenge.is_ordered for each in ordered)
        self._looks_ahead, self._always_shares = is_ordered and not advancing, is_ordered and advancing
        self._shared: Collection[tuple[int, datetime]] = ()
        # Bought and what is left of it, of the orders that come back in these days.
        self._returned: dict[int, tuple[OrderFacts, OrderFacts, Mapping[int, int]]] = {}

    def __iter__(self) -> Iterator[ShadowChallenge]:
        return iter(self._by_key.values())

    def __getitem__(self, key: str) -> ShadowChallenge:
        return self._by_key[key]

    @property
    def event_names(self) -> Collection[str]:
        """The names of the events that count."""
        return self._of_events.keys()

    @property
    def counts_orders(self) -> bool:
        return bool(self._of_orders)

    @property
    def asks_skus(self) -> bool:
        """Whether lines have to be told with their stock codes."""
        return any(each.asks_skus for each in self._of_orders)

    def remember_order(self, bought: OrderFacts, kept: OrderFacts, positions: Sequence[int]) -> None:
        """Know an order of which something comes back: as bought, what is left, and the lines' positions."""
        self._returned[bought.id] = bought, kept, {place: line for line, place in enumerate(positions)}

    def publish(self, changed: Collection[str], at: datetime) -> None:
        """Read everybody again who is under way in challenges that the revision has changed."""
        found = [each for each in self if each.challenge.key in changed]
        self._carry_out([change for each in found for change in each.settle(at)], at)

    def opt(self, customer_id: int, key: str, at: datetime, *, is_in: bool) -> None:
        """Let somebody ask to take part in a challenge that asks, or leave it."""
        one = self._by_key.get(key)
        if one is not None and one.challenge.needs_opt_in:
            one.opt(customer_id, at, is_in=is_in)

    def look_ahead(self, moments: Iterable[tuple[int, datetime]]) -> None:
        """See which (customer, instant) of what comes next there are more than once."""
        if self._looks_ahead:
            self._shared = {moment for moment, times in Counter(moments).items() if times > 1}

    def count_order(self, order: OrderFacts) -> None:
        """Count an order as it was bought."""
        customer_id, at = order.customer_id, order.placed_at
        if customer_id in self._inactive:
            return
        shares, changes = self._shares(customer_id, at), list[Change]()
        for each in self._of_orders:
            changes += each.count_order(order, shares_instant=shares)
        self._carry_out(changes, at)

    def count_event(self, event: EventFacts) -> None:
        """Count an event."""
        customer_id, at = event.customer_id, event.occurred_at
        if customer_id in self._inactive:
            return
        shares, changes = self._shares(customer_id, at), list[Change]()
        for each in self._of_events.get(event.name, ()):
            changes += each.count_event(event, shares_instant=shares)
        self._carry_out(changes, at)

    def advance(self, pair: Pair, one: Contribution) -> None:
        """Count progress that a rule gives."""
        challenge = self._by_key.get(pair.challenge_key)
        if challenge is not None:
            at = one.occurred_at
            changes = challenge.count(pair.customer_id, [one], at, shares_instant=self._always_shares)
            self._carry_out(changes, at)

    def take_return(
        self, order_id: int, units: Iterable[ReturnedUnits], total_minor: int, at: datetime
    ) -> None:
        """Count an order again of which something came back, where the challenge says so."""
        if order_id not in self._returned:
            return
        bought, kept, line_by_position = self._returned[order_id]
        kept = _less(kept, units, line_by_position, total_minor)
        self._returned[order_id] = bought, kept, line_by_position
        is_active = bought.customer_id not in self._inactive
        changes: list[Change] = []
        for each in self._of_orders:
            order = kept if each.challenge.rolls_back else bought
            changes += each.recount(order, at, is_active=is_active)
        self._carry_out(changes, at)

    def sweep(self, at: datetime) -> None:
        """Give what waits to those who can take it now."""
        self._carry_out([change for each in self for change in each.owed(at)], at)

    def periods(self, at: datetime) -> Iterator[tuple[Pair, str, Kept]]:
        """Yield all progress that is remembered, as of a moment."""
        for each in self:
            for customer_id, period, kept in each.periods(at):
                yield Pair(customer_id, each.challenge.key), period, kept

    def _shares(self, customer_id: int, at: datetime) -> bool:
        """Whether a member may have more than one document at an instant."""
        return self._always_shares or (customer_id, at) in self._shared

    def _completions(self, key: str) -> int:
        return self._by_key[key].completions

    def _carry_out(self, found: Sequence[Change], at: datetime) -> None:
        """Take back what is lost, then give what is due."""
        if not found:
            return
        changes, receivers = within_total(found, self._completions, at), set()
        for change in changes:
            for grant in change.revoked:
                points = self._gifts.take_back(change.pair.customer_id, grant, at)
                self._by_key[change.pair.challenge_key].take_back(grant, points)
        for change in changes:
            one, gifts = self._by_key[change.pair.challenge_key], change.gifts(at)
            waits = bool(gifts) and one.waits(change.pair.customer_id)
            given = [] if waits else [self._gifts.give(gift, at) for gift in gifts]
            kept = [had or gift for gift, had in zip_longest(gifts, given)]
            refused = {gift.source for gift, had in zip_longest(gifts, given) if had is None}
            one.keep(change, kept, refused, at)
            if len(gifts) > len(refused):
                receivers.add(change.pair.customer_id)
        if receivers:
            self._gifts.given(receivers, at)


def _less(
    kept: OrderFacts, units: Iterable[ReturnedUnits], line_by_position: Mapping[int, int], total_minor: int
) -> OrderFacts:
    """Return what is left of an order after a return."""
    lines = list(kept.lines)
    for unit in units:
        place = line_by_position.get(unit.position)
        if place is not None:
            line = lines[place]
            lines[place] = OrderedLine(
                line.sku, line.category, max(line.quantity - unit.returned, 0),
                max(line.amount_minor - unit.amount_minor, 0),
            )  # fmt: skip
    return kept._replace(lines=lines, total_minor=max(kept.total_minor - total_minor, 0))
