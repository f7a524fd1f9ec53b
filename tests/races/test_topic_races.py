"""Topics of feedback made by several people at once."""

from __future__ import annotations

from collections import Counter

import pytest

from crm.models import FeedbackTopic
from crm.services import feedback_topics
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.races.test_ledger_races import THREADS, together
from tests.rewards.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_topic_made_twice_at_once_is_made_once(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        feedback_topics.create(name="Parking", words=["parking"], by=SYSTEM, at=NOW)

    def create(_number: int) -> str:
        try:
            with tenant_scope(tenant):
                feedback_topics.create(name="Parking", words=["parking"], by=SYSTEM, at=NOW)
        except InvalidInput as refusal:
            return refusal.errors[0].code
        return "made"

    assert Counter(together(create)) == {"made": 1, "taken": THREADS - 1}
    with tenant_scope(tenant):
        assert FeedbackTopic.objects.get().key == "parking"
