"""A story told twice: played live by the services night by night, and rehearsed from the same moment."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from unittest import mock

from django.db import transaction

from crm.models import Customer, Event, Person
from crm.services import partitions
from rewards.domain.challenges.changes import Kept
from rewards.domain.challenges.participation import Pair
from rewards.domain.challenges.periods import EARLIEST
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.walks import Member
from rewards.domain.expiry import start_of_day
from rewards.domain.lots import LotState, state_at
from rewards.domain.rehearsals import ShadowLedger
from rewards.domain.rules import Trigger
from rewards.domain.shadow_challenge import ChallengeTotals
from rewards.domain.shadow_totals import Outstanding, WalletTotals
from rewards.models import (
    Account,
    ChallengeParticipation,
    ChallengeProgress,
    DecisionRecord,
    Hold,
    LedgerEntry,
    LedgerTransaction,
    Lot,
    ProgramRevision,
    TierChange,
    TierMembership,
    TierMove,
    TransactionKind,
    Wallet,
)
from rewards.queries import challenge_members, rehearsal_lots
from rewards.queries import programs as program_queries
from rewards.queries.programs import PublishedRevision
from rewards.services import (
    challenge_counting,
    challenge_recounts,
    challenges,
    earning,
    expiries,
    history,
    holds,
    lots,
    member_days,
    movements,
    points,
    programs,
    rehearsals,
    tiers,
    transfers,
    verification,
)
from rewards.services.challenge_progress import Batch
from rewards.services.errors import HoldClosed, InsufficientPoints, LotNotPending, NotReversible
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM, Actor
from tenants.models import OutboxMessage, Tenant
from tenants.services import audit
from tests.rewards.factories import make_customer, make_order, make_return
from tests.rewards.rehearsal_steps import (
    Ask,
    Buy,
    Deliver,
    Finish,
    Free,
    Freeze,
    GiveBack,
    Happen,
    Lock,
    Move,
    PostHistory,
    SetAside,
    Step,
    Undo,
)

# New York, over the end of a year, a half year and a quarter.
SINCE = datetime(2025, 12, 12, 17, tzinfo=UTC)
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
MEMBER_DAYS = (Trigger.BIRTHDAY, Trigger.ANNIVERSARY, Trigger.ENROLMENT)


class Progress(NamedTuple):
    """One period of a challenge."""

    state: str
    value: int
    target: int
    by_task: dict[str, int]
    milestones: list[int]
    round: int
    starts_at: datetime
    ends_at: datetime
    completed_at: datetime | None


# Points left, when they end, and what they are; when they became or will become usable, and those held.
Lots = list[tuple[int, datetime | None, LotState, datetime, int]]


@dataclass
class Told:
    """What can be compared: points by rule, tiers by customer, lots and debts by customer and wallet."""

    points_by_rule: dict[str, int]
    tiers: dict[int, str]
    lots: dict[tuple[int, str], Lots]
    debts: dict[tuple[int, str], int]
    outstanding: dict[str, int]
    # By member, challenge and period; and by challenge the points of its wallets, less those taken back.
    progress: dict[tuple[int, str, str], Progress]
    challenge_points: dict[tuple[str, str], int]


def _sums(ledger: ShadowLedger) -> dict[str, tuple[WalletTotals, Outstanding]]:
    wallets = {wallet for _customer, wallet, _account in ledger.points}
    return {key: (ledger.points.totals[key], ledger.points.outstanding(key)) for key in wallets}


def _came_of(ledger: ShadowLedger) -> dict[str, ChallengeTotals]:
    return {each.challenge.key: each.totals for each in ledger.challenges or ()}


@contextlib.contextmanager
def _read_once() -> Iterator[None]:
    """Let two ledgers that play the same days share what is read of them."""
    read, known = rehearsals.what_happened, dict[tuple[datetime, datetime], list[Any]]()

    def once(ledger: ShadowLedger, since: datetime, until: datetime, *, began: datetime) -> list[Any]:
        if (since, until) not in known:
            known[since, until] = read(ledger, since, until, began=began)
        return known[since, until]

    with mock.patch.object(rehearsals, "what_happened", once):
        yield


@dataclass
class Story:
    """Members and what they do; steps before ``SINCE`` happen under ``before``, where there is a program."""

    tenant: Tenant
    document: dict[str, Any]
    steps: Sequence[Step]
    until: datetime
    before: dict[str, Any] | None = None
    actor: Actor = SYSTEM
    members: int = 2
    births: dict[int, date] = field(default_factory=dict)
    # Whether the rehearsal comes after everything has happened, as it does outside of stories.
    is_hindsight: bool = False

    def tell(self) -> tuple[Told, Told]:
        """Return what live services made of it, and what a rehearsal says they would."""
        partitions.ensure(first=min(step.at for step in self.steps).date(), last=self.until.date())
        self.customers = [make_customer(member_since=SINCE - 30 * DAY) for _ in range(self.members)]
        for who, birth_on in self.births.items():
            Person.objects.create(customer=self.customers[who], birth_on=birth_on)
        self.rows = self._record()
        if self.before is not None:
            first = min(SINCE - DAY, *(step.at for step in self.steps)) - DAY
            self._publish(self.before, first)
            self._play(first, SINCE)
        draft = programs.save_draft(document=self.document, by=SYSTEM, at=SINCE)
        live = program_queries.published()
        told = None if self.is_hindsight else self._rehearsed(draft, live)
        programs.publish(revision=draft, by=SYSTEM, at=SINCE)
        tiers.recompute(at=SINCE)
        self._recount_changed()
        self._play(SINCE, self.until)
        tiers.recompute(at=self.until - INSTANT)
        challenges.sweep(by=SYSTEM, at=self.until - INSTANT)
        return self._seen(), told or self._rehearsed(draft, live)

    def _rehearsed(self, draft: ProgramRevision, live: PublishedRevision | None) -> Told:
        """Rehearse with the locks that staff are going to set on record, as if they had set them already."""
        with transaction.atomic():
            if not self.is_hindsight:
                staff = [step for step in self.steps if isinstance(step, Lock) and step.at >= SINCE]
                TierChange.objects.bulk_create(map(self._locked, staff))
                for step, row in zip(self.steps, self.rows, strict=True):
                    if isinstance(step, Ask) and step.at >= SINCE:
                        self._asked(step)
                    elif isinstance(step, GiveBack) and step.at >= SINCE:
                        make_return(row, dict(step.units), step.at)
            with _read_once():
                apart, together = (
                    rehearsals.played(
                        tenant=self.tenant, engine=program_queries.bind(draft).engine, since=SINCE,
                        until=self.until, live=live.engine if live else None, progress=lambda *_: None,
                        tells_all_lots_apart=is_apart,
                    )
                    for is_apart in (True, False)
                )  # fmt: skip
            transaction.set_rollback(True)
        assert _sums(apart) == _sums(together)
        assert _came_of(apart) == _came_of(together)
        return self._said(apart)

    def _locked(self, step: Lock) -> TierChange:
        return TierChange(
            customer=self._who(step), move=TierMove.LOCKED if step.days else TierMove.UNLOCKED,
            to_key=step.key, changed_at=step.at, actor_label=self.actor.label,
            locked_until=step.at + step.days * DAY if step.days else None,
        )  # fmt: skip

    def _asked(self, step: Ask) -> None:
        row, is_new = ChallengeParticipation.objects.get_or_create(
            customer=self.customers[step.who], challenge_key=step.key,
            defaults={"joined_at": step.at, "touched_at": step.at},
        )  # fmt: skip
        if not is_new and row.is_opted_in == step.is_in:
            # Asking a second time changes nothing, and is not told.
            return
        row.is_opted_in = step.is_in
        row.save()
        action = "challenge.opted_in" if step.is_in else "challenge.opted_out"
        audit.record(action=action, target=row, by=SYSTEM, at=step.at)

    def _recount_changed(self) -> None:
        """Do what the job does that a publication starts."""
        keys = challenge_recounts.changed_keys(self.before, self.document) if self.before else []
        rows = ChallengeProgress.objects.filter(challenge_key__in=keys, state__in=["in_progress", "expired"])
        asking = {each["key"] for each in self.document.get("challenges", ()) if each.get("opt_in")}
        asked = ChallengeParticipation.objects.filter(is_opted_in=True)
        there = set(asked.values_list("customer_id", "challenge_key"))
        pairs = [
            Pair(*pair)
            for pair in rows.values_list("customer_id", "challenge_key").distinct()
            if pair[1] not in asking or pair in there
        ]
        published = program_queries.published()
        assert published is not None
        if pairs:
            challenge_counting.recompute(pairs, Batch(published, SYSTEM, SINCE))

    def _publish(self, document: dict[str, Any], at: datetime) -> None:
        draft = programs.save_draft(document=document, by=SYSTEM, at=at)
        programs.publish(revision=draft, by=SYSTEM, at=at)
        tiers.recompute(at=at)

    def _record(self) -> list[Any]:
        """Write down what customers do; points move, and orders come back, when it is their time.

        Challenges look at all that came back so far.
        """
        self.moves = [step for step in self.steps if isinstance(step, Move)]
        self.postings: dict[int, int] = {}
        self.holds: list[Hold | None] = []
        orders: list[Any] = []
        rows: list[Any] = []
        for number, step in enumerate(self.steps):
            row: Any = None
            if isinstance(step, Buy):
                row = make_order(self.customers[step.who], list(step.lines), step.at)
                orders.append(row)
            elif isinstance(step, GiveBack):
                row = orders[step.order]
            elif isinstance(step, Happen | Deliver):
                row = self._event(number, step, orders)
            rows.append(row)
        return rows

    def _event(self, number: int, step: Happen | Deliver, orders: Sequence[Any]) -> Event:
        if isinstance(step, Happen):
            customer, properties = self.customers[step.who], dict(step.properties)
        else:
            order = orders[step.order]
            customer, properties = order.customer, {"order_id": order.external_id}
        return Event.objects.create(
            message_id=f"m{self.customers[0].pk}-{number}", occurred_at=step.at, received_at=step.at,
            name=step.name, customer=customer, properties=properties,
        )  # fmt: skip

    def _play(self, since: datetime, until: datetime) -> None:
        moments = [*self._clock(since, until), *self._deeds(since, until)]
        # Nobody publishes meanwhile.
        with program_queries.read_once():
            published = program_queries.published()
            has_days = published is not None and any(map(published.engine.answers, MEMBER_DAYS))
            for at, _order, _number, deed, row in sorted(moments, key=lambda moment: moment[:3]):
                if deed == "midnight":
                    holds.time_out(at=at)
                    lots.activate_batch(at=at)
                    expiries.expire_batch(at=at)
                    if has_days:
                        member_days.award(by=SYSTEM, at=at)
                elif deed == "night":
                    tiers.recompute(at=at)
                    challenges.sweep(by=SYSTEM, at=at)
                else:
                    self._do(deed, row)

    def _deeds(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, int, int, Any, Any]]:
        rank = {Lock: 0, Freeze: 0, PostHistory: 0, Ask: 0, Buy: 1, GiveBack: 2, Happen: 3, Deliver: 3,
                Free: 4, SetAside: 5, Finish: 5, Move: 6, Undo: 6}  # fmt: skip
        for number, (step, row) in enumerate(zip(self.steps, self.rows, strict=True)):
            if since <= step.at < until:
                yield step.at, rank[type(step)], row.pk if isinstance(step, Buy) else number, step, row

    def _clock(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, int, int, str, None]]:
        zone = self.tenant.zone
        for number in range((until - since).days + 2):
            day = since.astimezone(zone).date() + number * DAY
            for at, rank, deed in (
                (start_of_day(day, zone), -1, "midnight"),
                (datetime.combine(day, time(2, 20), zone).astimezone(UTC), 9, "night"),
            ):
                if since < at < until:
                    yield at, rank, 0, deed, None

    def _do(self, step: Step, row: Any) -> None:
        if isinstance(step, Buy):
            earning.award_orders([row.pk], by=SYSTEM, at=step.at)
            challenges.record_orders([row.pk], by=SYSTEM, at=step.at)
        elif isinstance(step, GiveBack):
            document = make_return(row, dict(step.units), step.at)
            earning.take_back_returns([document.pk], by=SYSTEM, at=step.at)
            challenges.record_returns([document.pk], by=SYSTEM, at=step.at)
        elif isinstance(step, Happen | Deliver):
            batch = {"message_ids": [row.message_id], "first_at": step.at, "last_at": step.at}
            earning.award_events(**batch, by=SYSTEM, at=step.at)
            challenges.record_events(**batch, by=SYSTEM, at=step.at)
            tiers.refresh_after_events(**batch, at=step.at)
            lots.release_after_events(**batch, at=step.at)
        elif isinstance(step, Move | Undo | SetAside | Finish | Free):
            with contextlib.suppress(InsufficientPoints, NotReversible, HoldClosed, LotNotPending):
                self._move_points(step)
        elif isinstance(step, Freeze):
            self._freeze(step)
        elif isinstance(step, PostHistory):
            history.post(tenant=self.tenant, by=SYSTEM, at=step.at, progress=lambda *_: None)
            self._hear(step.at)
        elif isinstance(step, Ask):
            act = challenges.opt_in if step.is_in else challenges.opt_out
            with contextlib.suppress(challenges.ChallengeNotOffered, challenges.ChallengeIsAutomatic):
                act(customer=self.customers[step.who], key=step.key, by=SYSTEM, at=step.at)
        elif step.days:
            until = step.at + step.days * DAY
            tiers.lock(customer=self._who(step), tier_key=step.key, until=until, reason="r", by=self.actor,
                       at=step.at)  # fmt: skip
        else:
            tiers.unlock(customer=self._who(step), reason="r", by=self.actor, at=step.at)

    def _freeze(self, step: Freeze) -> None:
        """Freeze as the verification does, or open, after which the sweeps come by."""
        accounts = Account.objects.filter(customer=self.customers[step.who], wallet__key=step.wallet)
        for account in accounts:
            if step.is_frozen:
                account.frozen_at = step.at
                account.save(update_fields=["frozen_at"])
                audit.record(action="points.account_frozen", target=account, by=SYSTEM, at=step.at)
            else:
                verification.unfreeze(account=account, by=SYSTEM, at=step.at, reason="r")
                lots.activate_batch(at=step.at)
                self._hear(step.at)
                expiries.expire_batch(at=step.at)

    def _hear(self, at: datetime) -> None:
        """Take from the outbox which orders' points wait for something that may have happened."""
        for message in OutboxMessage.objects.filter(topic=lots.WAITING_TOPIC, created_at=at):
            lots.release_what_happened(order_ids=message.payload["order_ids"], at=at)

    def _move_points(self, step: Move | Undo | SetAside | Finish | Free) -> None:
        if isinstance(step, Move):
            self._move(step)
        elif isinstance(step, Undo):
            self._undo(step)
        elif isinstance(step, Free):
            self._free(step)
        elif isinstance(step, SetAside):
            number = len(self.holds)
            self.holds.append(None)
            self.holds[number] = holds.open_hold(
                customer_id=self.customers[step.who].pk, wallet_id=Wallet.objects.get(key=step.wallet).pk,
                points=step.points, source=Source("test", str(number)), at=step.at,
                expires_at=step.at + step.days * DAY if step.days else None,
            )  # fmt: skip
        elif (hold := self.holds[step.hold]) is not None:
            if step.is_captured:
                holds.capture(hold=hold, kind=TransactionKind.REDEEM, source=Source("held", str(step.hold)),
                              by=SYSTEM, at=step.at)  # fmt: skip
            else:
                holds.release(hold=hold, at=step.at)

    def _free(self, step: Free) -> None:
        """Release the lots of an order or of a move."""
        if step.order >= 0:
            bought = [row for row, each in zip(self.rows, self.steps, strict=True) if isinstance(each, Buy)]
            postings = LedgerTransaction.objects.filter(
                source_type="order", source_id__startswith=f"{bought[step.order].pk}:"
            )
        else:
            postings = LedgerTransaction.objects.filter(pk=self.postings.get(step.move, 0))
        lines = LedgerEntry.objects.filter(transaction__in=postings, lot__isnull=False)
        lots_of = lines.values_list("lot", flat=True)
        for lot in Lot.objects.filter(pk__in=list(lots_of), is_pending=True).order_by("pk"):
            lots.release(lot=lot, by=SYSTEM, at=step.at)

    def _move(self, step: Move) -> None:
        customer, number = self.customers[step.who], self.moves.index(step)
        values: dict[str, Any] = {"points": step.points, "by": SYSTEM, "at": step.at, "reason": "r"}
        key = {"idempotency_key": f"{number}"}
        if step.how == "adjust":
            posting = points.adjust(customer=customer, wallet_key=step.wallet, **values, **key)
        elif step.how == "give":
            wallet = Wallet.objects.get(key=step.wallet)
            receiver = self.customers[1 - step.who]
            posting = transfers.transfer(sender=customer, receiver=receiver, wallet=wallet, **values, **key)
        else:
            act = movements.earn if step.how == "earn" else movements.spend
            posting = act(customer=customer, wallet_key=step.wallet, **values, **key)
        self.postings[number] = posting.transaction_id or 0

    def _undo(self, step: Undo) -> None:
        line = LedgerEntry.objects.filter(transaction=self.postings.get(step.move, 0)).first()
        if line is not None:
            move = self.moves[step.move]
            movements.reverse(
                customer=self.customers[move.who], wallet_key=move.wallet, seq=line.seq, by=SYSTEM,
                at=step.at, reason="r",
            )  # fmt: skip

    def _who(self, step: Lock) -> Customer:
        return self.customers[step.who]

    def _said(self, ledger: ShadowLedger) -> Told:
        held = dict(ledger.tiers.held(self.until - INSTANT))
        who = {customer.pk: number for number, customer in enumerate(self.customers)}
        return Told(
            {key: totals.points for key, totals in ledger.totals.rules.items() if totals.points},
            {who[customer]: key for customer, key in held.items() if key and customer in who},
            self._lots((who[customer], wallet, lot) for customer, wallet, account in ledger.points
                       for lot in account.lots),
            {(who[customer], wallet): account.debt for customer, wallet, account in ledger.points
             if account.debt},
            {wallet: points for wallet, (_totals, left) in _sums(ledger).items() if (points := left.points)},
            {
                (who[pair.customer_id], pair.challenge_key, period): _progress(kept)
                for pair, period, kept in
                (ledger.challenges.periods(self.until - INSTANT) if ledger.challenges else ())
            },
            {
                (key, wallet): points for key, totals in _came_of(ledger).items()
                for wallet, points in totals.points.items() if points
            },
        )  # fmt: skip

    def _lots(self, found: Iterable[tuple[int, str, Any]]) -> dict[tuple[int, str], Lots]:
        """Return what is left of lots, however they are kept."""
        at = self.until - INSTANT
        lots: dict[tuple[int, str], Lots] = defaultdict(list)
        for who, wallet, lot in found:
            state = state_at(lot, at)
            if state not in {LotState.USED, LotState.EXPIRED}:
                held = (lot.remaining, lot.expires_at, state, lot.available_from, lot.held)
                lots[who, wallet].append(held)
        return {key: sorted(each, key=str) for key, each in lots.items()}

    def _seen(self) -> Told:
        who = {customer.pk: number for number, customer in enumerate(self.customers)}
        given: Counter[str] = Counter()
        for record in DecisionRecord.objects.filter(occurred_at__gte=SINCE).exclude(event_type="return"):
            for rule in record.record["rules"]:
                given[rule["rule"]] += rule["points"]
        return Told(
            {key: points for key, points in given.items() if points},
            {
                who[row.customer_id]: row.tier_key
                for row in TierMembership.objects.all()
                if row.customer_id in who
            },
            self._lots(
                (who[lot.account.customer_id], lot.account.wallet.key, lot)
                for lot in Lot.objects.select_related("account__wallet")
            ),
            {(who[each.customer_id], each.wallet.key): each.debt
             for each in Account.objects.select_related("wallet").filter(debt__gt=0)},
            {key: points for key, points in rehearsal_lots.outstanding(self.until).items() if points},
            self._progress_seen(who),
            self._challenge_points_seen(),
        )  # fmt: skip

    def _challenge_points_seen(self) -> dict[tuple[str, str], int]:
        moved: Counter[tuple[str, str]] = Counter()
        for posting in LedgerTransaction.objects.select_related("account__wallet").filter(
            source_type__in=["challenge", "challenge_taken_back"], posted_at__gte=SINCE
        ):
            moved[posting.source_id.split(":")[0], posting.account.wallet.key] += posting.points
        return {key: points for key, points in moved.items() if points}

    def _progress_seen(self, who: dict[int, int]) -> dict[tuple[int, str, str], Progress]:
        """Return the stored periods with the value of the last moment, as the API would tell it."""
        published = program_queries.published()
        assert published is not None
        found: dict[tuple[int, str, str], Progress] = {}
        live_since, rows = challenge_members.live_since(), ChallengeParticipation.objects.all()
        joined = {Pair(row.customer_id, row.challenge_key): row.joined_at for row in rows}
        by_key = {each.key: each for each in published.revision.challenges}
        since = {pair: EARLIEST for pair in joined if pair.challenge_key in by_key}
        stored = challenge_members.progress(since) if since else {}
        counted = challenge_members.contributions(since)
        for pair, kept in stored.items():
            known = {period: each.known for period, each in kept.items()}
            at, live_from = self.until - INSTANT, live_since[pair.challenge_key]
            member = Member(joined[pair], live_from, self.tenant.zone, at, known)
            now = {each.period: each for each in standings(by_key[pair.challenge_key], counted[pair], member)}
            for period, each in kept.items():
                told = each._replace(value=now[period].value, value_by_task=now[period].value_by_task)
                found[who[pair.customer_id], pair.challenge_key, period] = _progress(told)
        return found


def _progress(kept: Kept) -> Progress:
    stored = kept.stored
    return Progress(
        stored.state.value, kept.value, stored.target, dict(kept.value_by_task), sorted(stored.milestones),
        stored.round, kept.span.starts_at, kept.span.ends_at, stored.completed_at,
    )  # fmt: skip
