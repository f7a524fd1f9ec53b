from __future__ import annotations

from datetime import datetime

import pytest

from recommendations.models import ModelKind, VersionState
from recommendations.queries import model_versions
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.recommendations.versions import stored_version

pytestmark = pytest.mark.django_db


def test_overview_of_every_kind_in_one_query(
    tenant: Tenant, other_tenant: Tenant, now: datetime, django_assert_num_queries: object
) -> None:
    with tenant_scope(other_tenant):
        stored_version(at=now, kind=ModelKind.CHURN)
    with tenant_scope(tenant):
        used = stored_version(at=now, number=1, metrics={"ndcg_at_10": 0.3, "customers": 5})
        newest = stored_version(at=now, number=2, state=VersionState.REJECTED)
        with django_assert_num_queries(1):  # type: ignore[operator]
            found = {entry.kind: entry for entry in model_versions.overview()}
    assert list(found) == list(ModelKind)
    recommender = found[ModelKind.RECOMMENDER]
    assert (recommender.active, recommender.newest) == (used, newest)
    assert recommender.trained_at == now
    assert recommender.compared == (("ndcg_at_10", 0.3, 0.1), ("customers", 5, None))
    churn = found[ModelKind.CHURN]
    assert (churn.active, churn.newest, churn.trained_at, churn.compared) == (None, None, None, ())
