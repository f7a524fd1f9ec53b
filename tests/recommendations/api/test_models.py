from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from recommendations.models import ModelKind, VersionState
from tenants.models import Job, Tenant
from tenants.scope import tenant_scope
from tests.recommendations.versions import stored_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _versions(tenant: Tenant, other_tenant: Tenant, now: datetime) -> None:
    with tenant_scope(other_tenant):
        stored_version(at=now, method="popularity")
    with tenant_scope(tenant):
        stored_version(at=now, state=VersionState.RETIRED)
        stored_version(at=now, number=2)
        stored_version(at=now, kind=ModelKind.CHURN, state=VersionState.REJECTED)


def test_versions_newest_first_with_figures_beside_baselines(api: Any) -> None:
    body = api.get("/models").json()
    assert [entry["version"] for entry in body["data"]] == ["churn-1", "recommender-2", "recommender-1"]
    assert body["data"][1]["metrics"] == {"ndcg_at_10": 0.2}
    assert body["data"][1]["baselines"] == {"ndcg_at_10": 0.1}
    assert body["data"][1]["state"] == "active"
    assert body["has_more"] is False


def test_versions_by_kind_and_state(api: Any) -> None:
    assert [entry["number"] for entry in api.get("/models?kind=recommender&state=active").json()["data"]] == [
        2
    ]
    assert api.get("/models?kind=weather").status_code == 400
    assert api.get("/models?sort=up").status_code == 400


def test_one_version_and_nobody_elses(api: Any, other_api: Any) -> None:
    (newest, *_) = api.get("/models").json()["data"]
    assert api.get(f"/models/{newest['id']}").json() == newest
    assert other_api.get(f"/models/{newest['id']}").status_code == 404
    assert api.get(f"/models/{uuid4()}").status_code == 404


def test_training_on_demand_answers_with_the_job(api: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    answer = api.post("/models/train", {"model": "churn"})
    assert answer.status_code == 202
    with tenant_scope(tenant):
        job = Job.objects.get()
        assert (job.kind, job.params, job.state) == ("recommendations.train", {"model": "churn"}, "queued")
        assert answer.json()["id"] == str(job.public_id)
        assert answer.json()["state"] == "queued"
    with tenant_scope(other_tenant):
        assert Job.objects.count() == 0


def test_everything_is_trained_when_nothing_is_named(api: Any, tenant: Tenant) -> None:
    assert api.post("/models/train").status_code == 202
    with tenant_scope(tenant):
        assert Job.objects.get().params == {"model": "all"}


@pytest.mark.parametrize(
    ("body", "pointer"), [({"model": "weather"}, "/model"), ({"kind": "churn"}, "/kind")]
)
def test_a_wrong_body_names_the_field(api: Any, tenant: Tenant, body: dict[str, str], pointer: str) -> None:
    answer = api.post("/models/train", body)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    with tenant_scope(tenant):
        assert Job.objects.count() == 0
