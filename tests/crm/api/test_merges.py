from __future__ import annotations

from typing import Any

import pytest

from crm.models import Customer, CustomerMerge, Order
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.crm import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(tenant: Tenant, crowd: Tenant) -> tuple[Customer, Customer]:
    with tenant_scope(tenant):
        ann = factories.customer("ann", person={"email": "ann@example.com"})
        anne = factories.customer("anne", person={"email": "anne@example.com"})
        factories.order("o1", anne)
    return ann, anne


def test_preview_merge_and_undo(api: Any, tenant: Tenant, pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    body = {"absorbed": str(anne.public_id), "choices": {"person.email": "absorbed"}, "reason": "same"}
    preview = api.post(f"/customers/{ann.public_id}/merge/preview", body).json()
    assert {
        "name": "person.email",
        "survivor": "ann@example.com",
        "absorbed": "anne@example.com",
        "merged": "anne@example.com",
        "is_choosable": True,
    } in preview["choices"]
    assert {"label": "Orders", "survivor": "0", "absorbed": "1", "merged": "1"} in preview["rows"]
    path = f"/customers/{ann.public_id}/merge"
    made = api.post(path, body, Idempotency_Key="k1")
    again = api.post(path, body, Idempotency_Key="k1")
    assert (made.status_code, made.json()) == (201, again.json())
    merge = made.json()
    assert (merge["survivor"]["external_id"], merge["moved"]["crm_order"]) == ("ann", 1)
    refused = api.post(path, body, Idempotency_Key="k2")
    assert (refused.status_code, refused.json()["code"]) == (409, "customers_not_mergeable")
    (listed,) = api.get("/merges").json()["data"]
    assert listed == api.get(f"/merges/{merge['id']}").json() == merge
    undone = api.post(f"/merges/{merge['id']}/undo", Idempotency_Key="k3")
    assert (undone.status_code, undone.json()["undone_by"]) == (200, "test")
    with tenant_scope(tenant):
        assert Order.objects.get(external_id="o1").customer_id == anne.pk


def test_wrong_requests(api: Any, tenant: Tenant, crowd: Tenant, pair: tuple[Customer, Customer]) -> None:
    ann, _anne = pair
    path = f"/customers/{ann.public_id}/merge"
    with tenant_scope(crowd):
        foreign = Customer.objects.first()
    assert foreign is not None
    body = {"absorbed": str(foreign.public_id)}
    assert api.post(path, body, Idempotency_Key="a").status_code == 404
    assert api.post(f"{path}/preview", body).status_code == 404
    wrong = api.post(path, {"absorbed": str(ann.public_id), "choices": {"x": "z"}}, Idempotency_Key="b")
    assert wrong.json()["errors"][0]["pointer"] == "/choices/x"
    with tenant_scope(tenant):
        assert CustomerMerge.objects.count() == 0
