"""Rewards, coupons and the referral inside the program: their pages write drafts, nothing in place."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils.translation import override

from rewards.domain.offers import ReferralTerms
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import (
    CouponCampaign,
    CouponDefinition,
    ProgramRevision,
    ReferralProgram,
    Reward,
)
from rewards.services import programs, referral_programs, velocity
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tests.conftest import NOW, ApiClient
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address
from tests.loyalty_saas.backoffice.test_program_pages import form_body


def govern(filled: Filled, staff: Client) -> None:
    """Take everything in by the page, and put the draft in force."""
    with tenant_scope(filled.tenant):
        referral_programs.save_program(
            terms=ReferralTerms(referrer_points=5, referee_points=6), by=SYSTEM, at=NOW
        )
    assert staff.post(address("program_take_in", filled)).url.endswith("/program/2/")
    with tenant_scope(filled.tenant):
        draft = ProgramRevision.objects.get(number=2)
        assert draft.document["referral"]["referee_points"] == 6
        programs.publish(revision=draft, by=SYSTEM, at=NOW)


def changed(staff: Client, path: str, **values: str) -> Any:
    body = form_body(staff.get(path).context, ("form",)) | values
    answer = staff.post(path, body)
    if answer.status_code == 422 and "accepted" in answer.context:
        answer = staff.post(path, body | {"accepted": answer.context["accepted"]})
    assert answer.status_code == 302, answer.context["form"].errors
    return answer


def test_the_forms_write_a_draft_and_nothing_changes_before_it_is_published(
    filled: Filled, staff: Client
) -> None:
    govern(filled, staff)
    before = filled.reward.cost_points
    answer = changed(staff, address("reward", filled), cost_points=str(before + 1), name="Renamed")
    assert answer.url.endswith("/program/3/")
    changed(staff, address("coupon", filled), name="Another coupon")
    changed(staff, address("referral_settings", filled), referee_points="60")
    with tenant_scope(filled.tenant):
        (draft,) = ProgramRevision.objects.filter(state="draft")
        reward = Reward.objects.get(pk=filled.reward.pk)
        assert (reward.cost_points, reward.name == "Renamed") == (before, False)
        written = {each["key"]: each for each in draft.document["rewards"]}
        assert (written[reward.key]["cost_points"], written[reward.key]["name"]) == (before + 1, "Renamed")
        assert "Another coupon" in [each["name"] for each in draft.document["coupons"]]
        assert not CouponDefinition.objects.filter(name="Another coupon").exists()
        assert draft.document["referral"]["referee_points"] == 60
        assert ReferralProgram.objects.get().referee_points == 6
    told = staff.get("/t/acme/program/3/compare/2/").context["changes"]
    parts = {(change["section"], str(part[0])): part[1:] for change in told for part in change["parts"]}
    assert parts["Reward", "cost in points"] == (str(before), str(before + 1))
    assert parts["Referral", "points of the new customer"] == ("6", "60")
    assert parts["Coupon", "name"][1] == "Another coupon"
    with override("en"):
        chinese = staff.get("/t/acme/program/3/compare/2/", headers={"accept-language": "zh-hans"})
        labels = {str(part[0]) for change in chinese.context["changes"] for part in change["parts"]}
        assert not [label for label in labels if label.isascii()]


def test_campaigns_and_limits_of_pace_are_changed_in_the_draft(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        limit = VelocityLimit(Pace.REFUNDS, 20, 24)
        velocity.save_limit(limit=limit, by=SYSTEM, at=NOW)
        before = CouponCampaign.objects.get(key="campaign-1")
    govern(filled, staff)
    assert changed(staff, address("coupon_campaign", filled), limit_uses="4321").url.endswith("/program/3/")
    limits = changed(staff, address("velocity_limits", filled), refunds_most="21", redemptions_most="51")
    assert limits.url.endswith("/program/3/")
    with tenant_scope(filled.tenant):
        draft = ProgramRevision.objects.get(number=3)
        written = {each["key"]: each for each in draft.document["coupon_campaigns"]}
        assert written[before.key]["limit_uses"] == 4321
        assert CouponCampaign.objects.get(pk=before.pk).limit_uses == before.limit_uses
        assert draft.document["policies"]["velocity_limits"] == [
            {"kind": "refunds", "most": 21, "window_hours": 24},
            {"kind": "redemptions", "most": 51, "window_hours": 24},
        ]
        assert velocity.limits(at=NOW)[Pace.REFUNDS].most == 20
        assert velocity.limits(at=NOW)[Pace.REDEMPTIONS].most == 50
    told = staff.get("/t/acme/program/3/compare/2/").context["changes"]
    parts = {(change["section"], str(part[0])): part[1:] for change in told for part in change["parts"]}
    assert parts["Coupon campaign", "redemptions in all"][1] == "4321"
    assert "Refunds of a customer: 21 in 24 hours" in parts["Policies", "Velocity limits"][1]


def test_stock_is_counted_live(filled: Filled, staff: Client) -> None:
    govern(filled, staff)
    assert changed(staff, address("reward", filled), stock="77").url.endswith("/rewards/")
    with tenant_scope(filled.tenant):
        assert Reward.objects.get(pk=filled.reward.pk).stock == 77
        assert not ProgramRevision.objects.filter(state="draft").exists()


def test_what_is_new_waits_on_its_own_page_and_can_be_taken_out(filled: Filled, staff: Client) -> None:
    govern(filled, staff)
    path = address("reward_create", filled)
    assert "Nothing here is live at once" in staff.get(path).content.decode()
    body = {"name": "Cup", "kind": "product", "wallet": "points", "cost_points": "5", "stock": "7"}
    assert staff.post(path, body).url.endswith("/program/3/")
    coupon = changed(
        staff, address("coupon_create", filled), name="Five", kind="percent", percent="5", generic_code="FIVE"
    )
    assert coupon.url.endswith("/program/3/")
    campaign = {"name": "Autumn", "definitions": ["five"]}
    assert staff.post(address("coupon_campaign_create", filled), campaign).url.endswith("/program/3/")
    with tenant_scope(filled.tenant):
        assert not Reward.objects.filter(key="cup").exists()
        assert not CouponDefinition.objects.filter(key="five").exists()
    waiting = [staff.get(address(name, filled)).context["waiting"] for name in (
        "rewards", "coupons", "coupon_campaigns",
    )]  # fmt: skip
    assert [[(each.key, each.number, each.is_new) for each in part] for part in waiting] == [
        [("cup", 3, True)], [("five", 3, True)], [("autumn", 3, True)],
    ]  # fmt: skip
    draft = "/t/acme/rewards/draft/cup/"
    assert staff.get(draft).context["form"].initial["stock"] == 7
    changed(staff, draft, cost_points="6")
    assert staff.get("/t/acme/coupons/draft/five/").context["form"].initial["campaign"] == "autumn"
    assert staff.get("/t/acme/coupons/campaigns/draft/autumn/").context["form"].initial["definitions"] == [
        "five"
    ]
    with tenant_scope(filled.tenant):
        programs.publish(revision=ProgramRevision.objects.get(number=3), by=SYSTEM, at=NOW)
        made = Reward.objects.get(key="cup")
        assert (made.cost_points, made.stock) == (6, 7)
        five = CouponDefinition.objects.get(key="five")
        assert (five.campaign.key, five.codes.get().code) == ("autumn", "FIVE")
    assert staff.post(path, body | {"name": "Jar"}).url.endswith("/program/4/")
    assert staff.post("/t/acme/program/draft/rewards/jar/drop/").url == "/t/acme/rewards/"
    assert staff.get("/t/acme/rewards/draft/jar/").status_code == 404
    assert staff.get(address("rewards", filled)).context["waiting"] == []


def test_the_api_changes_what_the_program_governs_in_a_draft(
    filled: Filled, staff: Client, api: ApiClient
) -> None:
    govern(filled, staff)
    with tenant_scope(filled.tenant):
        coupon = CouponDefinition.objects.order_by("pk").first()
        campaign = CouponCampaign.objects.get(key="campaign-1")
    assert coupon is not None
    for path, change in (
        (f"/coupon-definitions/{coupon.public_id}", {"name": "Mine"}),
        (f"/coupon-campaigns/{campaign.public_id}", {"limit_uses": 9}),
    ):
        drafted = api.patch(path, change)
        assert (drafted.status_code, drafted.json()["draft"]) == (202, 3)
        assert drafted.json()["written"] | change == drafted.json()["written"]
    with tenant_scope(filled.tenant):
        coupon.refresh_from_db()
        campaign.refresh_from_db()
        assert (coupon.name == "Mine", campaign.limit_uses) == (False, 10)
