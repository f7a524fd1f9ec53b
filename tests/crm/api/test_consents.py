from __future__ import annotations

from typing import Any

import pytest

from crm.models import CustomerState
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.crm import factories

pytestmark = pytest.mark.django_db
DECISION = {
    "purpose": "profiling",
    "is_granted": False,
    "wording": "v3",
    "occurred_at": "2026-03-01T08:00:00Z",
}


def test_decisions_are_recorded_and_read(api: Any, tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        ann = factories.customer("c1")
    path = f"/customers/{ann.public_id}/consents"
    body = api.post(path, {"consents": [DECISION]}).json()
    assert body == {
        "may_profile": False,
        "may_personalise": True,
        "consents": [
            {
                "purpose": "profiling",
                "channel": "any",
                "is_granted": False,
                "changed_at": "2026-03-01T08:00:00Z",
            }
        ],
    }
    assert api.post(path, {"consents": [DECISION]}).json() == body == api.get(path).json()
    (row,) = api.get(f"{path}/history").json()["data"]
    assert (row["wording"], row["recorded_by"]) == ("v3", "test")


@pytest.mark.parametrize(
    ("decision", "pointer"),
    [
        ({**DECISION, "purpose": "world_domination"}, "/consents/0/purpose"),
        ({**DECISION, "is_granted": None}, "/consents/0/is_granted"),
        ({**DECISION, "address": "not an address"}, "/consents/0/address"),
        ({**DECISION, "proof": "x"}, "/consents/0/proof"),
    ],
)
def test_wrong_decisions_name_the_field(api: Any, tenant: Tenant, decision: Any, pointer: str) -> None:
    with tenant_scope(tenant):
        ann = factories.customer("c1")
    response = api.post(f"/customers/{ann.public_id}/consents", {"consents": [decision]})
    assert response.status_code in {400, 422}
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]


def test_nothing_is_recorded_about_an_anonymised_customer(api: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        ann = factories.customer("c1")
        type(ann).objects.filter(pk=ann.pk).update(state=CustomerState.ANONYMISED)
    response = api.post(f"/customers/{ann.public_id}/consents", {"consents": [DECISION]})
    assert (response.status_code, response.json()["code"]) == (409, "customer_not_editable")
