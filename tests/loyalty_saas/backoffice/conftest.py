from __future__ import annotations

import pytest

from tenants.domain.actors import Actor
from tenants.models import Tenant
from tests.loyalty_saas.backoffice.filling import Filled, fill


@pytest.fixture
def filled(tenant: Tenant, actor: Actor) -> Filled:
    """One of everything in the tenant under test."""
    return fill(tenant, actor, "Ownmark")


@pytest.fixture
def other_filled(other_tenant: Tenant, actor: Actor) -> Filled:
    """One of everything in another tenant."""
    return fill(other_tenant, actor, "Canary")
