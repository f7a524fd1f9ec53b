from __future__ import annotations

from typing import Any

import pytest

from crm.models import Feedback, RecoveryCase
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient

pytestmark = pytest.mark.django_db
BODY = {"kind": "nps", "source_id": "s-1", "occurred_at": "2026-03-01T10:00:00Z", "rating": 1}


def test_feedback_is_recorded_once(api: ApiClient, tenant: Tenant) -> None:
    body = {**BODY, "customer": {"external_id": "c-1"}, "text": "slow"}
    created = api.post("/feedback", body)
    assert created.status_code == 201
    assert created.json()["customer"]["external_id"] == "c-1"
    again = api.post("/feedback", body)
    assert (again.status_code, again.json()["id"]) == (200, created.json()["id"])
    with tenant_scope(tenant):
        assert Feedback.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"rating": 99}, 400, "/rating"),
        ({"kind": "review", "rating": 0}, 422, "/rating"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, 400, "/occurred_at"),
        ({"poem": 1}, 400, "/poem"),
    ],
)
def test_bad_feedback_names_the_field(
    api: ApiClient, change: dict[str, Any], status: int, pointer: str
) -> None:
    answer = api.post("/feedback", {**BODY, **change})
    assert answer.status_code == status
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_an_unknown_item_is_not_found(api: ApiClient) -> None:
    assert api.post("/feedback", {**BODY, "item_external_id": "nope"}).status_code == 404


def test_lists_filter_and_summarise(api: ApiClient) -> None:
    api.post("/feedback", BODY)
    api.post("/feedback", {**BODY, "source_id": "s-2", "rating": 10})
    negative = api.get("/feedback?feeling=negative").json()["data"]
    assert [each["source_id"] for each in negative] == ["s-1"]
    summary = api.get("/feedback/summary?since=2026-01-01T00:00:00Z&until=2026-04-01T00:00:00Z&period=month")
    assert summary.status_code == 200
    assert summary.json()["figures"] == {
        "count": 2,
        "sentiment": pytest.approx(0.1),
        "negative": 1,
        "nps": 0.0,
    }
    assert [each["starts_on"] for each in summary.json()["trend"]] == ["2026-03-01"]
    assert api.get("/feedback/summary?period=century").status_code == 400


def test_a_correction_and_a_case(api: ApiClient, tenant: Tenant) -> None:
    made = api.post("/feedback", BODY).json()
    corrected = api.post(f"/feedback/{made['id']}/correct", {"is_positive": True}).json()
    assert (corrected["feeling"], corrected["is_corrected"]) == ("positive", True)
    [case] = api.get("/recovery-cases").json()["data"]
    assert api.post(f"/recovery-cases/{case['id']}/take").json()["state"] == "in_progress"
    done = api.post(f"/recovery-cases/{case['id']}/resolve", {"outcome": "answered"}).json()
    assert (done["state"], done["outcome"]) == ("resolved", "answered")
    again = api.post(f"/recovery-cases/{case['id']}/resolve", {"outcome": "answered"})
    assert (again.status_code, again.json()["code"]) == (409, "case_resolved")
    with tenant_scope(tenant):
        assert RecoveryCase.objects.count() == 1
