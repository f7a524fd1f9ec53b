"""Coupon campaigns and coupons made through their pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.models import SegmentMember
from rewards.models import CouponCampaign, CouponDefinition
from tenants.scope import tenant_scope
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address
from tests.rewards.coupons import make_definition
from tests.rewards.publishing import publish_draft

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_a_campaign_is_made_for_local_days_and_changed(filled: Filled, staff: Client) -> None:
    typed = {
        "name": "Spring sale", "starts_on": "2026-03-01", "ends_on": "2026-03-31", "limit_uses": "100",
        "limit_discount": "250.50", "definitions": ["coupon-1"],
    }  # fmt: skip
    assert staff.post(address("coupon_campaign_create", filled), typed)["Location"] == "/t/acme/program/2/"
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        made = CouponCampaign.objects.get(key="spring-sale")
        assert CouponDefinition.objects.get(key="coupon-1").campaign == made
    path = f"/t/acme/coupons/campaigns/{made.public_id}/"
    # New York: winter time at the start, summer time at the end.
    assert (made.starts_at, made.ends_at) == (
        datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 4, 1, 4, tzinfo=UTC),
    )  # fmt: skip
    page = staff.get(path)
    assert page.context["form"].initial["ends_on"].isoformat() == "2026-03-31"
    assert str(page.context["form"].initial["limit_discount"]) == "250.50"
    staff.post(path, {"name": "Spring"})
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        changed = CouponCampaign.objects.get(pk=made.pk)
        assert (changed.name, changed.key, changed.limit_uses, changed.starts_at) == (
            "Spring", "spring-sale", None, None,
        )  # fmt: skip
        assert not changed.definitions.exists()


def test_an_end_before_the_start_is_told_beside_the_field(filled: Filled, staff: Client) -> None:
    typed: dict[str, Any] = {"name": "x", "starts_on": "2026-03-02", "ends_on": "2026-03-01"}
    page = staff.post(address("coupon_campaign_create", filled), typed)
    assert page.status_code == 422
    assert page.context["form"].errors == {"ends_on": ["The end is after the start."]}


def test_a_segments_members_receive_a_campaign(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        members = SegmentMember.objects.filter(segment=filled.segment).count()
    answer = staff.post(address("coupon_campaign_recipients", filled), {"segment": filled.segment.key})
    assert answer.status_code == 302
    page = staff.get(answer["Location"])
    assert (page.context["recipients_count"], members) == (1, 1)
    gone = staff.post(address("coupon_campaign_recipients", filled), {"segment": "nobody"})
    assert (gone.status_code, gone["Location"]) == (302, answer["Location"])
    assert "nobody is not one of the available choices" in staff.get(gone["Location"]).content.decode()


COUPON = {
    "name": "Ten off", "kind": "percent", "percent": "10", "period": "month", "priority": "100",
    "base": "remaining", "on_conflict": "best_of", "code_pattern": "####-####", "is_active": "on",
}  # fmt: skip


def test_a_clash_is_told_beside_the_field_and_accepted_by_a_second_press(
    filled: Filled, staff: Client
) -> None:
    page = staff.post(address("coupon_create", filled), COUPON)
    assert (page.status_code, page.context["form"].warnings) == (
        422,
        {"priority": ["Same order as “Ownmark coupon 1”: the price depends on which code is typed first."]},
    )
    with tenant_scope(filled.tenant):
        assert not CouponDefinition.objects.filter(key="ten-off").exists()
    accepted = {"accepted": page.context["accepted"]}
    # An answer to other warnings than those that stand now is none.
    changed = staff.post(
        address("coupon_create", filled), {**COUPON, **accepted, "kind": "amount", "amount": 1}
    )
    assert (changed.status_code, list(changed.context["form"].warnings)) == (422, ["exclusive_group"])
    assert staff.post(address("coupon_create", filled), {**COUPON, **accepted}).status_code == 302
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        made = CouponDefinition.objects.get(key="ten-off")
    page = staff.get(f"/t/acme/coupons/{made.public_id}/")
    assert list(page.context["form"].warnings) == ["priority"]
    assert "Same order as" in page.content.decode()


def test_a_clash_with_what_only_the_draft_says_is_told_beside_the_field(
    filled: Filled, staff: Client
) -> None:
    create, weekend = address("coupon_create", filled), {"weekdays": ["6"], "exclusive_group": "ten"}
    first = staff.post(create, {**COUPON, **weekend, "name": "First", "generic_code": "FIRST"})
    accepted = {"accepted": first.context["accepted"]} if first.status_code == 422 else {}
    typed = {**COUPON, **weekend, "name": "First", "uses_per_code": "", "generic_code": "FIRST", **accepted}
    assert staff.post(create, typed).status_code == 302
    other = {**COUPON, **weekend, "name": "Second", "on_conflict": "refuse"}
    page = staff.post(create, other)
    assert page.status_code == 422
    assert page.context["form"].warnings["on_conflict"] == [
        "“First” says otherwise for the same conflict; a cart with both is refused."
    ]
    typed = {**other, "generic_code": "FIRST", "uses_per_code": ""}
    taken = staff.post(create, {**typed, "accepted": staff.post(create, typed).context["accepted"]})
    assert (taken.status_code, taken.context["form"].errors) == (
        422, {"generic_code": ["Another coupon has this code already."]},
    )  # fmt: skip


def test_what_the_draft_switches_off_or_moves_clashes_no_more(filled: Filled, staff: Client) -> None:
    page = staff.post(address("coupon_create", filled), COUPON)
    assert page.status_code == 422
    with tenant_scope(filled.tenant):
        row = CouponDefinition.objects.get(key="coupon-1")
    path = f"/t/acme/coupons/{row.public_id}/"
    form = staff.get(path).context["form"]
    kept = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "", False)}
    once = staff.post(path, {**kept, "is_active": ""})
    assert list(once.context["form"].warnings) == ["generic_code"]
    accepted = {"accepted": once.context["accepted"]}
    assert staff.post(path, {**kept, **accepted, "is_active": ""}).status_code == 302
    assert staff.post(address("coupon_create", filled), COUPON).status_code == 302


def test_a_code_for_everybody_with_one_use_is_warned_of_once(filled: Filled, staff: Client) -> None:
    typed = {
        "name": "Welcome", "kind": "percent", "percent": "10", "uses_per_code": "1", "period": "month",
        "priority": "100", "base": "remaining", "on_conflict": "best_of", "code_pattern": "####-####",
        "generic_code": "WELCOME10", "is_exclusive": "on", "exclusive_group": "w",
    }  # fmt: skip
    page = staff.post(address("coupon_create", filled), typed)
    assert (page.status_code, list(page.context["form"].warnings)) == (422, ["generic_code"])
    saved = staff.post(address("coupon_create", filled), typed | {"accepted": page.context["accepted"]})
    assert saved.status_code == 302
    free = staff.post(
        address("coupon_create", filled), typed | {"name": "X", "generic_code": "X", "uses_per_code": ""}
    )
    assert free.status_code == 302


def test_the_form_says_everything_about_carts(filled: Filled, staff: Client) -> None:
    more = {
        "kind": "free_item", "free_quantity": "2", "excluded_categories": "tobacco\nbooks",
        "minimum_quantity": "3", "segments": [filled.segment.key],
    }  # fmt: skip
    assert staff.post(address("coupon_create", filled), {**COUPON, **more}).status_code == 302
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        made = CouponDefinition.objects.get(key="ten-off")
        assert (made.free_quantity, made.excluded_categories, made.minimum_quantity, made.segments) == (
            2, ["tobacco", "books"], 3, [filled.segment.key],
        )  # fmt: skip
    initial = staff.get(f"/t/acme/coupons/{made.public_id}/").context["form"].initial
    assert (initial["free_quantity"], initial["excluded_categories"], initial["minimum_quantity"]) == (
        2, "tobacco\nbooks", 3,
    )  # fmt: skip


def test_the_list_tells_what_is_over_and_what_is_to_come_and_finds_by_name(
    filled: Filled, staff: Client
) -> None:
    today = timezone.now()
    spans = {"past": (None, today - timedelta(days=1)), "now": (None, None), "soon": (today + DAY, None)}
    with tenant_scope(filled.tenant):
        for key, (since, until) in spans.items():
            make_definition(key, valid_from=since, valid_until=until)
        make_definition("off", is_active=False)
        over = CouponCampaign.objects.create(key="over", name="Over", ends_at=today - DAY, created_at=today)
        CouponDefinition.objects.filter(pk=make_definition("campaign").pk).update(campaign=over)
    rows = staff.get("/t/acme/coupons/").context["definitions"]
    told = {row["definition"].key: row["state"] for row in rows}
    assert {key: told[key] for key in (*spans, "off", "campaign")} == {
        "past": "Ended", "now": "Offered", "soon": "Not yet", "off": "Switched off", "campaign": "Ended",
    }  # fmt: skip
    found = staff.get("/t/acme/coupons/?q=SOON").context["definitions"]
    assert [row["definition"].key for row in found] == ["soon"]


def test_an_end_before_the_beginning_is_told_beside_the_field(filled: Filled, staff: Client) -> None:
    days = {"valid_from": "2027-01-05", "valid_until": "2027-01-04"}
    answer = staff.post(address("coupon_create", filled), {**COUPON, **days})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["valid_until"])
    assert not answer.context["form"].warnings
