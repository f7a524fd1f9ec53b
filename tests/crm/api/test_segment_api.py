"""Segments, cohorts and funnels over the API."""

from __future__ import annotations

import pytest
from django.utils import timezone

from crm.models import Segment
from crm.services import segment_lists, segments
from tenants.domain.actors import SYSTEM
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
    assert why == {
        "holds": True,
        "nodes": [{"depth": 0, "kind": "Condition", "holds": True}],
        "reason": "",
        "since": made["refreshed_at"],
    }
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


def test_a_model_says_why_and_what_segments_share(crowd: Tenant, tenant: Tenant, api: ApiClient) -> None:
    with tenant_scope(tenant):
        ann, bob = factories.customer("c1"), factories.customer("c2")
        members = {ann.pk: "Bought 3 days ago", bob.pk: "Bought 9 days ago"}
        found = segments.publish_model_segment(
            key="loyal", name="Loyal", description="d", members=members, at=NOW
        )
        vip = factories.segment("vip")
        segment_lists.add_members(segment=vip, customer_ids=[ann.pk], by=SYSTEM, at=NOW)
        outside = factories.customer("c3")
    path = f"/segments/{found.public_id}"
    assert api.post(f"{path}/why", {"customer": str(ann.public_id)}).json() == {
        "holds": True, "nodes": [], "reason": "Bought 3 days ago", "since": "2026-03-14T09:26:53Z",
    }  # fmt: skip
    assert api.post(f"{path}/why", {"customer": str(outside.public_id)}).json() == {
        "holds": False, "nodes": [], "reason": "", "since": None,
    }  # fmt: skip
    assert api.post(f"{path}/why", {"customer": str(found.public_id)}).status_code == 404
    [shared] = api.get(f"{path}/overlap").json()["segments"]
    assert shared == {"id": str(vip.public_id), "key": "vip", "name": "VIP", "share": 0.5}
    [shared] = api.get(f"/segments/{vip.public_id}/overlap").json()["segments"]
    assert (shared["key"], shared["share"]) == ("loyal", 1.0)


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
