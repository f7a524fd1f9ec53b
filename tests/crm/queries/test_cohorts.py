from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from crm.models import Customer
from crm.queries import cohorts
from crm.queries.cohorts import Cohort, Return, Start, Step
from crm.services import segment_lists
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("America/New_York")


def test_months_are_the_tenants_own(crowd: Tenant, scope: Tenant) -> None:
    ann, bob = factories.customer("c1"), factories.customer("c2")
    # Still January in New York, already February in Greenwich.
    factories.order("o1", ann, placed_at=datetime(2026, 2, 1, 4, tzinfo=UTC))
    factories.order("o2", ann, placed_at=datetime(2026, 3, 2, tzinfo=UTC))
    factories.order("o3", bob, placed_at=datetime(2026, 2, 1, 6, tzinfo=UTC))
    asked = {"start": Start.FIRST_PURCHASE, "returning": Return.ORDER, "periods": 3, "at": NOW, "zone": ZONE}
    found = cohorts.retention(step=Step.MONTH, **asked)  # type: ignore[arg-type]
    assert found == [
        Cohort(date(2026, 1, 1), 1, (1, 0, 1)),
        Cohort(date(2026, 2, 1), 1, (1, 0, None)),
    ]
    assert cohorts.average(found, 3) == [1.0, 0.0, 1.0]
    listed = factories.segment("list")
    segment_lists.add_members(segment=listed, customer_ids=[bob.pk], by=SYSTEM, at=NOW)
    only = cohorts.retention(step=Step.MONTH, segment="list", **asked)  # type: ignore[arg-type]
    assert [each.starts_on for each in only] == [date(2026, 2, 1)]


def test_weeks_begin_on_monday_and_any_event_counts(crowd: Tenant, scope: Tenant) -> None:
    ann = factories.customer("c1", at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    Customer.objects.filter(pk=ann.pk).update(first_seen_at=None)
    factories.event(ann, "m1", occurred_at=datetime(2026, 3, 9, 12, tzinfo=UTC))
    found = cohorts.retention(
        start=Start.SIGN_UP, returning=Return.ANYTHING, step=Step.WEEK, periods=4, at=NOW, zone=ZONE
    )
    assert found == [Cohort(date(2026, 2, 23), 1, (0, 0, 1, None))]
