"""Lists as files: right cells, no formulas, only for those who may, and audiences only of the willing."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from crm.models import Export, Segment
from crm.services import consents, segment_lists
from crm.services.exports import exports
from crm.services.exports.errors import ExportNotReady, UnknownList
from tenants import files as private_files
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.domain.permissions import Permission, Role
from tenants.errors import InvalidInput, NotFound, PermissionRefused
from tenants.models import Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tests.conftest import NOW, signed_in
from tests.crm import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def exported(tenant: Tenant, list_key: str, kind: str = "csv", **filters: Any) -> Export:
    with tenant_scope(tenant):
        export = exports.start(list_key=list_key, format=kind, filters=filters, by=SYSTEM, at=NOW)
    context = JobContext(
        tenant=tenant,
        params={"export": str(export.public_id)},
        actor=SYSTEM,
        at=NOW,
        progress=lambda *_step: None,
    )
    registry.handler_by_kind["crm.export"](job=context)
    with tenant_scope(tenant):
        export.refresh_from_db()
    return export


def csv_rows(export: Export) -> list[list[str]]:
    with private_files.absolute(export.file_path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_customers_in_every_format(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        factories.customer(
            "=c1", person={"email": "ann@example.com", "phone": "+49 30 1234567", "given_name": "@Ann"},
            attributes={"size": "L"},
        )  # fmt: skip
        factories.customer("c2")
    export = exported(tenant, "customers")
    header, first, second = csv_rows(export)
    assert (header[0], first[0], first[2], first[3], first[4]) == (
        "customer id", "'=c1", "ann@example.com", "+49 30 1234567", "'@Ann",
    )  # fmt: skip
    assert (first[-1], second[0], export.rows, export.expires_at) == (
        '{"size": "L"}', "c2", 2, NOW + exports.KEPT_FOR,
    )  # fmt: skip
    book = CalamineWorkbook.from_path(private_files.absolute(exported(tenant, "customers", "xlsx").file_path))
    rows = book.get_sheet_by_index(0).to_python()
    assert (rows[1][0], rows[1][4], len(rows)) == ("'=c1", "'@Ann", 3)
    table = pq.read_table(private_files.absolute(exported(tenant, "customers", "parquet").file_path))
    assert table["customer id"].to_pylist() == ["=c1", "c2"]


def test_documents_items_and_events(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        buyer = factories.customer("c1")
        factories.order("o1", buyer, [("a", 2, 150)], placed_at=NOW - timedelta(days=2))
        factories.order("o2", None, [("b", 1, 100)], placed_at=NOW)
        factories.event(buyer, "m1")
    assert [row[0] for row in csv_rows(exported(tenant, "orders"))] == ["order id", "o1", "o2"]
    assert [row[0] for row in csv_rows(exported(tenant, "orders", since=NOW.date().isoformat()))[1:]] == [
        "o2"
    ]
    lines = pq.read_table(private_files.absolute(exported(tenant, "order_lines", "parquet").file_path))
    assert lines["quantity"].to_pylist() == [2.0, 1.0]
    assert lines["placed at"].to_pylist()[1] == NOW
    assert [row[0] for row in csv_rows(exported(tenant, "items"))[1:]] == ["a", "b"]
    assert csv_rows(exported(tenant, "events"))[1][:2] == ["m1", "viewed"]


def test_a_day_begins_at_midnight_where_the_tenant_is(tenant: Tenant, crowd: Tenant) -> None:
    tenant.time_zone = "Asia/Shanghai"
    tenant.save(update_fields=["time_zone"])
    midnight = datetime(2026, 3, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    with tenant_scope(tenant):
        for name, hours in (("before", -1), ("first", 0), ("last", 23), ("after", 24)):
            factories.order(name, None, [("a", 1, 100)], placed_at=midnight + timedelta(hours=hours))
    export = exported(tenant, "orders", since="2026-03-01", until="2026-03-02")
    assert {row[0] for row in csv_rows(export)[1:]} == {"first", "last"}


def test_audiences_hold_hashes_of_those_who_allow_marketing(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        person = {
            "given_name": "Ann",
            "family_name": "O'Hara",
            "country": "us",
            "postcode": "10 001",
        }
        people = [
            factories.customer(
                f"c{n}", person={**person, "email": f"Ann{n}@Example.com", "phone": f"(212) 555-014{n}"}
            )
            for n in range(3)
        ]
        consents.record(
            changes=[consents.NewConsent(people[0].pk, "marketing", True, NOW - timedelta(days=1))],
            by=SYSTEM, at=NOW,
        )  # fmt: skip
    export = exported(tenant, "audience_google")
    sha = {text: hashlib.sha256(text.encode()).hexdigest() for text in (
        "ann0@example.com", "+12125550140", "12125550140", "ann", "o'hara", "10001", "us",
    )}  # fmt: skip
    assert csv_rows(export) == [
        ["Email", "Phone", "First Name", "Last Name", "Country", "Zip"],
        [sha["ann0@example.com"], sha["+12125550140"], sha["ann"], sha["o'hara"], "US", "10 001"],
    ]
    assert export.report == {"customers": 3, "without_consent": 2, "without_address": 0}
    assert csv_rows(exported(tenant, "audience_meta"))[1] == [
        sha["ann0@example.com"], sha["12125550140"], sha["ann"], sha["o'hara"], sha["10001"], sha["us"],
    ]  # fmt: skip


def test_what_is_refused(tenant: Tenant) -> None:
    viewer = Actor(kind=ActorKind.USER, label="v", permissions=frozenset({Permission.CUSTOMERS_VIEW}))
    with tenant_scope(tenant):
        with pytest.raises(UnknownList):
            exports.start(list_key="secrets", format="csv", filters={}, by=SYSTEM, at=NOW)
        with pytest.raises(InvalidInput):
            exports.start(list_key="items", format="doc", filters={}, by=SYSTEM, at=NOW)
        with pytest.raises(InvalidInput):
            exports.start(list_key="items", format="csv", filters={"q": "x"}, by=SYSTEM, at=NOW)
        with pytest.raises(PermissionRefused):
            exports.start(list_key="customers", format="csv", filters={}, by=viewer, at=NOW)


def test_a_link_is_for_one_person_and_ends(tenant: Tenant, actor: Actor) -> None:
    export = exported(tenant, "items")
    other = Actor(kind=ActorKind.USER, id=77, label="other", permissions=actor.permissions)
    with tenant_scope(tenant):
        token = exports.link_token(export=export, by=actor)
        assert exports.opened(token=token, by=actor, at=NOW).pk == export.pk
        with pytest.raises(NotFound):
            exports.opened(token=token, by=other, at=NOW)
        with pytest.raises(NotFound):
            exports.opened(token=token + "x", by=actor, at=NOW)
        with pytest.raises(ExportNotReady):
            exports.opened(token=token, by=actor, at=NOW + timedelta(days=8))
        assert exports.purge(at=NOW + timedelta(days=8)) == 1
        export.refresh_from_db()
        assert export.file_path == ""


def test_staff_ask_for_a_list_and_fetch_it(tenant: Tenant, staff: Client, actor: Actor) -> None:
    page = staff.post("/t/acme/exports/new/", {"list_key": "items", "format": "csv"})
    assert (page.status_code, page["Location"]) == (302, "/t/acme/exports/")
    with tenant_scope(tenant):
        export = Export.objects.get()
        exports_at = exports.write(
            tenant=tenant, public_id=str(export.public_id), at=NOW, progress=lambda *_s: None
        )
    assert exports_at["rows"] == 0
    # Written at a moment of the tests, it has expired for the page; a link says so by leading back.
    answer = staff.get(f"/t/acme/exports/{export.public_id}/?link=nothing")
    assert (answer.status_code, answer["Location"]) == (302, "/t/acme/exports/")
    assert signed_in(tenant, actor, Role.ANALYST).get("/t/acme/exports/").status_code == 403


def test_members_of_one_segment(tenant: Tenant, crowd: Tenant, staff: Client) -> None:
    with tenant_scope(tenant):
        ann = factories.customer("c1", person={"email": "ann@example.com", "given_name": "Ann"})
        bob = factories.customer("c2")
        factories.order("o1", ann, [("sku", 1, 500)], placed_at=NOW)
        segment, other = factories.segment("friends"), factories.segment("others")
        segment_lists.add_members(segment=segment, customer_ids=[ann.pk], by=SYSTEM, at=NOW)
        segment_lists.add_members(segment=other, customer_ids=[bob.pk], by=SYSTEM, at=NOW)
        with pytest.raises(InvalidInput) as caught:
            exports.start(list_key="segment_members", format="csv", filters={}, by=SYSTEM, at=NOW)
        assert [(each.pointer, each.code) for each in caught.value.errors] == [
            ("/filters/segment", "required")
        ]
    with tenant_scope(crowd):
        [foreign] = Segment.objects.values_list("public_id", flat=True)
    header, row = csv_rows(exported(tenant, "segment_members", segment=str(segment.public_id)))
    assert (header[0], header[6], row[0], row[2], row[4], row[6], row[8], row[9]) == (
        "customer id", "joined at", "c1", "ann@example.com", "Ann", "2026-03-14T09:26:53Z", "1", "500",
    )  # fmt: skip
    assert exported(tenant, "segment_members", "xlsx", segment=str(segment.public_id)).rows == 1
    assert exported(tenant, "segment_members", "parquet", segment=str(foreign)).rows == 0
    base = f"/t/{tenant.slug}"
    address = f"{base}/exports/new/?list=segment_members&amp;segment={segment.public_id}"
    assert address in staff.get(f"{base}/segments/{segment.public_id}/").content.decode()
    drawn = staff.get(address.replace("&amp;", "&")).content.decode()
    assert '<option value="segment_members" selected>' in drawn
    assert f'<option value="{segment.public_id}" selected>' in drawn
    refused = staff.post(
        f"{base}/exports/new/", {"list_key": "segment_members", "format": "csv", "query": ""}
    )
    assert refused.status_code == 422
