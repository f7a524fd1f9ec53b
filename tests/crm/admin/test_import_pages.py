"""The wizard in the back office: what it offers, and what it proposes for a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.models import ImportRun
from tenants.models import Tenant
from tenants.scope import tenant_scope

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
