"""Rewards, coupons and the referral inside the program: their pages write drafts, nothing in place."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils.translation import override

from rewards.models import (
    CouponCampaign,
    CouponDefinition,
    ProgramRevision,
    ReferralProgram,
    Reward,
    VelocityKind,
)
from rewards.services import programs, referral_programs, velocity
from rewards.services.referral_programs import ProgramTerms
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
            terms=ProgramTerms(referrer_points=5, referee_points=6), by=SYSTEM, at=NOW
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
        limit = velocity.Limit(20, 24)
        velocity.save_limit(kind=VelocityKind.REFUNDS, limit=limit, by=SYSTEM, at=NOW)
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
            {"kind": "refunds", "most": 21, "window_hours": 24}
        ]
        assert velocity.limits()[VelocityKind.REFUNDS].most == 20
        assert velocity.limits()[VelocityKind.REDEMPTIONS].most == 51
    told = staff.get("/t/acme/program/3/compare/2/").context["changes"]
    parts = {(change["section"], str(part[0])): part[1:] for change in told for part in change["parts"]}
    assert parts["Coupon campaign", "redemptions in all"][1] == "4321"
    assert parts["Policies", "Velocity limits"][1].endswith("Refunds of a customer: 21 in 24 hours")


def test_stock_is_counted_live(filled: Filled, staff: Client) -> None:
    govern(filled, staff)
    assert changed(staff, address("reward", filled), stock="77").url.endswith("/rewards/")
    with tenant_scope(filled.tenant):
        assert Reward.objects.get(pk=filled.reward.pk).stock == 77
        assert not ProgramRevision.objects.filter(state="draft").exists()


def test_the_api_says_who_governs(filled: Filled, staff: Client, api: ApiClient) -> None:
    govern(filled, staff)
    with tenant_scope(filled.tenant):
        public_id = CouponDefinition.objects.order_by("pk").first().public_id  # type: ignore[union-attr]  # filled
    refused = api.patch(f"/coupon-definitions/{public_id}", {"name": "Mine"}, Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"]) == (409, "governed_by_program")
    with tenant_scope(filled.tenant):
        public_id = CouponCampaign.objects.get(key="campaign-1").public_id
    refused = api.patch(f"/coupon-campaigns/{public_id}", {"limit_uses": 9}, Idempotency_Key="l")
    assert (refused.status_code, refused.json()["code"]) == (409, "governed_by_program")
