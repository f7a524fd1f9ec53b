"""The wizard in the back office: what it offers, and what it proposes for a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from crm.admin import imports
from crm.models import ImportRun
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.crm.services.imports.wizardry import loaded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def test_feedback_is_offered_where_one_looks_for_it(tenant: Tenant, crowd: Tenant, staff: Client) -> None:
    base = f"/t/{tenant.slug}"
    assert f'href="{base}/imports/new/?kind=feedback"' in staff.get(f"{base}/feedback/").content.decode()
    offered = staff.get(f"{base}/imports/new/?kind=feedback").content.decode()
    assert '<option value="feedback" selected>' in offered
    file = SimpleUploadedFile(
        "评价.csv", "会员号,评分,评论,评价时间\nc1,2,太慢,2026-01-05\n".encode("gb18030")
    )
    answer = staff.post(f"{base}/imports/new/", {"kind": "feedback", "file": file, "encoding": ""})
    assert answer.status_code == 302
    with tenant_scope(tenant):
        plan = ImportRun.objects.get().plan
    assert {each["source"]: each["target"] for each in plan["columns"]} == {
        "会员号": "identity.external_id", "评分": "feedback.rating", "评论": "feedback.text",
        "评价时间": "feedback.occurred_at",
    }  # fmt: skip
    assert staff.get(answer["Location"]).status_code == 200


ORDERS = "order id,customer id,sku,quantity,price,date\n1,c1,a,1,2,2026-01-05\nC2,c1,a,-1,2,2026-01-06\n"


@pytest.mark.parametrize("kind", ["orders", "customers", "items", "feedback"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_number_of_a_report_has_a_label(
    kind: str, language: str, tenant: Tenant, staff: Client
) -> None:
    files = {
        "orders": ORDERS,
        "customers": "customer id,email\nc1,a@example.com\nc1,a@example.com\n",
        "items": "sku,name\na,Apple\na,Apple\n",
        "feedback": "review id,rating,date\n1,3,2026-01-05\n1,3,2026-01-05\n",
    }
    rules = {"orders": {"cancellation_prefix": "C"}} if kind == "orders" else {}
    run = loaded(tenant, kind, files[kind], **rules)
    raw = set(run.report) | set(run.report.get("seconds", {})) | {"minor"}
    with translation.override(language):
        labels = {leaf for key, _value in imports._flat(run.report) for leaf in key.split(" › ")}
    assert labels.isdisjoint(raw), labels & raw
    if language == "zh-hans":
        assert "新增" in labels
    assert staff.get(f"/t/{tenant.slug}/imports/{run.public_id}/").status_code == 200
