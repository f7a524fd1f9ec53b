"""One challenge while a revision is played over the past: who is in it, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from rewards.domain.challenges.changes import Change, Gift, Grant, Kept
from rewards.domain.challenges.definition import Challenge, ChallengeReward, RewardKind
from rewards.domain.challenges.matching import ORDER, Contribution, EventFacts, GoalReader, OrderFacts
from rewards.domain.challenges.participation import COUNTS, Audiences, Involvement, Pair, involvement
from rewards.domain.challenges.periods import EARLIEST
from rewards.domain.challenges.walks import Member
from rewards.domain.shadow_takers import Taker


@dataclass(slots=True)
class ChallengeTotals:
    """What came of a challenge: who had anything counted, and what was reached and given, less what was lost.

    ``points`` are by wallet, ``others`` coupons and messages by kind and key.
    """

    members: set[int] = field(default_factory=set)
    completions: int = 0
    milestones: int = 0
    points: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)


class ShadowChallenge:
    """Takers of one challenge by customer.

    ``remembered`` are the members whose orders come back in these days (``None``: everybody), ``joined_at``
    since when people are members, where the window asks. ``completions`` are those of all time.
    """

    def __init__(
        self, challenge: Challenge, audiences: Audiences, zone: tzinfo, *, since: datetime,
        live_from: datetime, completions: int, remembered: Collection[int] | None,
        joined_at: Mapping[int, datetime],
    ) -> None:  # fmt: skip
        self.challenge, self.completions, self.totals = challenge, completions, ChallengeTotals()
        self._is_for_everybody, self._is_ordered = challenge.is_for_everybody, challenge.is_ordered
        self._reader = GoalReader(challenge.goal, zone)
        self._audiences, self._zone, self._since, self._live_from = audiences, zone, since, live_from
        self._remembered, self._joined_at = remembered, joined_at
        self._takers: dict[int, Taker] = {}
        self._finished: set[int] = set()
        self._owed: set[int] = set()

    def open(
        self, customer_id: int, joined_at: datetime, kept: Mapping[str, Kept],
        counted: Sequence[Contribution], *, is_opted_in: bool,
    ) -> None:  # fmt: skip
        """Take over somebody who took part before, with periods and contributions as they were."""
        taker = self._begin(customer_id, joined_at, is_opted_in=is_opted_in)
        taker.open(kept, counted)
        self._note(taker)

    def opt(self, customer_id: int, at: datetime, *, is_in: bool) -> None:
        """Let somebody ask to take part, or leave."""
        taker = self._takers.get(customer_id) or self._begin(customer_id, at, is_opted_in=is_in)
        taker.is_opted_in = is_in

    def involvement(self, customer_id: int) -> Involvement:
        """Return what somebody has to do with the challenge now."""
        taker = self._takers.get(customer_id)
        is_opted_in = taker.is_opted_in if taker is not None else None
        return involvement(self.challenge, self._audiences, customer_id, is_opted_in=is_opted_in)

    @property
    def asks_skus(self) -> bool:
        """Whether lines have to be told with their stock codes."""
        return self._reader.asks_skus

    def waits(self, customer_id: int) -> bool:
        """Whether somebody is outside of an audience that the challenge waits for."""
        return self.challenge.pauses and self.involvement(customer_id) is Involvement.WAITS

    def count_order(self, order: OrderFacts, *, shares_instant: bool) -> Sequence[Change]:
        """Count an order as it was bought; others may share its instant."""
        customer_id = order.customer_id
        if self._is_indifferent(customer_id):
            return ()
        found = self._reader.read_order(order)
        return self.count(customer_id, found, order.placed_at, shares_instant=shares_instant) if found else ()

    def count_event(self, event: EventFacts, *, shares_instant: bool) -> Sequence[Change]:
        """Count an event; others may share its instant."""
        customer_id = event.customer_id
        if self._is_indifferent(customer_id):
            return ()
        found = self._reader.read_event(event)
        return (
            self.count(customer_id, found, event.occurred_at, shares_instant=shares_instant) if found else ()
        )

    def _is_indifferent(self, customer_id: int) -> bool:
        """Whether nothing that a member does can change anything any more."""
        return customer_id in self._finished and customer_id in self.totals.members

    def count(
        self, customer_id: int, found: Sequence[Contribution], at: datetime, *, shares_instant: bool
    ) -> Sequence[Change]:
        """Read contributions of whoever takes part."""
        if not self._is_for_everybody and self.involvement(customer_id) not in COUNTS:
            return ()
        self.totals.members.add(customer_id)
        if customer_id in self._finished:
            return ()
        is_unsure = shares_instant and self._is_ordered
        return self._taker(customer_id).add(found, at, shares_instant=is_unsure)

    def recount(self, order: OrderFacts, at: datetime, *, is_active: bool) -> Sequence[Change]:
        """Let an order contribute something else than it did; outside, it must have counted before."""
        customer_id, source = order.customer_id, (ORDER, str(order.id))
        found, moment = self._reader.read_order(order), order.placed_at
        part, taker = self.involvement(customer_id), self._takers.get(customer_id)
        is_in = part is Involvement.TAKES or bool(found)
        if part not in COUNTS or not is_active:
            is_in = taker is not None and taker.has_counted(source)
        return self._taker(customer_id).replace(source, found, moment, at) if is_in else []

    def settle(self, at: datetime) -> list[Change]:
        """Read everybody again who is under way, as a publication does that changes the challenge."""
        asks = self.challenge.needs_opt_in
        takers = [taker for taker in self._takers.values() if taker.is_opted_in or not asks]
        return [change for taker in takers for change in taker.settle(EARLIEST, at)]

    def owed(self, at: datetime) -> list[Change]:
        """Read those again who wait for a reward."""
        takers = [self._takers[customer_id] for customer_id in sorted(self._owed)]
        return [change for taker in takers for change in taker.settle(EARLIEST, at)]

    def keep(self, change: Change, gifts: Sequence[Gift], refused: Collection[str], at: datetime) -> None:
        """Remember a period as it is after a change, for which ``gifts`` were given but for the refused."""
        customer_id, before = change.pair.customer_id, change.before
        kept = change.after(gifts, refused, at)
        done = kept.is_done - (before.is_done if before else False)
        self.completions += done
        self.totals.completions += done
        had = before.stored.milestones if before else frozenset()
        self.totals.milestones += len(kept.stored.milestones) - len(had)
        for gift in gifts:
            if gift.source not in refused:
                self._book(gift.reward)
        taker = self._takers[customer_id]
        taker.keep(change.standing.period, kept)
        self._note(taker)

    def take_back(self, grant: Grant, points: int) -> None:
        """Note that a reward was taken back, as far as ``points`` go; messages cannot be unsent."""
        if grant.kind == RewardKind.COUPON:
            self.totals.others[f"{grant.kind}:{grant.key}"] -= 1
        elif grant.kind == RewardKind.POINTS:
            self.totals.points[grant.key] -= points

    def periods(self, at: datetime) -> Iterator[tuple[int, str, Kept]]:
        """Yield (customer, period, progress) of all that is remembered, as of a moment."""
        for customer_id, taker in self._takers.items():
            for period, kept in taker.periods(at):
                yield customer_id, period, kept

    def _book(self, reward: ChallengeReward) -> None:
        if reward.kind is RewardKind.POINTS:
            self.totals.points[reward.key] += reward.points
        else:
            self.totals.others[f"{reward.kind}:{reward.key}"] += 1

    def _taker(self, customer_id: int) -> Taker:
        taker = self._takers.get(customer_id)
        if taker is None:
            joined_at = self._joined_at.get(customer_id, self._since)
            taker = self._begin(customer_id, joined_at, is_opted_in=False)
        return taker

    def _begin(self, customer_id: int, joined_at: datetime, *, is_opted_in: bool) -> Taker:
        member = Member(joined_at, self._live_from, self._zone, self._since)
        remembers = self._remembered is None or customer_id in self._remembered
        pair = Pair(customer_id, self.challenge.key)
        taker = Taker(self.challenge, pair, member, is_opted_in=is_opted_in, remembers=remembers)
        self._takers[customer_id] = taker
        return taker

    def _note(self, taker: Taker) -> None:
        customer_id = taker.pair.customer_id
        if taker.is_owed:
            self._owed.add(customer_id)
        else:
            self._owed.discard(customer_id)
        if taker.has_finished:
            self._finished.add(customer_id)
            taker.release()
