"""Ninety days of a tenant's members, drawn from a seed: the same seed gives the same days."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from random import Random
from typing import Any, Final

from rewards.domain.presets.definition import Habit, ShelfItem, Traffic

DAYS: Final = 90
_GIVEN: Final = (
    "Ada", "Ben", "Chen", "Dana", "Emre", "Fatima", "Grace", "Hugo", "Ines", "Jonas", "Kofi", "Lena", "Mei",
    "Noor", "Oscar", "Priya", "Quinn", "Rosa", "Sam", "Tomas", "Uma", "Vera", "Wei", "Yara", "Zoe",
)  # fmt: skip
_FAMILY: Final = (
    "Adler", "Bauer", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jansen", "Kim",
    "Lopez", "Meyer", "Novak", "Okafor", "Park", "Rossi", "Silva", "Tanaka", "Wang", "Young",
)  # fmt: skip
_DAY_WEIGHTS: Final = (0.9, 0.9, 1.0, 1.0, 1.1, 1.25, 1.0)
_FIRST_HOUR, _LAST_HOUR = 7, 22
_MOST_LINES: Final = 3
_LEAVING_SHARE: Final = 0.2
_FAMILY_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """Somebody: a number outside, and a name where names are kept."""

    external_id: str
    given_name: str
    family_name: str
    joins_on: date
    leaves_on: date
    zeal: float
    attributes: Mapping[str, Any]
    postcode: str = ""
    enters: bool = False
    brought_by: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    member: int
    name: str
    message_id: str
    occurred_at: datetime
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    member: int
    external_id: str
    placed_at: datetime
    lines: tuple[tuple[ShelfItem, int], ...]
    is_returned: bool
    has_coupon: bool


@dataclass(frozen=True, slots=True)
class Day:
    """What happens on one local day, in order of time; ``looking`` are members who look at the rewards."""

    day: date
    events: tuple[PlannedEvent, ...]
    orders: tuple[PlannedOrder, ...]
    looking: tuple[int, ...]


def members(traffic: Traffic, *, last_day: date, seed: int) -> list[PlannedMember]:
    """Draw the members: most are there from early on, some come later, some fall silent."""
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
                given_name=random.choice(_GIVEN) if traffic.has_names else "",
                family_name=random.choice(_FAMILY) if traffic.has_names else "",
                joins_on=joins,
                leaves_on=joins + timedelta(days=stays),
                zeal=random.lognormvariate(-0.2, 0.7),
                attributes={name: random.choice(values) for name, values in traffic.attributes.items()},
                postcode=f"{random.randrange(10_000, 99_999)}" if traffic.has_names else "",
                enters=random.random() < traffic.entering_share,
            )
        )
    return _brought(found, traffic, random)


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


def days(
    traffic: Traffic, people: list[PlannedMember], *, last_moment: datetime, zone: tzinfo, seed: int
) -> Iterator[Day]:
    """Draw day after day up to ``last_moment``; nothing lies behind it."""
    last_day = last_moment.astimezone(zone).date()
    for offset in range(DAYS):
        day = last_day - timedelta(days=DAYS - 1 - offset)
        random = Random(f"{seed}:{offset}")  # noqa: S311 - play, not secrecy
        drawing = _Drawing(traffic, random, day, zone)
        events: list[PlannedEvent] = []
        orders: list[PlannedOrder] = []
        looking: list[int] = []
        for index, member in enumerate(people):
            if member.joins_on <= day < member.leaves_on:
                events += drawing.events(index, member)
                orders += drawing.orders(index, member)
                if random.random() < traffic.looking_share * member.zeal:
                    looking.append(index)
        yield Day(
            day,
            tuple(sorted((e for e in events if e.occurred_at <= last_moment), key=lambda e: e.occurred_at)),
            tuple(sorted((o for o in orders if o.placed_at <= last_moment), key=lambda o: o.placed_at)),
            tuple(looking),
        )


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

    def _moment(self) -> datetime:
        hour = self.random.randrange(_FIRST_HOUR, _LAST_HOUR)
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
            )
