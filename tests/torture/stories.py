"""What happens to a tenant, deed by deed, and the state that it must end in whatever is killed meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import count, takewhile
from threading import Event as Flag
from typing import Any

from django.db import connections
from django.db.models import F
from django.utils import timezone

from crm.domain.events import NewEvent
from crm.models import Customer, Event, Identity, Order, Return
from crm.services import ingest, orders, returns
from crm.services.orders import NewLine
from rewards.models import Account, ChallengeProgress, DecisionRecord, LedgerTransaction
from rewards.services import programs, verification
from tenants.domain.actors import SYSTEM
from tenants.models import Job, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import jobs, outbox
from tests.rewards.factories import NOW, make_customer
from tests.torture.jobs import KIND

MEMBERS = 5
DEEDS = ("order", "order", "return", "visits", "job")
Deed = tuple[int, int]
_START = NOW - timedelta(days=30)
_POINTS = {"type": "points", "wallet": "points"}
_PROGRAM: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points", "refund_policy": "allow_debt"}],
    "rules": [
        {"key": "buy", "name": "Buy", "effects": [{**_POINTS, "points": 1, "per_minor": 100}]},
        {"key": "visit", "name": "Visit", "trigger": "event", "event": "visited",
         "effects": [{**_POINTS, "points": 2}]},
    ],
    "challenges": [
        {"key": "three", "name": "Three", "goal": {"kind": "count", "match": {}, "target": 3},
         "rewards": [{"kind": "points", "wallet": "points", "points": 50}]},
    ],
}  # fmt: skip


def begin(*tenants: Tenant) -> None:
    """Give each tenant the same program and members of the same names."""
    for tenant in tenants:
        with tenant_scope(tenant):
            draft = programs.save_draft(document=_PROGRAM, by=SYSTEM, at=_START)
            programs.publish(revision=draft, by=SYSTEM, at=_START)
            for number in range(MEMBERS):
                member = make_customer(external_id=f"m-{number}", created_at=_START)
                Identity.objects.create(
                    customer=member, kind="external_id", value=f"m-{number}", created_at=_START
                )


class Teller:
    """Lets things happen to a tenant until it is over, and remembers what was acknowledged.

    Not faster than they are worked off: a kill finds the workers at work, and a short test stays short.
    """

    def __init__(self, tenant: Tenant, backlog: int = 12) -> None:
        self.tenant = tenant
        self.backlog = backlog
        self.told: list[Deed] = []

    def __call__(self, number: int, is_over: Flag) -> None:
        for turn in takewhile(lambda _: not is_over.is_set(), count()):
            tell(self.tenant, (number, turn))
            self.told.append((number, turn))
            while waiting(self.tenant)[0] > self.backlog and not is_over.wait(0.05):
                pass
        connections.close_all()


def tell(tenant: Tenant, deed: Deed) -> None:
    """Commit one deed; its messages go to the broker as always."""
    teller, turn = deed
    name, at = f"{teller}-{turn}", timezone.now()
    moment = NOW + timedelta(seconds=turn)
    # Everybody serves everybody: the members are contended for.
    member = f"m-{turn // len(DEEDS) % MEMBERS}"
    with tenant_scope(tenant):
        match DEEDS[turn % len(DEEDS)]:
            case "order":
                lines = [NewLine("tea", 2, 300 + 100 * teller), NewLine("cup", 1, 1100)]
                customer = Customer.objects.get(external_id=member)
                orders.record(
                    external_id=name, customer=customer, placed_at=moment, lines=lines, by=SYSTEM, at=at
                )
            case "return":
                order = Order.objects.get(external_id=f"{teller}-{turn - 1}")
                returns.record(
                    external_id=name, order=order, quantity_by_position={1: 1}, returned_at=moment,
                    by=SYSTEM, at=at,
                )  # fmt: skip
            case "visits":
                batch = [
                    NewEvent(f"{name}-{each}", "visited", moment, external_id=f"m-{each}")
                    for each in range(MEMBERS)
                ]
                ingest.accept(batch=batch, by=SYSTEM, at=at)
            case "job":
                jobs.start(kind=KIND, params={"number": name}, by=SYSTEM, at=at)


def retell(told: Iterable[Deed], tenant: Tenant) -> None:
    """Tell the same deeds one after the other, each followed by what it brings about: nothing goes wrong."""
    for deed in sorted(told):
        tell(tenant, deed)
        outbox.relay(at=timezone.now())
    with tenant_scope(tenant):
        waiting = list(Job.objects.values_list("pk", flat=True))
    for job_id in waiting:
        jobs.run(tenant_id=tenant.pk, job_id=job_id)
    # What deeds bring about may bring about more.
    while outbox.relay(at=timezone.now()):
        pass


def waiting(tenant: Tenant) -> tuple[int, int]:
    """How many messages and how many jobs are not done yet."""
    with tenant_scope(tenant):
        messages = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING).count()
        return messages, Job.objects.exclude(state__in=Job.FINISHED).count()


def untouched(tenant: Tenant) -> set[tuple[str, int]]:
    """The messages and the jobs that no worker has ever begun with, by the task that would."""
    with tenant_scope(tenant):
        messages = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING, attempts=0)
        queued = Job.objects.filter(state=Job.State.QUEUED)
        return {
            *(("tenants.deliver_outbox", row) for row in messages.values_list("pk", flat=True)),
            *(("tenants.run_job", row) for row in queued.values_list("pk", flat=True)),
        }


def state_of(tenant: Tenant) -> dict[str, Any]:
    """Everything that the deeds brought about, by names that are the same in every tenant."""
    with tenant_scope(tenant):
        findings = verification.verify_ledger(by=SYSTEM, at=timezone.now()).findings
        assert findings == (), findings
        name_of = dict(Order.objects.values_list("pk", "external_id"))
        name_of_return = dict(Return.objects.values_list("pk", "external_id"))
        names = {"order": name_of, "return": name_of_return}
        decisions = DecisionRecord.objects.values_list("event_type", "event_id", "points")
        member = "account__customer__external_id"
        return {
            "orders": sorted(name_of.values()),
            "returns": sorted(name_of_return.values()),
            "events": Counter(Event.objects.values_list("message_id", flat=True)),
            "decisions": Counter(
                (kind, names[kind][number] if kind in names else number, points)
                for kind, number, points in decisions
            ),
            "postings": Counter(LedgerTransaction.objects.values_list(member, "kind", "points")),
            "balances": sorted(
                Account.objects.values_list("customer__external_id", "available", "pending", "held", "debt")
            ),
            "challenges": sorted(
                ChallengeProgress.objects.values_list("customer__external_id", "state", "value")
            ),
            "messages": Counter(OutboxMessage.objects.values_list("topic", "state")),
            "jobs": Counter(str(each) for each in Job.objects.values_list("params", "state", "result")),
        }


def grow_old(tenant: Tenant) -> None:
    """Let the jobs' messages and signs of life be as old as the sweeper wants them to be."""
    with tenant_scope(tenant):
        Job.objects.exclude(state__in=Job.FINISHED).update(
            sent_at=F("sent_at") - jobs.RESEND_AFTER, heartbeat_at=F("heartbeat_at") - jobs.LOST_AFTER
        )
