from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from crm.models import Consent, ConsentChange, Customer, CustomerPolicy
from crm.queries import consents as consent_queries
from crm.services import consents, customers, identities
from crm.services.consents import NewConsent
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import InvalidInput, PermissionRefused
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def record(customer: Customer, purpose: str, *, granted: bool, hours: int = 0, **options: str) -> int:
    change = NewConsent(customer.pk, purpose, granted, NOW - 10 * HOUR + hours * HOUR, **options)
    return consents.record(changes=[change], by=SYSTEM, at=NOW)


def state(customer: Customer) -> dict[tuple[str, str], bool]:
    rows = Consent.objects.filter(customer=customer)
    return {(each.purpose, each.channel): each.is_granted for each in rows}


def test_history_keeps_all_and_the_newest_counts(crowd: Tenant, scope: Tenant) -> None:
    ann = factories.customer("c1")
    proof = {"source": "checkout", "wording": "2026-01", "address": "192.0.2.7"}
    assert record(ann, "marketing", granted=True, hours=2, channel="email", **proof) == 1
    assert record(ann, "marketing", granted=False, hours=3, channel="email") == 1
    # An import brings an older decision late: it joins the history and changes nothing now.
    assert record(ann, "marketing", granted=True, hours=1, channel="email") == 1
    # The same decision told again is the same row.
    assert record(ann, "marketing", granted=False, hours=3, channel="email") == 0
    assert state(ann) == {("marketing", "email"): False}
    newest, middle, oldest = consent_queries.history_of(ann.pk)
    assert [newest.is_granted, middle.is_granted, oldest.is_granted] == [False, True, True]
    assert (middle.source, middle.wording, middle.address) == ("checkout", "2026-01", "192.0.2.7")
    assert middle.recorded_by == "system"


def test_withdrawal_of_profiling_takes_effect_at_once(crowd: Tenant, scope: Tenant) -> None:
    ann, bob = factories.customer("c1"), factories.customer("c2")
    changes = [NewConsent(each.pk, "profiling", False, NOW) for each in (ann, bob)]
    changes.append(NewConsent(bob.pk, "personalisation", False, NOW))
    assert consents.record(changes=changes, by=SYSTEM, at=NOW) == 3
    flags = Customer.objects.order_by("pk").values_list("may_profile", "may_personalise")
    assert list(flags) == [(False, True), (False, False)]
    message = OutboxMessage.objects.get(topic="crm.consents_changed")
    assert message.payload == {"customer_ids": [ann.pk, bob.pk]}


def test_switching_the_profile_by_hand_is_a_decision(scope: Tenant, actor: Actor) -> None:
    ann = factories.customer("c1")
    change = customers.CustomerChange(fields={"may_profile": False})
    customers.update(customer=ann, change=change, by=actor, at=NOW)
    ann.refresh_from_db()
    assert ann.may_profile is False
    row = ConsentChange.objects.get()
    assert (row.purpose, row.is_granted, row.source) == ("profiling", False, "user")


def test_where_profiling_needs_consent_nobody_is_profiled_before(scope: Tenant) -> None:
    CustomerPolicy.objects.create(needs_profiling_consent=True, updated_at=NOW)
    ann = factories.customer("c1")
    stranger = identities.resolve_or_create([("anonymous_id", "x")], at=NOW)[("anonymous_id", "x")]
    assert list(Customer.objects.order_by("pk").values_list("may_profile", flat=True)) == [False, False]
    record(ann, "profiling", granted=True)
    ann.refresh_from_db()
    assert ann.may_profile is True
    assert Customer.objects.get(pk=stranger).may_profile is False


def test_who_may_be_written_to(crowd: Tenant, scope: Tenant) -> None:
    ann, bob, cat = (factories.customer(f"c{number}") for number in range(1, 4))
    record(ann, "marketing", granted=True)
    record(bob, "marketing", granted=True)
    record(bob, "marketing", granted=False, hours=1, channel="sms")
    ids = [ann.pk, bob.pk, cat.pk]
    assert consent_queries.allowing(ids, "marketing", "email") == {ann.pk, bob.pk}
    assert consent_queries.allowing(ids, "marketing", "sms") == {ann.pk}
    assert consent_queries.is_allowed(cat.pk, "marketing") is None


def test_wrong_decisions_are_refused_by_field(scope: Tenant) -> None:
    ann = factories.customer("c1")
    wrong = [
        NewConsent(ann.pk, "nonsense", True, NOW),
        NewConsent(ann.pk, "profiling", True, NOW, channel="sms"),
        NewConsent(ann.pk, "marketing", True, NOW + timedelta(days=2)),
    ]
    with pytest.raises(InvalidInput) as caught:
        consents.record(changes=wrong, by=SYSTEM, at=NOW)
    assert [(each.pointer, each.code) for each in caught.value.errors] == [
        ("/0/purpose", "unknown_purpose"),
        ("/1/channel", "unknown_channel"),
        ("/2/occurred_at", "in_the_future"),
    ]
    with pytest.raises(PermissionRefused):
        consents.record(changes=[], by=Actor(kind=ActorKind.USER, label="nobody"), at=NOW)


def test_history_cannot_be_rewritten(scope: Tenant) -> None:
    record(factories.customer("c1"), "marketing", granted=True)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        ConsentChange.objects.update(is_granted=False)


def test_another_tenants_customer_has_no_consents_here(crowd: Tenant, scope: Tenant) -> None:
    with tenant_scope(scope):
        mine = factories.customer("c1")
    with pytest.raises(IntegrityError), transaction.atomic():
        record(Customer(pk=mine.pk + 100_000), "marketing", granted=True)
