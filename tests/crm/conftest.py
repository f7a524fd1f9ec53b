"""A second tenant with rows of every kind, so that nothing passes because the table was empty."""

from __future__ import annotations

import pytest

from crm.queries import profile
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories


@pytest.fixture
def crowd(other_tenant: Tenant) -> Tenant:
    """The other tenant, populated with the same external ids that the tests use."""
    with tenant_scope(other_tenant):
        for number in range(1, 4):
            customer = factories.customer(f"c{number}", attributes={"city": "Elsewhere", "visits": 99})
            order = factories.order(f"o{number}", customer, [("sku", 3, 500)], placed_at=NOW)
            factories.trait(customer, "churn_risk", 0.99)
            factories.event(customer, f"m{number}", occurred_at=NOW)
            factories.returned(f"r{number}", order, {1: 1}, returned_at=NOW)
        factories.segment("vip", rule={"orders": "count", "op": "gte", "value": 1})
    return other_tenant


@pytest.fixture(autouse=True)
def sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """This app alone: the sections that higher apps registered are theirs to test."""
    monkeypatch.setattr(profile, "_loader_by_name", {"number": lambda ids: {each: each for each in ids}})
