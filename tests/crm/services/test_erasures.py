from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from crm.domain.events import Invalid, NewEvent
from crm.models import (
    AttributeDefinition,
    Customer,
    CustomerPolicy,
    CustomerState,
    Event,
    EventReject,
    ImportRun,
    Order,
    PrivacyArchive,
    PrivacyRequest,
    QuarantinedRow,
    RetentionRun,
    Tombstone,
)
from crm.queries import privacy
from crm.services import (
    consents,
    customers,
    erasure_replays,
    erasures,
    event_schemas,
    identities,
    ingest,
    merges,
    partitions,
    privacy_requests,
    retention,
    tombstones,
)
from crm.services.customers import CustomerChange
from crm.services.erasures import NotErasable
from crm.services.privacy_requests import RequestFinished, RequestWaiting
from crm.services.tombstones import IdentityErased
from rewards.models import Account
from rewards.services import points
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import InvalidInput, PermissionRefused
from tenants.models import AuditEntry, Tenant
from tenants.scope import active_tenant_id, tenant_scope
from tests.architecture import catalogue
from tests.conftest import NOW
from tests.crm import factories
from tests.rewards.factories import make_wallet

pytestmark = pytest.mark.django_db
CANARY = "canary.person@example.com"


def canary() -> Customer:
    """Somebody whose address stands everywhere one can stand."""
    AttributeDefinition.objects.create(key="nick", label="Nick", is_personal=True)
    AttributeDefinition.objects.create(key="size", label="Size")
    customer = factories.customer(
        f"x-{CANARY}",
        person={"email": CANARY, "given_name": CANARY, "phone": "+442079460000"},
        attributes={"nick": CANARY, "size": "M", "undeclared": CANARY},
    )
    twin = factories.customer(f"y-{CANARY}", person={"family_name": CANARY, "city": CANARY})
    change = CustomerChange(attributes={"nick": f"new {CANARY}"})
    customers.update(customer=customer, change=change, by=SYSTEM, at=NOW)
    factories.order("o1", customer)
    batch: list[Any] = [
        NewEvent("m1", "seen", NOW, email=CANARY, properties={"sku": "tea", "note": CANARY, "price": 5}),
        Invalid("broken", "no name", "m2", {"who": CANARY}),
    ]
    ingest.accept(batch=batch, by=SYSTEM, at=NOW)
    span = {"first_at": NOW.isoformat(), "last_at": NOW.isoformat()}
    event_schemas.learn(message_ids=["m1"], **span, at=NOW)
    run = ImportRun.objects.create(kind="customers", mapping="m", file_name="f.csv", started_at=NOW)
    QuarantinedRow.objects.create(import_run=run, row_number=1, reason="bad", raw={"mail": CANARY})
    factories.trait(customer, "favourite", CANARY)
    decision = consents.NewConsent(customer.pk, "marketing", True, NOW, address="192.0.2.7")
    consents.record(changes=[decision], by=SYSTEM, at=NOW)
    merges.merge(survivor=customer, absorbed=twin, reason=f"same {CANARY}", by=SYSTEM, at=NOW)
    make_wallet()
    points.adjust(customer=customer, points=70, reason="welcome", by=SYSTEM, at=NOW)
    return Customer.objects.get(pk=customer.pk)


def mentions(text: str) -> list[str]:
    """Tables of the open tenant in which any row mentions the text."""
    found = []
    with connection.cursor() as cursor:
        for table in catalogue.tenant_tables():
            cursor.execute(
                f"SELECT count(*) FROM {table} t WHERE tenant_id = %s AND t::text LIKE %s",  # noqa: S608
                [active_tenant_id(), f"%{text}%"],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found


@pytest.mark.django_db(databases=["default", "owner"])
def test_erasure_keeps_the_books_and_nothing_else(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    """DOMAIN section 4: "Erasure conflicts with bookkeeping" (Thelia PR 3588, Polar PR 9113)."""
    customer = canary()
    assert len(mentions(CANARY)) >= 8
    counts = erasures.erase(customer=customer, by=actor, at=NOW)
    assert mentions(CANARY) == []
    assert mentions("192.0.2.7") == []
    assert mentions("442079460000") == []
    assert counts["crm_person"] == 1
    assert counts["customers"] == 2
    customer.refresh_from_db()
    assert (customer.state, customer.external_id, customer.attributes) == ("anonymised", None, {"size": "M"})
    assert (customer.may_profile, customer.display_name) == (False, str(customer.public_id))
    assert Order.objects.get(external_id="o1").customer_id == customer.pk
    assert Event.objects.get(message_id="m1").properties == {"sku": "tea", "price": 5}
    assert Account.objects.get(customer=customer).balance == 70
    created = AuditEntry.objects.filter(action="customer.created")
    assert set(created.values_list("target_label", flat=True)) == {""}
    # Again it harms nothing.
    assert erasures.erase(customer=customer, by=actor, at=NOW)["customers"] == 1


def test_nobody_erased_comes_in_again(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    customer = canary()
    erasures.erase(customer=customer, by=actor, at=NOW)
    before = Customer.objects.count()
    batch = [NewEvent("m9", "seen", NOW, email=CANARY.upper()), NewEvent("m8", "seen", NOW, external_id="ok")]
    receipt = ingest.accept(batch=batch, by=SYSTEM, at=NOW)
    assert [(each.status, each.reason) for each in receipt.outcomes] == [
        ("invalid", "identity_erased"),
        ("accepted", ""),
    ]
    assert not EventReject.objects.filter(message_id="m9").exists()
    with pytest.raises(IdentityErased), transaction.atomic():
        factories.customer("z", person={"email": "canary.person+tag@example.com"})
    with pytest.raises(IdentityErased):
        customers.obtain(external_id=f"x-{CANARY}", at=NOW)
    link = (("anonymous_id", "cookie"), ("email", CANARY))
    assert identities.identify(links=[link], by=SYSTEM, at=NOW) == {}
    assert Customer.objects.count() == before + 1
    assert tombstones.lift(kind="email", value=CANARY, by=actor, at=NOW) is True
    assert factories.customer("z", person={"email": CANARY}).state == CustomerState.ACTIVE


def test_tombstones_are_hashes_with_a_salt_of_the_tenant(scope: Tenant, actor: Actor) -> None:
    erasures.erase(customer=factories.customer("c1"), by=actor, at=NOW)
    mine = set(Tombstone.objects.values_list("digest", flat=True))
    assert len(mine) == 1
    assert tombstones.erased([("external_id", "c1")]) == {("external_id", "c1")}
    salt = CustomerPolicy.objects.get().tombstone_salt
    assert len(salt) == 64


def test_who_cannot_be_erased(scope: Tenant, actor: Actor) -> None:
    ann, anne = factories.customer("ann"), factories.customer("anne")
    with pytest.raises(PermissionRefused):
        erasures.erase(customer=ann, by=Actor(kind=ActorKind.USER, label="x"), at=NOW)
    merges.merge(survivor=ann, absorbed=anne, by=SYSTEM, at=NOW)
    anne.refresh_from_db()
    with pytest.raises(NotErasable):
        erasures.erase(customer=anne, by=actor, at=NOW)


def test_days_of_grace(scope: Tenant, actor: Actor) -> None:
    CustomerPolicy.objects.create(erasure_grace_days=14, updated_at=NOW)
    ann, bob = factories.customer("ann"), factories.customer("bob")
    request = privacy_requests.request_erasure(customer=ann, by=actor, at=NOW)
    assert (request.state, request.due_at) == ("waiting", NOW + timedelta(days=14))
    with pytest.raises(RequestWaiting):
        privacy_requests.request_erasure(customer=ann, by=actor, at=NOW)
    cancelled = privacy_requests.request_erasure(customer=bob, by=actor, at=NOW)
    privacy_requests.cancel(request=cancelled, by=actor, at=NOW)
    with pytest.raises(RequestFinished):
        privacy_requests.cancel(request=cancelled, by=actor, at=NOW)
    assert privacy_requests.carry_out_due(at=NOW + timedelta(days=13)) == 0
    assert privacy_requests.carry_out_due(at=NOW + timedelta(days=14)) == 1
    states = dict(Customer.objects.values_list("pk", "state"))
    assert states == {ann.pk: "anonymised", bob.pk: "active"}
    request.refresh_from_db()
    assert (request.state, request.report["customers"]) == ("done", 1)


def test_without_grace_it_is_done_at_once(scope: Tenant, actor: Actor) -> None:
    request = privacy_requests.request_erasure(customer=factories.customer("ann"), by=actor, at=NOW)
    assert request.state == "done"


def test_the_archive_holds_everything(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    customer = canary()
    request = privacy_requests.request_export(customer=customer, by=actor, at=NOW)
    request = privacy_requests.carry_out_export(request_id=request.pk, at=NOW)
    archive = PrivacyArchive.objects.get()
    assert request.report == {"bytes": len(archive.content), "sha256": archive.sha256}
    assert archive.expires_at == NOW + timedelta(days=7)
    with ZipFile(io.BytesIO(bytes(archive.content))) as file:
        names = {name.removeprefix("data/").removesuffix(".json") for name in file.namelist()}
        sections = {name: json.loads(file.read(f"data/{name}.json")) for name in names if "." not in name}
        page = file.read("index.html").decode()
    assert {
        "profile", "identities", "consents", "orders", "returns", "events", "scores", "segments", "merges",
        "requests", "feedback", "ledger", "coupons", "tiers", "decisions", "redemptions", "recommendations",
    } <= set(sections)  # fmt: skip
    assert sections["profile"]["person"]["email"] == CANARY
    assert [row["points"] for row in sections["ledger"]] == [70]
    assert sections["orders"][0]["lines"][0]["sku"] == "sku"
    assert sections["events"][0]["properties"]["note"] == CANARY
    assert CANARY in page
    # Made again by a second worker it is the same archive; erased, it is gone.
    privacy_requests.carry_out_export(request_id=request.pk, at=NOW)
    erasures.erase(customer=customer, by=actor, at=NOW)
    assert PrivacyArchive.objects.count() == 0


@pytest.mark.django_db(databases=["default", "owner"])
def test_erasures_are_replayed_after_a_restore(
    tmp_path: Path, tenant: Tenant, other_tenant: Tenant, actor: Actor
) -> None:
    with tenant_scope(tenant):
        customer = canary()
        with transaction.atomic():
            erasures.erase(customer=customer, by=actor, at=NOW)
            lines = erasure_replays.listed(at=NOW)
            assert CANARY not in json.dumps(lines)
            # The backup from before the erasure.
            transaction.set_rollback(True)
        assert mentions(CANARY) != []
        done = erasure_replays.replay(lines=lines, by=actor, at=NOW)
        assert done.customers == 1
        assert mentions(CANARY) == []
        assert tombstones.erased([("email", CANARY)]) == {("email", CANARY)}
        assert erasure_replays.replay(lines=lines, by=actor, at=NOW).customers == 0
    path = tmp_path / "erasures.jsonl"
    call_command("replay_erasures", path, "--write", stdout=io.StringIO())
    out = io.StringIO()
    call_command("replay_erasures", path, stdout=out)
    assert f"{tenant.slug}: 0 customers" in out.getvalue()


def test_a_shorter_retention_takes_its_own_rows_out_of_shared_months(
    tenant: Tenant, other_tenant: Tenant, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month with events of two tenants is nobody's to drop; each loses its own, a few at a time."""
    monkeypatch.setattr(retention, "BATCH", 2)
    for each, days in ((tenant, 30), (other_tenant, 400)):
        with tenant_scope(each):
            customer = factories.customer("c1")
            for number in range(5):
                factories.event(customer, f"m{number}", occurred_at=NOW - timedelta(days=40 + number))
            factories.event(customer, "new", occurred_at=NOW - timedelta(days=1))
            change = {"data_class": "events", "days": days, "at": NOW}
            retention.change(**change, by=SYSTEM)
    deleted: list[int] = []
    whole = retention._purge_batch

    def counted(data_class: str, cut_off: Any, at: Any) -> int:
        count = whole(data_class, cut_off, at)
        deleted.append(count)
        return count

    monkeypatch.setattr(retention, "_purge_batch", counted)
    for each, expected in ((tenant, 5), (other_tenant, 0)):
        assert retention.purge(tenant=each, at=NOW)["events"] == expected
    assert [count for count in deleted if count] == [2, 2, 1]
    assert partitions.drop_empty(before=NOW.date() - timedelta(days=270)) == 0
    with tenant_scope(tenant):
        assert [each.message_id for each in Event.objects.all()] == ["new"]
        run = RetentionRun.objects.get(data_class="events")
        assert (run.removed, run.batches, run.cut_off_at) == (5, 3, NOW - timedelta(days=30))
        assert [each.data_class for each in privacy.purges()] == ["events"]
    with tenant_scope(other_tenant):
        assert Event.objects.count() == 6
        run = RetentionRun.objects.get(data_class="events")
        assert (run.removed, run.batches) == (0, 0)


def test_retention_removes_what_is_older_and_reports_it(
    crowd: Tenant, tenant: Tenant, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    with tenant_scope(tenant):
        old = factories.customer("old", at=NOW - timedelta(days=900))
        factories.customer("new", at=NOW)
        seen = factories.customer("seen", at=NOW - timedelta(days=900))
        for number in range(5):
            factories.event(seen, f"m{number}", occurred_at=NOW - timedelta(days=number * 20))
        Customer.objects.filter(pk=seen.pk).update(last_seen_at=NOW)
        EventReject.objects.create(received_at=NOW - timedelta(days=31), reason="x", payload={})
        EventReject.objects.create(received_at=NOW - timedelta(days=29), reason="x", payload={})
        merge = merges.merge(survivor=seen, absorbed=factories.customer("twin"), by=SYSTEM, at=NOW)
        type(merge).objects.filter(pk=merge.pk).update(merged_at=NOW - timedelta(days=366))
        retention.change(data_class="events", days=30, by=actor, at=NOW)
        retention.change(data_class="inactive_customers", days=730, by=actor, at=NOW)
        with pytest.raises(InvalidInput):
            retention.change(data_class="events", days=0, by=actor, at=NOW)
    removed = retention.purge(tenant=tenant, at=NOW)
    expected = {"events": 3, "event_rejects": 1, "merge_journals": 1, "inactive_customers": 1}
    assert {name: count for name, count in removed.items() if count} == expected
    with tenant_scope(tenant):
        old.refresh_from_db()
        merge.refresh_from_db()
        assert (old.state, merge.before, merge.journal_purged_at) == ("anonymised", {}, NOW)
        assert Event.objects.count() == 2
        assert PrivacyRequest.objects.count() == 0
    with tenant_scope(crowd):
        assert Event.objects.count() == 3
    assert sum(retention.purge(tenant=tenant, at=NOW).values()) == 0
