"""The builder over HTTP: a tree made by clicks becomes a segment; its page says why somebody is in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from crm.models import Customer, Segment
from crm.queries import segment_counts, segment_overlap
from crm.services import segment_lists, segments
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.admin.test_segment_round_trip import Browser

pytestmark = pytest.mark.django_db
FORM = {"name": "Young", "n:0:kind": "group", "n:0:match": "all", "n:0.0:what": "attribute:age",
        "n:0.0:op": "eq", "n:0.0:value": "20"}  # fmt: skip


@pytest.fixture
def shop(crowd: Tenant, tenant: Tenant) -> Tenant:
    with tenant_scope(tenant):
        ann = factories.customer("c1", attributes={"age": "20"}, person={"given_name": "Ann"})
        factories.customer("c2", attributes={"age": "60"})
        factories.segment("vip")
        listed = Segment.objects.get(key="vip")
        segment_lists.add_members(segment=listed, customer_ids=[ann.pk], by=SYSTEM, at=NOW)
    return tenant


def test_a_segment_is_made_changed_and_explained(shop: Tenant, staff: Client) -> None:
    base = f"/t/{shop.slug}/segments/"
    answer = staff.post(f"{base}new/", FORM)
    page = answer["Location"]
    with tenant_scope(shop):
        segment = Segment.objects.get(key="young")
        assert (segment.member_count, segment.rule) == (
            1,
            {"all": [{"attribute": "age", "op": "eq", "value": "20"}]},
        )
    drawn = staff.get(f"{page}edit/").content.decode()
    assert 'name="n:0.0:value"' in drawn
    assert 'value="20"' in drawn
    changed = FORM | {"n:0.1:what": "in_segment", "n:0.1:segment": "vip", "n:0.1:negated": "on"}
    assert staff.post(f"{page}edit/", changed).status_code == 302
    why = staff.get(f"{page}?customer=c1").content.decode()
    assert "Ann" in why
    assert "does not belong" in why
    overlap = staff.get(f"{page}overlap/").content.decode()
    assert "no other segment" in overlap
    assert staff.post(f"{page}snapshot/").status_code == 302
    with tenant_scope(shop):
        assert Segment.objects.filter(kind="static").count() == 2


def test_saving_an_untouched_rule_keeps_every_part(shop: Tenant, staff: Client) -> None:
    rule = {
        "any": [
            {
                "event": "viewed",
                "then": {"event": "bought", "where": [{"property": "price", "op": "gt", "value": 4.5}]},
                "within_days": 7,
                "from": "2026-01-01",
                "to": "2026-03-31",
            },
            {"bought": "spent_minor", "category": "wine", "at_least": 2050, "at_most": 9000, "days": 90},
            {"trait": "forgotten", "op": "eq", "value": "10"},
        ]
    }
    with tenant_scope(shop):
        page = f"/t/{shop.slug}/segments/{factories.segment('rich', rule=rule).public_id}/edit/"
    drawn = staff.get(page).content.decode()
    assert "No longer known" in drawn
    sent = Browser(drawn[drawn.index('id="rule-form"') : drawn.index('<datalist id="event-names"')]).sent
    assert staff.post(page, sent | {"name": "Rich"}).status_code == 302
    with tenant_scope(shop):
        assert Segment.objects.get(key="rich").rule == rule


def test_a_model_segment_tells_its_reason_and_a_list_since_when(shop: Tenant, staff: Client) -> None:
    with tenant_scope(shop):
        ann = Customer.objects.get(external_id="c1")
        found = segments.publish_model_segment(
            key="loyal", name="Loyal", description="Half of them", members={ann.pk: "Bought lately"}, at=NOW
        )
        vip = Segment.objects.get(key="vip")
    page = f"/t/{shop.slug}/segments/{found.public_id}/"
    shown = staff.get(f"{page}?customer=c1").content.decode()
    assert "Bought lately" in shown.split('id="why"')[1]
    assert "belongs" in shown
    assert "does not belong" in staff.get(f"{page}?customer=c2").content.decode()
    assert "Members by day" in shown
    assert "VIP" in staff.get(f"{page}overlap/").content.decode()
    listed = staff.get(f"/t/{shop.slug}/segments/{vip.public_id}/?customer=c1").content.decode()
    assert "Since" in listed.split('id="why"')[1]


def test_the_count_follows_the_draft(shop: Tenant, staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/t/{shop.slug}/segments/new/count/"
    counted = staff.post(path, FORM).content.decode()
    assert '<dd class="b-value">1</dd>' in counted
    assert "exact=1" not in counted
    assert "Ann" in counted
    monkeypatch.setattr(segment_counts, "FEW", 0)
    assert "exact=1" in staff.post(path, FORM).content.decode()
    assert '<dd class="b-value">1</dd>' in staff.post(f"{path}?exact=1", FORM).content.decode()
    assert "–" in staff.post(path, {"n:0:match": "all", "n:0.0:what": "event"}).content.decode()


def test_the_tree_is_drawn_again_after_an_action(shop: Tenant, staff: Client) -> None:
    answer = staff.post(f"/t/{shop.slug}/segments/new/tree/", FORM | {"act": "group:0"})
    assert answer["HX-Trigger"] == "tree-changed"
    assert 'id="node-0-1-0-what"' in answer.content.decode()


def test_a_failed_refresh_shows_on_the_page(shop: Tenant, staff: Client) -> None:
    with tenant_scope(shop):
        Segment.objects.filter(key="vip").update(
            last_error="OperationalError: timeout", retry_at=NOW + timedelta(minutes=5)
        )
        page = Segment.objects.get(key="vip").public_id
    shown = staff.get(f"/t/{shop.slug}/segments/{page}/").content.decode()
    assert "The last refresh failed" in shown
    assert "OperationalError: timeout" in shown


def test_estimate_is_near_and_says_how_near(shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from crm.domain.rules import parse

    monkeypatch.setattr(segment_counts, "FEW", 0)
    rule: Any = parse({"attribute": "age", "op": "eq", "value": "20"})
    with tenant_scope(shop):
        found = segment_counts.estimate(rule, at=NOW)
        assert found.margin > 0
        assert segment_counts.sample_members(rule, at=NOW, limit=5) != []


def test_overlap_is_the_share_of_its_own_members(shop: Tenant) -> None:
    with tenant_scope(shop):
        segment = factories.segment("young", rule={"attribute": "age", "op": "exists"})
        [overlap] = segment_overlap.with_others(segment)
        assert (overlap.segment.key, overlap.percent) == ("vip", 50)
