from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, transaction

from recommendations.models import ModelKind, RecommendationList, Slot, VersionState
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.recommendations.shops import open_shop
from tests.recommendations.versions import stored_version

pytestmark = pytest.mark.django_db


def test_one_active_version_a_kind(scope: Tenant, now: datetime) -> None:
    stored_version(at=now)
    stored_version(at=now, kind=ModelKind.CHURN)
    with pytest.raises(IntegrityError, match="recommendations_version_one_active"), transaction.atomic():
        stored_version(at=now, number=2)
    stored_version(at=now, number=2, state=VersionState.RETIRED)


def test_a_number_is_given_once_a_kind(scope: Tenant, now: datetime) -> None:
    stored_version(at=now)
    with pytest.raises(IntegrityError, match="recommendations_version_number"), transaction.atomic():
        stored_version(at=now, state=VersionState.RETIRED)


def test_the_active_version_knows_since_when(scope: Tenant, now: datetime) -> None:
    with pytest.raises(IntegrityError, match="active_has_moment"), transaction.atomic():
        stored_version(at=now, activated_at=None)


def test_one_list_a_customer_and_slot_with_parallel_scores(scope: Tenant, now: datetime) -> None:
    (customer,), (item,) = open_shop(customers=1, items=1, days=5)
    version = stored_version(at=now)

    def store(scores: list[float], slot: Slot = Slot.BUY_AGAIN) -> RecommendationList:
        return RecommendationList.objects.create(
            customer=customer,
            slot=slot,
            model_version=version,
            item_ids=[item.pk],
            scores=scores,
            reasons=[{}],
            computed_at=now,
        )

    with pytest.raises(IntegrityError, match="recommendations_list_parallel"), transaction.atomic():
        store([1.0, 2.0])
    store([1.0])
    with pytest.raises(IntegrityError, match="recommendations_list_once"), transaction.atomic():
        store([1.0])
    store([1.0], Slot.NEW_FOR_YOU)


def test_another_tenants_customer_or_version_cannot_be_named(
    tenant: Tenant, other_tenant: Tenant, now: datetime
) -> None:
    with tenant_scope(other_tenant):
        (foreign,), _ = open_shop(customers=1, items=1, days=5, name="other")
        foreign_version = stored_version(at=now)
    with tenant_scope(tenant):
        (own,), _ = open_shop(customers=1, items=1, days=5)
        version = stored_version(at=now)
    for customer_id, version_id in ((foreign.pk, version.pk), (own.pk, foreign_version.pk)):
        with pytest.raises(IntegrityError, match="foreign key"), tenant_scope(tenant):
            RecommendationList.objects.create(
                customer_id=customer_id,
                slot=Slot.BUY_AGAIN,
                model_version_id=version_id,
                item_ids=[],
                scores=[],
                reasons=[],
                computed_at=now,
            )
