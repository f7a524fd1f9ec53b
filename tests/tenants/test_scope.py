from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Count

from tenants.models import Job, Membership, OutboxMessage, Tenant
from tenants.scope import TenantScopeRequired, active_tenant, run_afterwards, tenant_scope
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def make_job(kind: str = "test") -> Job:
    return Job.objects.create(kind=kind, requested_by="somebody", created_at=NOW)


@pytest.mark.parametrize(
    "touch",
    [
        lambda: list(Job.objects.all()),
        lambda: Job.objects.filter().exists(),
        lambda: Job.objects.create(kind="x", created_at=NOW),
        lambda: Job.objects.bulk_create([Job(kind="x", created_at=NOW)]),
        lambda: Job(kind="x", created_at=NOW).save(),
        lambda: Job._base_manager.count() + 1,
        lambda: Job._default_manager.get(pk=1),
        lambda: Job(pk=1).refresh_from_db(),
        lambda: Job(pk=1).delete(),
    ],
    ids=["all", "exists", "create", "bulk_create", "save", "base", "default", "refresh", "delete"],
)
def test_everything_is_refused_without_a_scope(db, touch):
    with pytest.raises(TenantScopeRequired):
        touch()


def test_rows_of_another_tenant_are_neither_seen_nor_counted(tenant, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_job("foreign")
    with tenant_scope(tenant):
        mine = make_job("mine")
        assert list(Job.objects.all()) == [mine]
        assert not Job.objects.filter(pk=foreign.pk).exists()
        assert Job.objects.filter(pk=foreign.pk).update(kind="stolen") == 0
    with tenant_scope(other_tenant):
        assert Job.objects.get().kind == "foreign"


def test_another_tenant_cannot_be_opened_inside_a_scope(tenant, other_tenant):
    with tenant_scope(tenant), pytest.raises(TenantScopeRequired), tenant_scope(other_tenant):
        pass


@pytest.mark.parametrize("is_refused", [True, False])
def test_work_for_afterwards_is_done_once_however_the_transaction_ends(tenant, other_tenant, is_refused):
    def ask() -> None:
        with tenant_scope(tenant):
            make_job("rolled back")
            with tenant_scope(tenant):
                run_afterwards(lambda: make_job("afterwards"))
            if is_refused:
                raise ValueError("refused")

    if is_refused:
        with pytest.raises(ValueError, match="refused"):
            ask()
    else:
        ask()
    with tenant_scope(other_tenant):
        assert not Job.objects.exists()
    with tenant_scope(tenant):
        kinds = sorted(Job.objects.values_list("kind", flat=True))
    assert kinds == (["afterwards"] if is_refused else ["afterwards", "rolled back"])


def test_work_for_afterwards_that_fails_changes_no_answer(tenant):
    def fail() -> None:
        raise RuntimeError("broken")

    def refuse() -> None:
        with tenant_scope(tenant):
            run_afterwards(fail)
            raise ValueError("refused")

    with tenant_scope(tenant):
        make_job("kept")
        run_afterwards(fail)
    with pytest.raises(ValueError, match="refused"):
        refuse()
    with tenant_scope(tenant):
        assert Job.objects.get().kind == "kept"


def test_work_for_afterwards_needs_a_scope_to_wait_for():
    with pytest.raises(TenantScopeRequired):
        run_afterwards(lambda: None)


def test_the_same_tenant_may_be_opened_again(tenant):
    with tenant_scope(tenant):
        with tenant_scope(tenant):
            make_job()
        assert active_tenant() == tenant
        assert Job.objects.count() == 1


def test_the_setting_ends_with_the_scope_even_inside_a_larger_transaction(tenant):
    with transaction.atomic():
        with tenant_scope(tenant):
            make_job()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM tenants_job")
            assert cursor.fetchone() == (0,)


def test_an_instance_of_another_tenant_cannot_be_saved(tenant, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_job()
    with tenant_scope(tenant), pytest.raises(TenantScopeRequired):
        foreign.save()


def test_the_database_wall_stands_alone_for_reads(tenant, other_tenant):
    """Raw SQL knows nothing of the manager: only row-level security is left."""
    with tenant_scope(other_tenant):
        make_job("foreign")
    with tenant_scope(tenant):
        mine = make_job("mine")
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM tenants_job")
            assert cursor.fetchall() == [(mine.pk,)]
            cursor.execute("UPDATE tenants_job SET kind = 'stolen'")
            assert cursor.rowcount == 1
            cursor.execute("DELETE FROM tenants_job")
            assert cursor.rowcount == 1
    with tenant_scope(other_tenant):
        assert Job.objects.get().kind == "foreign"


def test_the_database_wall_stands_alone_for_inserts(tenant, other_tenant):
    refused = pytest.raises(DatabaseError, match="row-level security")
    with refused, tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO tenants_outboxmessage (tenant_id, topic, payload, state, attempts, available_at,
                   created_at, last_error) VALUES (%s, 'x', '{}', 'pending', 0, now(), now(), '')""",
            [other_tenant.pk],
        )


def test_the_database_wall_fails_closed_without_a_setting(tenant):
    with tenant_scope(tenant):
        make_job()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_job")
        assert cursor.fetchone() == (0,)


def test_the_audit_log_cannot_be_changed(tenant, actor):
    from tenants.services import audit

    with tenant_scope(tenant):
        entry = audit.record(action="tenant.changed", target=tenant, by=actor, at=NOW)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            entry.__class__.objects.filter(pk=entry.pk).update(action="c.d")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            entry.__class__.objects.filter(pk=entry.pk).delete()


def test_tenant_ids_are_unique_per_tenant_only(tenant, other_tenant):
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            OutboxMessage.objects.create(topic="t", payload={}, available_at=NOW, created_at=NOW)
    assert Tenant.objects.count() == 2
    with tenant_scope(tenant):
        assert Membership.objects.count() == 0


def test_whole_rows_can_be_counted_by_group(tenant):
    """The database's key is composite: grouping by ``id`` alone would be refused."""
    with tenant_scope(tenant):
        make_job("a")
        make_job("a")
        rows = Job.objects.filter(kind="a").annotate(n=Count("requested_by")).order_by("pk")
        assert [(row.kind, row.n) for row in rows] == [("a", 1), ("a", 1)]
