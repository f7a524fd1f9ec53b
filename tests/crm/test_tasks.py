"""Jobs of the customer domain: what each returns, and the trace a failing import leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.domain.events import Invalid
from crm.models import Customer, EventReject, ImportRun, Item, Order, OrderSummary, Segment, SegmentMember
from crm.services import event_rejects
from crm.services.imports.errors import (
    MissingColumns,
    PlanInvalid,
    UnknownKind,
    UnknownMapping,
    UnreadableFile,
)
from tenants.domain.actors import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.queue import JobContext, registry
from tenants.scope import has_active_tenant, tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
ORDERS = "order_id,customer_id,sku,name,quantity,unit_price,placed_at,channel,discount,coupon_discount"


def run(kind: str, tenant: Tenant, heard: list[Any] | None = None, /, **params: Any) -> dict[str, Any]:
    steps = [] if heard is None else heard
    context = JobContext(
        tenant=tenant, params=params, actor=SYSTEM, at=NOW, progress=lambda *step: steps.append(step)
    )
    result = registry.handler_by_kind[kind](job=context)
    assert not has_active_tenant()
    return result


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_importing_orders_tells_the_account_of_the_rows(
    tenant: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    row = "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,"
    path = written(tmp_path, ORDERS, row, row, "o2,c1,b,Bread,x,1.50,2026-01-05 20:30,web,,")
    result = run("crm.import_orders", tenant, path=str(path), mapping="generic")
    counted = ("rows_read", "rows_accepted", "rows_merged", "rows_quarantined")
    assert [result[name] for name in counted] == [3, 1, 1, 1]
    with tenant_scope(tenant):
        stored = ImportRun.objects.get()
        assert (str(stored.public_id), stored.state) == (result["import_run"], "done_with_errors")
        assert Order.objects.get().total_minor == 300
    with tenant_scope(other_tenant):
        assert (ImportRun.objects.count(), Order.objects.count()) == (0, 0)


def test_a_file_is_loaded_as_the_wizard_proposes(
    tenant: Tenant, other_tenant: Tenant, tmp_path: Path, settings: Any
) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"
    with tenant_scope(tenant):
        factories.item("9", name="Apples", category="Fruit")
    path = written(tmp_path, "household_id,age,income", "7,25-34,", "7,25-34,", "8,,low")
    told = run("crm.load_file", tenant, kind="customers", path=str(path))
    assert [told[name] for name in ("rows_read", "rows_accepted", "rows_merged")] == [3, 2, 1]
    path = written(tmp_path, "item id,name,category,manufacturer", "9,,Produce,2", "10,Pears,,", ",Plums,,")
    told = run("crm.load_file", tenant, kind="items", path=str(path))
    assert [told[name] for name in ("rows_read", "rows_accepted", "rows_quarantined")] == [3, 2, 1]
    with tenant_scope(tenant):
        people = Customer.objects.order_by("external_id").values_list("external_id", "attributes")
        assert list(people) == [("7", {"age": "25-34"}), ("8", {"income": "low"})]
        apples = Item.objects.get(external_id="9")
        assert (apples.name, apples.category, apples.attributes) == (
            "Apples",
            "Produce",
            {"manufacturer": 2},
        )
        assert ImportRun.objects.get(kind="items").state == "done_with_errors"
    assert run("crm.load_file", tenant, kind="items", path=str(path))["rows_accepted"] == 0
    with tenant_scope(other_tenant):
        assert (Customer.objects.count(), Item.objects.count(), ImportRun.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "lines", "error"),
    [
        ("items", ("colour", "red"), PlanInvalid),
        ("secrets", ("item id", "1"), UnknownKind),
        ("items", None, UnreadableFile),
    ],
)
def test_a_file_that_cannot_be_loaded_leaves_nothing(
    tenant: Tenant, tmp_path: Path, settings: Any, kind: str, lines: tuple[str, ...] | None, error: Any
) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"
    path = written(tmp_path, *lines) if lines else tmp_path / "missing.csv"
    with pytest.raises(error):
        run("crm.load_file", tenant, kind=kind, path=str(path))
    with tenant_scope(tenant):
        assert (ImportRun.objects.count(), Item.objects.count()) == (0, 0)
    assert [each for each in (tmp_path / "private").rglob("*") if each.is_file()] == []


@pytest.mark.parametrize("kind", ["orders"])
@pytest.mark.parametrize(
    ("mapping", "lines", "error"),
    [
        ("nobody", ("a,b", "1,2"), UnknownMapping),
        ("complete_journey", ("a,b", "1,2"), MissingColumns),
        ("complete_journey", None, UnreadableFile),
    ],
)
def test_a_failing_import_leaves_its_trace_and_nothing_else(
    tenant: Tenant,
    tmp_path: Path,
    kind: str,
    mapping: str,
    lines: tuple[str, ...] | None,
    error: type[Exception],
) -> None:
    path = written(tmp_path, *lines) if lines else tmp_path / "missing.csv"
    with pytest.raises(error) as raised:
        run(f"crm.import_{kind}", tenant, path=str(path), mapping=mapping)
    with tenant_scope(tenant):
        stored = ImportRun.objects.get()
        assert (stored.kind, stored.mapping, stored.file_name) == (kind, mapping, path.name)
        assert (stored.state, stored.finished_at) == ("failed", NOW)
        assert stored.report == {"error": str(raised.value)}
        assert AuditEntry.objects.get().action == "import.failed"
        assert (Customer.objects.count(), Item.objects.count(), Order.objects.count()) == (0, 0, 0)


def test_summaries_are_made_again(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            factories.order("o1", factories.customer("c1"), [("a", 1, 700)])
            OrderSummary.objects.update(revenue_minor=1)
    assert run("crm.refresh_summaries", tenant) == {}
    for each, revenue in ((tenant, 700), (other_tenant, 1)):
        with tenant_scope(each):
            assert OrderSummary.objects.get().revenue_minor == revenue


def test_a_failing_segment_does_not_stop_the_others(tenant: Tenant) -> None:
    rule, heard = {"orders": "count", "op": "gte", "value": 1}, []
    with tenant_scope(tenant):
        for key in ("first", "broken", "last"):
            factories.segment(key, rule=rule)
        Segment.objects.filter(key="broken").update(rule={"orders": "nothing"})
        factories.order("o1", factories.customer("c1"))
    result = run("crm.refresh_segments", tenant, heard)
    assert result == {"refreshed": 2, "failed": ["broken"]}
    assert heard == [(1, 3, "BROKEN"), (2, 3, "FIRST"), (3, 3, "LAST")]
    with tenant_scope(tenant):
        assert sorted(SegmentMember.objects.values_list("segment__key", flat=True)) == ["first", "last"]
        assert Segment.objects.get(key="broken").last_error.startswith("RuleError: ")


def test_only_the_named_segments_are_refreshed(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        for key in ("one", "two"):
            factories.segment(key, rule={"orders": "count", "op": "gte", "value": 0})
        factories.customer("c1")
    assert run("crm.refresh_segments", tenant, keys=["two"]) == {"refreshed": 1, "failed": []}
    with tenant_scope(tenant):
        assert SegmentMember.objects.get().segment.key == "two"


def imported(*arguments: str) -> None:
    call_command("import_orders", *arguments)


@pytest.mark.parametrize(
    ("slug", "mapping", "file", "message"),
    [
        ("nowhere", "generic", "file.csv", "There is no tenant “nowhere”"),
        ("acme", "nobody", "file.csv", "invalid choice: 'nobody'.*generic"),
        ("acme", "generic", "missing.csv", "There is no file missing.csv"),
        ("acme", "generic", "file.csv", "order_id"),
    ],
)
def test_the_command_says_what_is_wrong(
    tenant: Tenant, tmp_path: Path, slug: str, mapping: str, file: str, message: str
) -> None:
    written(tmp_path, "a,b", "1,2")
    with pytest.raises(CommandError, match=message):
        imported(str(tmp_path / file), "--tenant", slug, "--mapping", mapping)
    with tenant_scope(tenant):
        assert (ImportRun.objects.count(), Order.objects.count()) == (0, 0)


def test_the_command_prints_the_account(
    tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, ORDERS, "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,")
    imported(str(path), "--tenant", "acme", "--mapping", "generic")
    assert capsys.readouterr().out.splitlines()[0] == "1 rows read: 1 accepted, 0 merged, 0 quarantined"


def test_replaying_rejects_counts_what_was_accepted(tenant: Tenant) -> None:
    bad = {"message_id": "m", "name": "seen", "occurred_at": NOW.isoformat(), "email": "nobody"}
    with tenant_scope(tenant):
        invalid = [Invalid("identity_invalid", "", f"m{n}", {**bad, "message_id": f"m{n}"}) for n in range(2)]
        event_rejects.keep(invalid, at=NOW)
        EventReject.objects.filter(message_id="m0").update(payload={**bad, "email": "a@b.example"})
    result = run("crm.replay_rejects", tenant, name="", reason="", customer="")
    assert result == {"sent_again": 2, "accepted": 1, "rejected_again": 1}
