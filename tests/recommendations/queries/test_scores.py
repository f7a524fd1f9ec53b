from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from crm.models import Customer
from crm.queries import profile
from crm.services import traits
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def made(name: str, now: datetime) -> Customer:
    return Customer.objects.create(external_id=name, created_at=now, updated_at=now)


def test_scores_stand_in_the_profile_in_one_query(
    tenant: Tenant, other_tenant: Tenant, now: datetime, django_assert_num_queries: Any
) -> None:
    with tenant_scope(other_tenant):
        foreign = made("foreign", now)
        traits.write_many(name="churn_risk", values={foreign.pk: 0.9}, model_version="churn-9", at=now)
    with tenant_scope(tenant):
        first, second = made("first", now), made("second", now)
        traits.write_many(name="churn_risk", values={first.pk: 0.25}, model_version="churn-1", at=now)
        traits.write_many(
            name="customer_group", values={first.pk: "Rare"}, model_version="segments-1", at=now
        )
        traits.write_many(name="favourite_colour", values={first.pk: "blue"}, model_version="", at=now)
        assert "scores" in profile.section_names()
        from recommendations.queries.scores import scores_of

        with django_assert_num_queries(1):
            found = scores_of([first.pk, second.pk, foreign.pk])
    assert found == {
        first.pk: {
            "churn_risk": {"value": 0.25, "model_version": "churn-1", "computed_at": now},
            "customer_group": {"value": "Rare", "model_version": "segments-1", "computed_at": now},
        }
    }
