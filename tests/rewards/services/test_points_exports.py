"""Points as files: a statement a member, and the movements it is made of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from crm.models import Customer
from rewards.models import TransactionKind
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.exports.test_exports import csv_rows, exported
from tests.rewards.factories import make_wallet, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


@pytest.fixture
def shop(tenant: Tenant, other_tenant: Tenant) -> Tenant:
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            wallet = make_wallet("points")
            ann, bob = factories.customer("c1"), factories.customer("c2")
            for days, points in ((-40, 100), (-2, 30), (-1, -50)):
                post(ann, wallet, points, at=NOW + timedelta(days=days))
            post(bob, wallet, 7, kind=TransactionKind.EARN)
    return tenant


def test_a_statement_a_member(shop: Tenant) -> None:
    header, ann, bob = csv_rows(exported(shop, "points_statement", since="2026-03-01", until="2026-04-01"))
    assert header == [
        "customer id", "wallet", "opening", "earned", "spent", "returned", "expired", "adjusted",
        "transferred", "merged", "closing",
    ]  # fmt: skip
    assert ann == ["c1", "points", "100", "0", "0", "0", "0", "-20", "0", "0", "80"]
    assert bob == ["c2", "points", "0", "7", "0", "0", "0", "0", "0", "0", "7"]
    [_header, whole, _bob] = csv_rows(exported(shop, "points_statement"))
    assert whole == ["c1", "points", "0", "0", "0", "0", "0", "80", "0", "0", "80"]
    with tenant_scope(shop):
        public_id = str(Customer.objects.get(external_id="c2").public_id)
    assert exported(shop, "points_statement", "parquet", customer=public_id).rows == 1
    assert exported(shop, "points_statement", "xlsx").rows == 2


def test_movements_of_one_member_and_of_nobody_elses(shop: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(shop):
        public_id = str(Customer.objects.get(external_id="c1").public_id)
    _header, *rows = csv_rows(exported(shop, "points_movements", customer=public_id, since="2026-03-01"))
    assert [(row[0], row[2], row[5], row[6], row[7]) for row in rows] == [
        ("c1", "2", "adjust", "30", "130"), ("c1", "3", "adjust", "-50", "80"),
    ]  # fmt: skip
    assert exported(shop, "points_movements").rows == 4
    with tenant_scope(other_tenant):
        foreign = str(Customer.objects.get(external_id="c1").public_id)
    for name in ("points_statement", "points_movements"):
        assert exported(shop, name, customer=foreign).rows == 0


def test_the_points_pages_offer_them(shop: Tenant, staff: Client) -> None:
    with tenant_scope(shop):
        public_id = Customer.objects.get(external_id="c1").public_id
    base = f"/t/{shop.slug}"
    of_all = staff.get(f"{base}/points/statement/?begin=2026-03-01&end=2026-03-31").content.decode()
    wanted = "exports/new/?list=points_statement&amp;since=2026-03-01&amp;until=2026-04-01"
    assert f'{wanted}"' in of_all
    of_one = staff.get(f"{base}/customers/{public_id}/points/?begin=2026-03-01&end=2026-03-31")
    assert f'{wanted}&amp;customer={public_id}"' in of_one.content.decode()
    form = staff.get(f"{base}/{wanted}&customer={public_id}".replace("&amp;", "&")).content.decode()
    assert "Only of" in form
    assert 'value="2026-03-01"' in form
