"""Segments, cohorts and funnels over the API."""

from __future__ import annotations

import pytest
from django.utils import timezone

from crm.models import Segment
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW, ApiClient
from tests.crm import factories

pytestmark = pytest.mark.django_db
RULE = {"attribute": "age", "op": "lt", "value": 30}


def test_a_segment_lives_its_life(crowd: Tenant, tenant: Tenant, api: ApiClient) -> None:
    with tenant_scope(tenant):
        ann = factories.customer("c1", attributes={"age": 20})
    assert api.post("/segments/estimate", {"rule": RULE}).json() == {
        "count": 1,
        "margin": 0,
        "is_exact": True,
    }
    made = api.post("/segments", {"key": "young", "name": "Young", "kind": "rule", "rule": RULE}).json()
    path = f"/segments/{made['id']}"
    why = api.post(f"{path}/why", {"customer": str(ann.public_id)}).json()
    assert why == {"holds": True, "nodes": [{"depth": 0, "kind": "Condition", "holds": True}]}
    asked = {"at": made["refreshed_at"], "direction": "entered"}
    assert api.post(f"{path}/changes", asked).json() == {"customers": [str(ann.public_id)]}
    assert api.get(f"{path}/history").json()["days"][-1]["members"] == 1
    taken = api.post(f"{path}/snapshot", {"key": "kept", "name": "Kept"})
    assert (taken.status_code, taken.json()["member_count"]) == (201, 1)
    assert api.post(f"{path}/snapshot", {"key": "kept", "name": "Kept"}).json()["code"] == "segment_key_taken"
    changed = api.patch(path, {"name": "Old", "rule": {"not": RULE}}).json()
    assert (changed["name"], changed["member_count"]) == ("Old", 0)
    broken = api.patch(path, {"rule": {"in_segment": "young"}})
    assert (broken.status_code, broken.json()["errors"][0]["code"]) == (422, "segment_cycle")
    assert api.delete(path).status_code == 204
    with tenant_scope(tenant):
        assert list(Segment.objects.values_list("key", flat=True)) == ["kept"]


def test_cohorts_and_funnels_answer(
    crowd: Tenant, tenant: Tenant, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    with tenant_scope(tenant):
        ann = factories.customer("c1")
        factories.order("o1", ann, placed_at=NOW)
        factories.event(ann, "m1", occurred_at=NOW, name="viewed")
    cohorts = api.post("/analytics/cohorts", {"periods": 2}).json()["cohorts"]
    assert [(each["size"], each["returned"]) for each in cohorts] == [(1, [1, None])]
    today = "2026-03-14"
    body = {"steps": [{"event": "viewed"}, {"event": "bought"}], "first_on": today, "last_on": today}
    [group] = api.post("/analytics/funnels", body).json()["groups"]
    assert [step["customers"] for step in group["steps"]] == [1, 0]
    wrong = body | {
        "steps": [{"event": "viewed", "where": [{"property": "p", "op": "like"}]}, {"event": "x"}]
    }
    refused = api.post("/analytics/funnels", wrong).json()
    assert refused["errors"][0]["pointer"] == "/steps/0/where/0/op"
