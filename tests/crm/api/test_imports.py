"""The wizard over HTTP: upload, read, map, check, load, failed rows, undo; and exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.models import Customer, ImportRun
from crm.services.exports import exports
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.crm.services.imports.wizardry import run_job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def upload(api: ApiClient, data: bytes, **fields: str) -> Any:
    file = SimpleUploadedFile("people.csv", data)
    return api.client.post(
        "/api/v1/imports/upload",
        {"kind": "customers", "file": file, **fields},
        headers={"Authorization": f"Bearer {api.key}"},
    )


def test_a_file_all_the_way(tenant: Tenant, api: ApiClient, other_api: ApiClient) -> None:
    response = upload(api, b"customer id;mail\nc1;a@example.com\nc2;nobody\n")
    assert response.status_code == 201
    made = response.json()
    assert (made["state"], made["columns"]) == ("uploaded", ["customer id", "mail"])
    path = f"/imports/{made['id']}"
    assert other_api.get(path).status_code == 404
    refused = api.post(f"{path}/map", {"plan": {"columns": [{"source": "nowhere", "target": "person.city"}]}})
    assert refused.status_code == 422
    assert {each["code"] for each in refused.json()["errors"]} == {"unknown_column", "one_of_missing"}
    assert api.post(f"{path}/load").status_code == 409
    assert api.post(f"{path}/map", {"plan": made["plan"]}).json()["state"] == "mapped"
    assert api.post(f"{path}/check").status_code == 202
    with tenant_scope(tenant):
        run = ImportRun.objects.get(public_id=made["id"])
    run_job("crm.check_import", tenant, run)
    assert api.get(path).json()["check_report"]["rows"] == {
        "read": 2, "accepted": 1, "merged": 0, "quarantined": 1,
    }  # fmt: skip
    assert api.post(f"{path}/load").status_code == 202
    run_job("crm.load_import", tenant, run)
    failed = api.get(f"{path}/failed-rows")
    assert b"c2,nobody,2,email_invalid,mail" in failed.getvalue()
    assert api.post(f"{path}/retry").status_code == 201
    assert api.post(f"{path}/undo").status_code == 202
    run_job("crm.undo_import", tenant, run)
    assert (api.get(path).json()["state"], api.get(path).json()["undo_report"]) == (
        "reverted",
        {"removed": 1},
    )
    with tenant_scope(tenant):
        assert Customer.objects.count() == 0
    assert [each["state"] for each in api.get("/imports?kind=customers").json()["data"]] == [
        "mapped",
        "reverted",
    ]


def test_uploads_that_are_refused(tenant: Tenant, api: ApiClient, settings: Any) -> None:
    assert upload(api, b"PK\x03\x04nonsense").status_code == 422
    assert upload(api, b"a\n1\n", kind="secrets").status_code == 422
    assert upload(api, b"a\n1\n", colour="red").status_code == 400
    settings.MOST_UPLOAD_BYTES = 10
    assert upload(api, b"customer id\n" + b"c1\n" * 100).status_code >= 400
    with tenant_scope(tenant):
        assert ImportRun.objects.count() == 0


def test_an_export(tenant: Tenant, api: ApiClient, other_api: ApiClient) -> None:
    asked = api.post("/exports", {"list": "customers", "format": "csv"})
    assert asked.status_code == 202
    path = f"/exports/{asked.json()['id']}"
    assert api.get(f"{path}/file").status_code == 409
    from django.utils import timezone

    exports.write(
        tenant=tenant, public_id=asked.json()["id"], at=timezone.now(), progress=lambda *_step: None
    )
    assert api.get(f"{path}/file").getvalue().startswith("\ufeffcustomer id,".encode())
    assert other_api.get(f"{path}/file").status_code == 404
    assert (
        api.post("/exports", {"list": "customers", "format": "csv", "filters": {"x": "1"}}).status_code == 422
    )
