from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest

from crm.models import Customer, CustomerPolicy, DuplicateCandidate, PrivacyRequest
from crm.services import duplicates, privacy_requests, retention
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(tenant: Tenant, crowd: Tenant) -> Customer:
    with tenant_scope(tenant):
        return factories.customer("ann", person={"email": "ann@example.com"})


def test_export(api: Any, tenant: Tenant, ann: Customer) -> None:
    asked = api.post(f"/customers/{ann.public_id}/export", Idempotency_Key="k").json()
    assert (asked["kind"], asked["state"]) == ("export", "waiting")
    path = f"/privacy-requests/{asked['id']}"
    assert api.get(f"{path}/archive").status_code == 404
    with tenant_scope(tenant):
        request = PrivacyRequest.objects.get()
        privacy_requests.carry_out_export(request_id=request.pk, at=NOW)
    assert api.get(path).json()["state"] == "done"
    file = api.get(f"{path}/archive")
    assert file["Content-Type"] == "application/zip"
    with ZipFile(io.BytesIO(file.content)) as archive:
        assert b"ann@example.com" in archive.read("data/profile.json")
    (listed,) = api.get("/privacy-requests").json()["data"]
    assert listed["id"] == asked["id"]


def test_erase_and_come_back(api: Any, tenant: Tenant, ann: Customer) -> None:
    done = api.post(f"/customers/{ann.public_id}/erase", Idempotency_Key="k").json()
    assert done["state"] == "done"
    assert api.get(f"/customers/{ann.public_id}").json()["person"] is None
    refused = api.post("/customers", {"external_id": "ann"})
    assert (refused.status_code, refused.json()["code"]) == (409, "identity_erased")
    identity = {"kind": "external_id", "value": "ann"}
    assert api.post("/tombstones/lift", {"identity": identity}).json() == {"is_lifted": True}
    assert api.post("/tombstones/lift", {"identity": identity}).json() == {"is_lifted": False}
    assert api.post("/customers", {"external_id": "ann"}).status_code == 201


def test_an_erasure_in_its_days_of_grace_is_cancelled(api: Any, tenant: Tenant, ann: Customer) -> None:
    with tenant_scope(tenant):
        CustomerPolicy.objects.create(erasure_grace_days=7, updated_at=NOW)
    asked = api.post(f"/customers/{ann.public_id}/erase", Idempotency_Key="k").json()
    path = f"/privacy-requests/{asked['id']}/cancel"
    assert api.post(path).json()["state"] == "cancelled"
    assert api.post(path).json()["code"] == "privacy_request_finished"
    assert api.get(f"/customers/{ann.public_id}").json()["state"] == "active"


def test_retention(api: Any, tenant: Tenant) -> None:
    assert api.get("/retention").json()["days_by_class"]["events"] is None
    body = api.post("/retention", {"data_class": "events", "days": 400}).json()
    assert (body["days_by_class"]["events"], body["days_by_class"]["archives"]) == (400, 7)
    with tenant_scope(tenant):
        customer = factories.customer("old")
        factories.event(customer, "m1", occurred_at=NOW - timedelta(days=500))
    assert retention.purge(tenant=tenant, at=NOW)["events"] == 1
    [purged] = api.get("/retention").json()["purges"]
    assert (purged["data_class"], purged["removed"], purged["batches"], purged["days"]) == (
        "events",
        1,
        1,
        400,
    )
    wrong = api.post("/retention", {"data_class": "ledger", "days": 1})
    assert wrong.json()["errors"][0]["pointer"] == "/data_class"


def test_duplicates(api: Any, tenant: Tenant, ann: Customer) -> None:
    with tenant_scope(tenant):
        factories.customer("anne", person={"email": "ann+x@example.com"})
        duplicates.find(at=NOW)
        pair = DuplicateCandidate.objects.get()
    (listed,) = api.get("/duplicates?state=open&least_score=0.9").json()["data"]
    assert (listed["score"], listed["reasons"]) == (0.95, ["email"])
    assert api.get("/duplicates?least_score=0.99").json()["data"] == []
    assert api.get("/duplicates?nonsense=1").status_code == 400
    assert api.post(f"/duplicates/{pair.public_id}/dismiss").json()["state"] == "dismissed"
    assert api.post(f"/duplicates/{pair.public_id}/reopen").json()["state"] == "open"
