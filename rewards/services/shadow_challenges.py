"""The challenges of a rehearsal, opened with everybody as they were at a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from rewards.domain.challenges.changes import Kept, counts_since
from rewards.domain.challenges.history import Given, Past, Written, kept_before
from rewards.domain.challenges.matching import ORDER, Contribution, contributions
from rewards.domain.challenges.participation import Audiences, Pair
from rewards.domain.challenges.periods import EARLIEST
from rewards.domain.challenges.walks import Member
from rewards.domain.engine import Engine
from rewards.domain.rehearsal_totals import changed_challenges
from rewards.domain.rehearsals import ShadowLedger
from rewards.domain.rules import GrantKind
from rewards.domain.shadow_challenge import ShadowChallenge
from rewards.domain.shadow_challenges import ShadowChallenges
from rewards.queries import challenge_documents, challenge_members, rehearsal_challenges
from rewards.queries.challenge_documents import RecordedOrder
from rewards.queries.rehearsal_challenges import Participation
from rewards.queries.rehearsal_lots import ReturnedOrders


@dataclass(frozen=True, slots=True)
class Opening:
    """What the opening of challenges rests on; ``apart`` are those whose orders come back (``None``: all)."""

    live: Engine | None
    since: datetime
    returned: ReturnedOrders
    apart: Collection[int] | None


def opened(ledger: ShadowLedger, opening: Opening, given: Mapping[str, int]) -> None:
    """Give the ledger its challenges, with who took part and what had counted, and count again what changes.

    ``given`` are the postings of points that challenges had given, by their source.
    """
    revision, live, since = ledger.engine.revision, opening.live, opening.since
    if not revision.challenges:
        return
    zone, keys = revision.time_zone, [each.key for each in revision.challenges]
    live_since = challenge_members.live_since()
    completions = rehearsal_challenges.completions(keys, since)
    audiences = Audiences(rehearsal_challenges.segments(revision.challenges), ledger.tiers)
    joined_at = rehearsal_challenges.members_since(revision.challenges)
    found = [
        ShadowChallenge(
            each, audiences, zone, since=since, live_from=min(live_since.get(each.key, since), since),
            completions=completions.get(each.key, 0), remembered=opening.apart, joined_at=joined_at,
        )
        for each in revision.challenges
    ]  # fmt: skip
    ledger.challenges = challenges = ShadowChallenges(
        found, inactive=rehearsal_challenges.inactive(), gifts=ledger.gifts,
        advancing=any(grant.kind is GrantKind.CHALLENGE for rule in revision.rules for grant in rule.grants),
    )  # fmt: skip
    orders = challenge_documents.orders(opening.returned.earlier, revision.exchange, before=since)
    for order in orders:
        challenges.remember_order(order.bought, order.kept, order.positions)
    changed = changed_challenges(ledger.engine, live) if live else frozenset()
    _take_over(
        challenges,
        opening,
        _Past(ledger.engine, opening, changed=changed, live_since=live_since, orders=orders, given=given),
    )
    challenges.publish(changed, since)


class _Past:
    """What reading the past of a member in a challenge needs, beside what is stored of them."""

    def __init__(
        self, engine: Engine, opening: Opening, *, changed: Collection[str],
        live_since: Mapping[str, datetime], orders: Sequence[RecordedOrder], given: Iterable[str],
    ) -> None:  # fmt: skip
        self._apart = opening.apart
        self._since, self._zone, self._live_since = opening.since, engine.revision.time_zone, live_since
        live = opening.live.revision.challenges if opening.live else ()
        self._by_key = {each.key: each for each in (*engine.revision.challenges, *live)}
        self.changed = changed
        self._orders: dict[int, list[RecordedOrder]] = defaultdict(list)
        for order in orders:
            self._orders[order.bought.customer_id].append(order)
        self._given: dict[Pair, dict[str, Given]] = defaultdict(dict)
        for source in given:
            key, customer_id, period, number, slot, *_ = source.split(":")
            of_pair, newest = self._given[Pair(int(customer_id), key)], int(number)
            known = of_pair.get(period, Given(newest))
            if newest >= known.round:
                slots = known.slots if newest == known.round else frozenset()
                of_pair[period] = Given(newest, slots | {slot})

    def first(self, key: str) -> datetime:
        """Return from when on contributions of everybody matter."""
        return EARLIEST if key in self.changed else counts_since(self._by_key[key], self._since, self._zone)

    def counted(self, pair: Pair, found: Sequence[Contribution]) -> list[Contribution]:
        """Return what had counted by then: of orders that come back later, what was left of them."""
        challenge, orders = self._by_key[pair.challenge_key], self._orders.get(pair.customer_id, ())
        later = {(ORDER, str(order.bought.id)) for order in orders}
        counted = [one for one in found if (one.source_type, one.source_id) not in later]
        for order in orders:
            document = order.kept if challenge.rolls_back else order.bought
            counted += contributions(challenge.goal, document, self._zone)
        return counted

    def kept(
        self, pair: Pair, written: Mapping[str, Written], counted: Sequence[Contribution], joined_at: datetime
    ) -> dict[str, Kept]:
        """Return the periods as they were."""
        live_from = self._live_since.get(pair.challenge_key, self._since)
        member = Member(joined_at, live_from, self._zone, self._since)
        challenge, given = self._by_key[pair.challenge_key], dict(self._given.get(pair, {}))
        if self._apart is None or pair.customer_id in self._apart:
            # What is lost later begins another round, so that the stored one need not be the one of then.
            given = {**dict.fromkeys(written, Given()), **given}
        return kept_before(challenge, pair, Past(written, counted, given), member)


def _take_over(challenges: ShadowChallenges, opening: Opening, past: _Past) -> None:
    """Open everybody who took part: they had asked to, or something had counted for them."""
    since, apart = opening.since, opening.apart
    asking = {each.challenge.key: each.challenge.needs_opt_in for each in challenges}
    there = rehearsal_challenges.participations(asking, since)
    written = rehearsal_challenges.written(asking, since, apart, past.changed)
    first = {key: past.first(key) for key in asking}
    waiting = set(there)
    for pair, found in chain(
        rehearsal_challenges.counted(first, since, apart), ((pair, []) for pair in there if pair in waiting)
    ):
        waiting.discard(pair)
        row = there.get(pair) or Participation(since, is_opted_in=False, was_counted=True)
        has_begun = row.joined_at < since if row.is_opted_in else bool(found) or row.was_counted
        if not has_begun:
            continue
        counted = past.counted(pair, found)
        kept = past.kept(pair, written.get(pair, {}), counted, row.joined_at)
        challenges[pair.challenge_key].open(
            pair.customer_id, row.joined_at, kept, counted, is_opted_in=row.is_opted_in
        )
