from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from rewards.models import BudgetUsage, ProgramRevision
from rewards.queries import budgets, programs
from rewards.services import earning
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import make_customer, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(tenant: Tenant) -> ProgramRevision:
    """A budget that paid 80 of its 100 points, and one of money that paid nothing."""
    now = timezone.now()
    gift = {"type": "points", "wallet": "points", "points": 80}
    document = {
        "wallets": [{"key": "points", "name": "Points", "thousand_points_minor": 1000}],
        "budgets": [
            {"key": "b", "name": "Spring", "points": 100, "money_minor": 200},
            {"key": "m", "name": "Money", "period": "program", "money_minor": 500},
        ],
        "rules": [{"key": "r", "name": "R", "budget": "b", "effects": [gift]}],
    }
    with tenant_scope(tenant):
        draft = program_services.save_draft(document=document, by=SYSTEM, at=now)
        published = program_services.publish(revision=draft, by=SYSTEM, at=now)
        BudgetUsage.objects.create(budget_key="b", period_number=1, points=99, money_minor=99)
        order = make_order(make_customer(), [("A", 1, 1000)], timezone.now())
        earning.award_orders([order.pk], by=SYSTEM, at=timezone.now())
    return published


def test_a_budget_tells_what_the_running_period_paid(paid: ProgramRevision, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        published = programs.published()
        assert published is not None
        spring, money = budgets.statuses(published.revision, at=timezone.now())
    assert (spring.points_used, spring.money_used_minor, spring.share) == (80, 80, 0.8)
    assert (money.points_used, money.money_used_minor, money.share) == (0, 0, 0.0)


def test_the_page_and_the_api_tell_it(paid: ProgramRevision, api: Any, staff: Client) -> None:
    first, second = api.get("/programs/budgets").json()["budgets"]
    assert first == {
        "key": "b", "name": "Spring", "period": "month", "points": 100, "points_used": 80,
        "money_minor": 200, "money_used_minor": 80,
    }  # fmt: skip
    assert (second["points"], second["money_minor"], second["money_used_minor"]) == (None, 500, 0)
    page = staff.get("/t/acme/program/").content.decode()
    assert "80 of 100 points" in page
    assert "$0.80 of $2.00" in page
    assert 'aria-valuenow="80"' in page
