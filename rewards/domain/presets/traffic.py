"""Ninety days of a tenant's members, drawn from a seed: the same seed gives the same days."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from random import Random
from typing import Final

from rewards.domain.presets.definition import Habit, Traffic
from rewards.domain.presets.names import Names, names_of
from rewards.domain.presets.plans import Day, PlannedEvent, PlannedMember, PlannedOrder
from rewards.domain.presets.speaking import Speaking

DAYS: Final = 90
_DAY_WEIGHTS: Final = (0.9, 0.9, 1.0, 1.0, 1.1, 1.25, 1.0)
# From midnight on: few at night, a peak at noon and a higher one in the evening.
_HOUR_WEIGHTS: Final = (1, 0, 0, 0, 0, 1, 3, 6, 8, 8, 9, 10, 13, 11, 8, 8, 9, 11, 14, 17, 18, 15, 9, 4)
_CHANNELS, _CHANNEL_WEIGHTS = ("web", "app", "store"), (50, 35, 15)
_MOST_LINES: Final = 3
_LEAVING_SHARE: Final = 0.2
_FAMILY_SHARE: Final = 0.2
_AGREEING_SHARE: Final = 0.6
# Who has forgotten the first account opens a second one.
_TWICE_SHARE: Final = 0.03
_GREEDY_SHARE: Final = 0.12
_GREED: Final = 3


def members(traffic: Traffic, *, last_day: date, seed: int, locale: str = "en") -> list[PlannedMember]:
    """Draw the members: most are there from early on, some come later, some fall silent."""
    names = names_of(locale)
    random = Random(f"{seed}:members")  # noqa: S311 - play, not secrecy
    first = last_day - timedelta(days=DAYS - 1)
    found = []
    for number in range(1, traffic.members + 1):
        joins = first + timedelta(days=int(random.betavariate(1, 2.5) * (DAYS - 10)))
        is_leaving = random.random() < _LEAVING_SHARE
        stays = random.randrange(15, DAYS) if is_leaving else DAYS
        found.append(
            PlannedMember(
                external_id=f"demo-{number:04d}",
                given_name=random.choice(names.given) if traffic.has_names else "",
                family_name=random.choice(names.family) if traffic.has_names else "",
                joins_on=joins,
                leaves_on=joins + timedelta(days=stays),
                zeal=random.lognormvariate(-0.2, 0.7),
                attributes={name: random.choice(values) for name, values in traffic.attributes.items()},
                postcode=_postcode(names, random) if traffic.has_names else "",
                enters=random.random() < traffic.entering_share,
                agrees=random.random() < _AGREEING_SHARE,
            )
        )
    return _twice(_brought(found, traffic, random), random)


def _postcode(names: Names, random: Random) -> str:
    least: int = 10 ** (names.postcode_digits - 1)
    return str(random.randrange(least, 10 * least))


def _brought(people: list[PlannedMember], traffic: Traffic, random: Random) -> list[PlannedMember]:
    """Let some have come with the code of a member of before; a few of them share that member's home."""
    found = []
    for member in people:
        earlier = [index for index, each in enumerate(people) if each.joins_on < member.joins_on]
        if earlier and random.random() < traffic.brought_share:
            friend = people[by := random.choice(earlier)]
            is_family = random.random() < _FAMILY_SHARE
            home = friend if is_family else member
            found.append(replace(member, brought_by=by, family_name=home.family_name, postcode=home.postcode))
        else:
            found.append(member)
    return found


def _twice(people: list[PlannedMember], random: Random) -> list[PlannedMember]:
    """Let a few be somebody who is there already, under the same name and address."""
    found = []
    for member in people:
        earlier = [each for each in people if each.joins_on < member.joins_on and each.brought_by is None]
        if member.given_name and member.brought_by is None and random.random() < _TWICE_SHARE and earlier:
            same = random.choice(earlier)
            found.append(
                replace(
                    member, given_name=same.given_name, family_name=same.family_name, postcode=same.postcode
                )
            )
        else:
            found.append(member)
    return found


def days(
    traffic: Traffic, people: list[PlannedMember], *, last_moment: datetime, zone: tzinfo, seed: int
) -> Iterator[Day]:
    """Draw day after day up to ``last_moment``; nothing lies behind it."""
    last_day = last_moment.astimezone(zone).date()
    speaking = Speaking(traffic.voices, people, zone, seed)
    for offset in range(DAYS):
        day = last_day - timedelta(days=DAYS - 1 - offset)
        drawing = _Drawing(traffic, Random(f"{seed}:{offset}"), day, zone)  # noqa: S311 - play, not secrecy
        events: list[PlannedEvent] = []
        orders: list[PlannedOrder] = []
        looking: list[int] = []
        for index, member in enumerate(people):
            if member.joins_on <= day < member.leaves_on:
                events += drawing.events(index, member)
                orders += drawing.orders(index, member)
                looking += [index] * drawing.looks(member)
        events = sorted((e for e in events if e.occurred_at <= last_moment), key=lambda e: e.occurred_at)
        orders = sorted((o for o in orders if o.placed_at <= last_moment), key=lambda o: o.placed_at)
        remarks = speaking.of_day(day, offset, events, orders)
        said = tuple(remark for remark in remarks if remark.occurred_at <= last_moment)
        yield Day(day, tuple(events), tuple(orders), said, tuple(looking))


@dataclass(slots=True)
class _Drawing:
    traffic: Traffic
    random: Random
    day: date
    zone: tzinfo

    def _times(self, per_week: float, zeal: float) -> int:
        """Draw from a Poisson distribution (Knuth's multiplication method; the means are small)."""
        limit = math.exp(-per_week / 7 * zeal * _DAY_WEIGHTS[self.day.weekday()])
        times, product = 0, self.random.random()
        while product > limit:
            times, product = times + 1, product * self.random.random()
        return times

    def _often(self, habit: Habit, index: int, member: PlannedMember) -> int:
        if not habit.within_days:
            return self._times(habit.per_week, member.zeal)
        once = Random(f"{habit.event}:{index}:{member.joins_on}")  # noqa: S311 - play, not secrecy
        does, after = once.random() < habit.per_week, once.randrange(habit.within_days)
        return int(does and self.day == member.joins_on + timedelta(days=after))

    def looks(self, member: PlannedMember) -> int:
        """Draw how many rewards somebody wants on this day; few want more than one."""
        if self.random.random() >= self.traffic.looking_share * member.zeal:
            return 0
        return _GREED if self.random.random() < _GREEDY_SHARE else 1

    def _moment(self) -> datetime:
        hour = self.random.choices(range(24), _HOUR_WEIGHTS)[0]
        minute, second = self.random.randrange(60), self.random.randrange(60)
        return datetime(self.day.year, self.day.month, self.day.day, hour, minute, second, tzinfo=self.zone)

    def events(self, index: int, member: PlannedMember) -> Iterator[PlannedEvent]:
        for habit in self.traffic.habits:
            for number in range(self._often(habit, index, member)):
                yield PlannedEvent(
                    index,
                    habit.event,
                    f"demo-{habit.event}-{self.day:%Y%m%d}-{index}-{number}",
                    self._moment(),
                    {name: self.random.choice(values) for name, values in habit.properties.items()},
                )

    def orders(self, index: int, member: PlannedMember) -> Iterator[PlannedOrder]:
        if not self.traffic.shelf:
            return
        for number in range(self._times(self.traffic.orders_per_week, member.zeal)):
            chosen = self.random.sample(self.traffic.shelf, self.random.randint(1, _MOST_LINES))
            yield PlannedOrder(
                index,
                f"demo-{self.day:%Y%m%d}-{index}-{number}",
                self._moment(),
                tuple((item, self.random.choice((1, 1, 1, 2))) for item in chosen),
                self.random.random() < self.traffic.returned_share,
                self.random.random() < self.traffic.coupon_share,
                self.random.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0],
            )
