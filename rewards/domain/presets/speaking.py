"""When sample members speak up, and how they feel: drawn from the seed, day after day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from random import Random
from typing import Final

from crm.domain.feedback import Feeling, Kind, feeling_of, score_of_rating
from rewards.domain.presets.plans import PlannedEvent, PlannedMember, PlannedOrder, PlannedRemark
from rewards.domain.presets.voices.definition import RATINGS, Voices

_FEELINGS: Final = (Feeling.POSITIVE, Feeling.MIXED, Feeling.NEGATIVE)
_USUAL: Final = (0.64, 0.18, 0.18)
# Of those who will leave, of what went back, and in the bad week that every business has.
_LEAVING: Final = (0.3, 0.25, 0.45)
_RETURNED: Final = (0.1, 0.3, 0.6)
_BAD_WEEK: Final = (0.4, 0.2, 0.4)
_BAD_DAYS: Final = range(50, 57)
_LEAVES_SOON: Final = timedelta(days=21)
_WORDLESS_SHARE: Final = 0.25
_FIRST_ANSWER, _LAST_ANSWER = 2, 6
_FIRST_HOUR, _LAST_HOUR = 8, 22


@dataclass(frozen=True, slots=True)
class _Occasion:
    """Who speaks, in what form, when (``offset`` days after the first), about which order."""

    member: int
    name: str
    kind: Kind
    moment: datetime
    offset: int
    order: PlannedOrder | None = None
    rating: int | None = None


@dataclass(slots=True)
class Speaking:
    """Follows the days, as reviews come some days after what they are about."""

    voices: Voices
    people: Sequence[PlannedMember]
    zone: tzinfo
    seed: int
    _due: dict[date, list[PlannedOrder]] = field(default_factory=lambda: defaultdict(list))
    _bought: dict[int, PlannedOrder] = field(default_factory=dict)

    def of_day(
        self, day: date, offset: int, events: Sequence[PlannedEvent], orders: Sequence[PlannedOrder]
    ) -> list[PlannedRemark]:
        """Draw what is said on a day, in order of time."""
        random = Random(f"{self.seed}:{offset}:words")  # noqa: S311 - play, not secrecy
        found = [
            *self._after_events(random, offset, events),
            *self._after_orders(random, offset, day),
            *self._unasked(random, offset, day),
        ]
        for order in orders:
            self._bought[order.member] = order
            if random.random() < self.voices.after_orders:
                answers = day + timedelta(days=random.randint(_FIRST_ANSWER, _LAST_ANSWER))
                self._due[answers].append(order)
        return sorted(found, key=lambda each: each.occurred_at)

    def _after_events(
        self, random: Random, offset: int, events: Sequence[PlannedEvent]
    ) -> Iterator[PlannedRemark]:
        for event in events:
            kind = self.voices.after_events.get(event.name)
            about = self._bought.get(event.member)
            if kind is None or (kind is Kind.REVIEW and about is None):
                continue
            yield self._said(
                random,
                _Occasion(
                    event.member,
                    f"{event.message_id}-words",
                    kind,
                    event.occurred_at,
                    offset,
                    about if kind is Kind.REVIEW else None,
                    event.properties.get(self.voices.rated_by),
                ),
            )

    def _after_orders(self, random: Random, offset: int, day: date) -> Iterator[PlannedRemark]:
        for order in self._due.pop(day, ()):
            if self.people[order.member].leaves_on > day:
                name, moment = f"{order.external_id}-words", self._moment(random, day)
                occasion = _Occasion(order.member, name, Kind.REVIEW, moment, offset, order)
                yield self._said(random, occasion)

    def _unasked(self, random: Random, offset: int, day: date) -> Iterator[PlannedRemark]:
        for index, member in enumerate(self.people):
            if not member.joins_on < day < member.leaves_on:
                continue
            for kind, per_week in self.voices.per_week.items():
                # Once a day is enough: the share of days on which it happens at all.
                if random.random() < 1 - math.exp(-per_week / 7 * member.zeal):
                    name, moment = f"demo-{kind}-{day:%Y%m%d}-{index}", self._moment(random, day)
                    yield self._said(random, _Occasion(index, name, kind, moment, offset))

    def _moment(self, random: Random, day: date) -> datetime:
        clock = time(random.randrange(_FIRST_HOUR, _LAST_HOUR), random.randrange(60), random.randrange(60))
        return datetime.combine(day, clock, tzinfo=self.zone)

    def _said(self, random: Random, occasion: _Occasion) -> PlannedRemark:
        kind, rating, order = occasion.kind, occasion.rating, occasion.order
        if rating is None:
            feeling = random.choices(_FEELINGS, self._mood(occasion))[0]
            rating = random.choice(RATINGS[kind, feeling]) if kind is not Kind.TICKET else None
        else:
            feeling = feeling_of(score_of_rating(kind, rating))
        fitting = [each for each in self.voices.remarks if (each.kind, each.feeling) == (kind, feeling)]
        has_words = rating is None or random.random() >= _WORDLESS_SHARE
        return PlannedRemark(
            member=occasion.member,
            source_id=occasion.name,
            kind=kind,
            occurred_at=occasion.moment,
            rating=rating,
            text=random.choice(fitting).text if has_words else "",
            # Who bought several things speaks of the first.
            sku=order.lines[0][0].sku if order else "",
            order=order.external_id if order else "",
        )

    def _mood(self, occasion: _Occasion) -> tuple[float, ...]:
        if occasion.order and occasion.order.is_returned:
            return _RETURNED
        if self.people[occasion.member].leaves_on - occasion.moment.date() < _LEAVES_SOON:
            return _LEAVING
        return _BAD_WEEK if occasion.offset in _BAD_DAYS else _USUAL
