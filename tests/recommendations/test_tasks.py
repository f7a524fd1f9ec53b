from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tenants.domain.actors import SYSTEM, Actor
from tenants.models import Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tests.recommendations.shops import open_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> list[tuple[int, int, str]]:
    return []


def job(tenant: Tenant, now: datetime, heard: list[Any], **params: str) -> JobContext:
    return JobContext(
        tenant=tenant, params=params, actor=SYSTEM, at=now, progress=lambda *step: heard.append(step)
    )


def test_the_job_trains_one_kind_and_tells_how_far(
    tenant: Tenant, now: datetime, heard: list[Any], settings: Any, tmp_path: Any
) -> None:
    settings.ARTEFACT_ROOT = tmp_path
    with tenant_scope(tenant):
        open_shop(customers=60, items=6, days=200)
    result = registry.handler_by_kind["recommendations.train"](job=job(tenant, now, heard, model="purchase"))
    assert (result["model"], result["version"]) == ("purchase", "purchase-1")
    assert [step[:2] for step in heard] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert registry.queue_by_kind["recommendations.train"] == "ml"


def test_the_job_trains_every_kind(tenant: Tenant, actor: Actor, now: datetime, heard: list[Any]) -> None:
    result = registry.handler_by_kind["recommendations.train"](job=job(tenant, now, heard))
    assert list(result["models"]) == ["segments", "purchase", "churn", "recommender", "sentiment"]
    assert {outcome["outcome"] for outcome in result["models"].values()} == {"skipped"}
