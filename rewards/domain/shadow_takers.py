"""One member in one challenge while a revision is played over the past."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rewards.domain.challenges.changes import Change, Kept, change_of, counts_since
from rewards.domain.challenges.definition import Challenge, Recurrence
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.participation import Pair
from rewards.domain.challenges.progress import by_time, within_limit, without_contributions
from rewards.domain.challenges.transitions import ProgressState
from rewards.domain.challenges.walks import Course, Member, Standing, Walk


class Taker:
    """How far a member is, read on with each contribution, and the periods in which something was reached.

    Of members whose contributions can change afterwards (something of their orders comes back) everything is
    remembered and read again then, as live does; of everybody else what is over is let go.
    """

    __slots__ = (
        "_before", "_challenge", "_contributions", "_course", "_instant", "_kept", "_member", "_unpaid",
        "is_opted_in", "pair",
    )  # fmt: skip

    def __init__(
        self, challenge: Challenge, pair: Pair, member: Member, *, is_opted_in: bool, remembers: bool
    ) -> None:
        self.pair, self.is_opted_in = pair, is_opted_in
        self._challenge, self._member = challenge, member
        self._kept: dict[str, Kept] = {}
        self._contributions: list[Contribution] | None = [] if remembers else None
        self._course = self._before = Course(challenge, member)
        # What an instant has brought that may bring more, and the course before it.
        self._instant: list[Contribution] = []
        # Periods in which the goal was reached and not rewarded: a limit, or an audience that waits.
        self._unpaid: set[str] = set()

    def open(self, kept: Mapping[str, Kept], contributions: Sequence[Contribution]) -> None:
        """Take over the periods and contributions of before."""
        self._kept = dict(kept)
        if self._contributions is not None:
            self._contributions += contributions
        self._read(contributions)
        for walk in self._course.walks.values():
            walk.has_news = False

    @property
    def has_finished(self) -> bool:
        """Whether nothing that is still to come can give or take anything."""
        if self._contributions is not None or self._challenge.recurrence is not Recurrence.NONE:
            return False
        newest = self._course.newest
        return newest is not None and newest.has_everything and self._is_paid(newest.period.label)

    @property
    def is_owed(self) -> bool:
        """Whether the goal of some period was reached and waits for its reward."""
        if not self._unpaid:
            return False
        return any(period in self._kept and self._kept[period].is_done for period in self._unpaid)

    def has_counted(self, source: tuple[str, str]) -> bool:
        """Whether a document has contributed anything, as far as that is remembered."""
        return any((one.source_type, one.source_id) == source for one in self._contributions or ())

    def add(
        self, found: Sequence[Contribution], at: datetime, *, shares_instant: bool = False
    ) -> list[Change]:
        """Read what a document contributes, which happened after everything read before.

        ``shares_instant``: or at the same instant, of which live reads everything in one order. Returns what
        that changes, or could change: what was reached and not rewarded is asked for again.
        """
        if self._contributions is not None:
            self._contributions += found
        if shares_instant:
            found = self._in_order(found)
        elif self._instant:
            self._instant = []
        walks = {walk.period.label: walk for one in found if (walk := self._course.add(one)) is not None}
        news = [walk for label, walk in walks.items() if walk.has_news or label in self._unpaid]
        if self._unpaid:
            news += [self._course.walks[label] for label in self._asked_again() if label not in walks]
        if news:
            return [self._change(standing, at) for standing in self._standings(news, at)]
        if self._contributions is None and walks:
            self._let_go()
        return []

    def replace(
        self, source: tuple[str, str], found: Sequence[Contribution], moment: datetime, at: datetime
    ) -> list[Change]:
        """Let a document of ``moment`` contribute something else than it did; returns what that changes."""
        known = self._contributions
        if known is None:
            return []
        was = [one for one in known if (one.source_type, one.source_id) == source]
        if sorted(was) == sorted(found):
            return []
        self._contributions = [one for one in known if (one.source_type, one.source_id) != source]
        self._contributions += found
        self._read(self._contributions)
        return self.settle(counts_since(self._challenge, moment, self._member.zone), at)

    def settle(self, since: datetime, at: datetime) -> list[Change]:
        """Return what is due or lost in all periods that end after a moment."""
        return [
            self._change(standing, at)
            for standing in self._standings(self._course.walks.values(), at, with_known=True)
            if standing.span.ends_at > since
        ]

    def keep(self, period: str, kept: Kept) -> None:
        """Remember a period as it is now."""
        self._kept[period] = kept
        if (walk := self._course.walks.get(period)) is not None:
            # A milestone that a frozen account could not take is tried again.
            walk.has_news = not kept.stored.milestones.issuperset(walk.reached)
        self._note_unpaid(period)
        if self._contributions is None:
            self._let_go()

    def release(self) -> None:
        """Forget everything of somebody who has finished, but for having taken part."""
        self._course, self._kept = Course(self._challenge, self._member), {}

    def periods(self, at: datetime) -> Iterator[tuple[str, Kept]]:
        """Yield each period that is remembered as it stands at a moment; nothing more is given."""
        for standing in self._standings(self._course.walks.values(), at, with_known=True):
            before, change = self._kept.get(standing.period), self._change(standing, at)
            now = (before or change.after([], (), at))._replace(
                span=standing.span, value=standing.value, value_by_task=standing.value_by_task
            )
            if not now.is_done:
                # A goal that was reached once all completions were gone is none.
                is_over = standing.span.ends_at <= at
                state = ProgressState.EXPIRED if is_over else ProgressState.IN_PROGRESS
                now = now._replace(stored=now.stored._replace(state=state))
            yield standing.period, now

    def _in_order(self, found: Sequence[Contribution]) -> Sequence[Contribution]:
        """Go back behind an instant, and return all that it has brought so far as it is to be read."""
        moment, known = found[0].occurred_at, self._contributions
        if known is not None:
            self._read([one for one in known if one.occurred_at < moment])
            return sorted((one for one in known if one.occurred_at == moment), key=by_time)
        if self._instant and self._instant[0].occurred_at == moment:
            self._course = self._before
        else:
            self._instant = []
        self._before = self._course.copied()
        self._instant = sorted([*self._instant, *found], key=by_time)
        return self._instant

    def _read(self, contributions: Collection[Contribution]) -> None:
        self._course = Course(self._challenge, self._member_now(self._member.at))
        for one in sorted(filter(self._course.counts, contributions), key=by_time):
            self._course.add(one)
        self._unpaid.clear()
        for period in self._course.walks:
            self._note_unpaid(period)

    def _note_unpaid(self, period: str) -> None:
        walk = self._course.walks.get(period)
        if walk is not None and walk.completed_at is not None and not self._is_paid(period):
            self._unpaid.add(period)
        else:
            self._unpaid.discard(period)

    def _asked_again(self) -> Iterable[str]:
        """Return the unpaid periods that live would read again, too: a calendar period stands for itself."""
        if not self._challenge.recurrence.is_by_calendar or self._challenge.limits.per_customer is not None:
            return self._unpaid
        return [period for period in self._unpaid if period in self._kept and self._kept[period].is_done]

    def _member_now(self, at: datetime) -> Member:
        known = {period: each.known for period, each in self._kept.items()}
        return replace(self._member, at=at, known=known)

    def _change(self, standing: Standing, at: datetime) -> Change:
        return change_of(self.pair, self._challenge, standing, self._kept.get(standing.period), at)

    def _standings(self, walks: Iterable[Walk], at: datetime, *, with_known: bool = False) -> list[Standing]:
        """Return the standings of some periods, within what one customer may complete."""
        found = [walk.standing(at) for walk in walks]
        if with_known:
            found += without_contributions(self._challenge, self._course, self._member_now(at))
        if self._challenge.limits.per_customer is None:
            return found
        asked = {standing.period for standing in found}
        others = [
            Standing(period, each.span, each.value, each.stored.target, each.stored.completed_at)
            for period, each in self._kept.items()
            if each.is_done and period not in asked
        ]
        known = {period: each.known for period, each in self._kept.items()}
        left = within_limit(self._challenge, [*found, *others], known)
        return [standing for standing in left if standing.period in asked]

    def _is_paid(self, period: str) -> bool:
        kept = self._kept.get(period)
        return kept is not None and kept.stored.state is ProgressState.REWARDED

    def _let_go(self) -> None:
        """Forget the periods that nothing is added to any more and for which nothing is due."""
        newest, walks = self._course.newest, self._course.walks
        if newest is None or self._instant or (len(walks) == 1 and not newest.is_over):
            return
        recurrence = self._challenge.recurrence
        if recurrence is Recurrence.NONE:
            return
        for walk in list(walks.values()):
            if walk.is_over if recurrence is Recurrence.ON_COMPLETION else walk is not newest:
                self._forget(walk)

    def _forget(self, walk: Walk) -> None:
        period = walk.period.label
        if walk.has_news or period in self._unpaid:
            return
        self._course.forget(period)
        if self._challenge.limits.per_customer is None:
            self._kept.pop(period, None)
