"""Coupon campaigns and limits of pace in the program: published, rolled back, never changed in place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from rewards.domain.documents import json_schema, parse, to_json
from rewards.domain.offers import OfferedCampaign
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import (
    CouponCampaign,
    CouponDefinition,
    CouponKind,
    ProgramRevision,
)
from rewards.models import VelocityLimit as StoredLimit
from rewards.services import offer_drafts, programs, velocity
from rewards.services.coupons import campaigns, definitions
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW

pytestmark = pytest.mark.django_db
COUPON = {"kind": "percent", "percent_hundredths": 1000}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "wallets": [{"key": "points", "name": "Points"}],
        "coupons": [{"key": "ten", "name": "Ten", **COUPON}, {"key": "twenty", "name": "Twenty", **COUPON}],
        "coupon_campaigns": [
            {"key": "spring", "name": "Spring", "starts_at": "2026-03-01T00:00:00+00:00",
             "ends_at": "2026-06-01T00:00:00+00:00", "limit_uses": 100, "coupons": ["ten"]},
            {"key": "summer", "name": "Summer", "is_targeted": True, "coupons": ["twenty"]},
        ],
        "policies": {"velocity_limits": [{"kind": "redemptions", "most": 3, "window_hours": 2}]},
        **changes,
    }  # fmt: skip


def publish(written: dict[str, Any]) -> ProgramRevision:
    draft = programs.save_draft(document=written, by=SYSTEM, at=NOW)
    return programs.publish(revision=draft, by=SYSTEM, at=NOW)


def coupons_of(key: str) -> list[str]:
    return sorted(CouponCampaign.objects.get(key=key).definitions.values_list("key", flat=True))


def test_the_sections_survive_the_round_trip_and_fit_the_schema() -> None:
    revision = parse(document())
    written = to_json(revision)
    assert parse(written) == revision
    assert written["coupon_campaigns"] == document()["coupon_campaigns"]
    assert written["policies"]["velocity_limits"] == document()["policies"]["velocity_limits"]
    for each in (document(), written):
        jsonschema.validate(each, json_schema(), cls=jsonschema.Draft202012Validator)
    plain = to_json(parse({"wallets": document()["wallets"]}))
    assert "coupon_campaigns" not in plain
    assert "velocity_limits" not in plain["policies"]


@pytest.mark.parametrize(
    ("section", "value", "pointer"),
    [
        ("coupon_campaigns", [{"key": "a", "name": "A", "limit_uses": 0}], "/coupon_campaigns/0/limit_uses"),
        ("coupon_campaigns", [{"key": "a", "name": "A", "starts_at": "2026-03-02T00:00:00Z",
                               "ends_at": "2026-03-01T00:00:00Z"}], "/coupon_campaigns/0/ends_at"),
        ("coupon_campaigns", [{"key": "a", "name": "A", "coupons": ["ten"]},
                              {"key": "b", "name": "B", "coupons": ["ten"]}],
         "/coupon_campaigns/1/coupons/0"),
        ("policies", {"velocity_limits": [{"kind": "magic", "most": 1, "window_hours": 1}]},
         "/policies/velocity_limits/0/kind"),
        ("policies", {"velocity_limits": [{"kind": "refunds", "most": 0, "window_hours": 1}]},
         "/policies/velocity_limits/0/most"),
        ("policies", {"velocity_limits": [{"kind": "refunds", "most": 1, "window_hours": 1}] * 2},
         "/policies/velocity_limits/1/kind"),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named(scope: Tenant, section: str, value: Any, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        programs.check(document(**{section: value}))
    assert [error.pointer for error in refusal.value.errors] == [f"/document{pointer}"]


def test_publishing_writes_them_and_nobody_changes_them_in_place(scope: Tenant, other_tenant: Tenant) -> None:
    publish(document())
    spring = CouponCampaign.objects.get(key="spring")
    assert (spring.limit_uses, coupons_of("spring"), coupons_of("summer")) == (100, ["ten"], ["twenty"])
    assert velocity.limits(at=NOW)[Pace.REDEMPTIONS] == VelocityLimit(Pace.REDEMPTIONS, 3, 2)
    with pytest.raises(GovernedByProgram):
        campaigns.change(campaign=spring, values={"limit_uses": 5}, by=SYSTEM, at=NOW)
    terms = DefinitionTerms("Own", CouponKind.SHIPPING)
    definitions.save(key="own", terms=terms, by=SYSTEM, at=NOW)
    with pytest.raises(GovernedByProgram):
        definitions.save(key="own", terms=terms, campaign=spring, by=SYSTEM, at=NOW)
    with pytest.raises(GovernedByProgram):
        definitions.save(key="ten", terms=terms, by=SYSTEM, at=NOW)
    with pytest.raises(GovernedByProgram):
        velocity.save_limit(limit=VelocityLimit(Pace.REDEMPTIONS, 9, 9), by=SYSTEM, at=NOW)
    live = velocity.save_limit(limit=VelocityLimit(Pace.REFUNDS, 9, 9), by=SYSTEM, at=NOW)
    assert live.most == 9
    thief = campaigns.create(key="live", terms=campaigns.CampaignTerms(name="Live"), by=SYSTEM, at=NOW)
    with pytest.raises(InvalidInput):
        campaigns.change(campaign=thief, values={}, definition_keys=["ten"], by=SYSTEM, at=NOW)


def test_the_next_revision_moves_and_ends_them_and_a_roll_back_brings_them_back(scope: Tenant) -> None:
    first = publish(document())
    later = document(policies={})
    later["coupon_campaigns"] = [{"key": "spring", "name": "Spring", "coupons": ["twenty"]}]
    publish(later)
    assert (coupons_of("spring"), coupons_of("summer")) == (["twenty"], [])
    assert CouponCampaign.objects.get(key="summer").ends_at == NOW
    assert CouponCampaign.objects.get(key="spring").limit_uses is None
    assert not StoredLimit.objects.exists()
    first.refresh_from_db()
    programs.roll_back(to=first, by=SYSTEM, at=NOW)
    assert (coupons_of("spring"), coupons_of("summer")) == (["ten"], ["twenty"])
    assert CouponCampaign.objects.get(key="summer").ends_at is None
    assert velocity.limits(at=NOW)[Pace.REDEMPTIONS] == VelocityLimit(Pace.REDEMPTIONS, 3, 2)


def test_a_coupon_that_is_not_there_is_named(scope: Tenant) -> None:
    wrong = document()
    wrong["coupon_campaigns"][1]["coupons"] = ["gone"]
    draft = programs.save_draft(document=wrong, by=SYSTEM, at=NOW)
    with pytest.raises(InvalidInput) as refusal:
        programs.publish(revision=draft, by=SYSTEM, at=NOW)
    assert [error.pointer for error in refusal.value.errors] == ["/document/coupon_campaigns/1/coupons/0"]


def test_what_holds_is_taken_into_the_draft_and_changed_there(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        campaigns.create(key="theirs", terms=campaigns.CampaignTerms(name="Theirs"), by=SYSTEM, at=NOW)
    with tenant_scope(tenant):
        publish(document())
        taken_from = to_json(parse(document()))
        publish({"wallets": document()["wallets"], "coupons": document()["coupons"]})
        assert CouponCampaign.objects.filter(ends_at=NOW).count() == 2
        CouponCampaign.objects.filter(key="summer").update(ends_at=None)
        velocity.save_limit(limit=VelocityLimit(Pace.REFUNDS, 7, 8), by=SYSTEM, at=NOW)
        draft = offer_drafts.take_in(by=SYSTEM, at=NOW)
        assert [each["key"] for each in draft.document["coupon_campaigns"]] == ["summer"]
        assert draft.document["coupon_campaigns"][0] == taken_from["coupon_campaigns"][1]
        assert draft.document["policies"]["velocity_limits"] == [
            {"kind": "refunds", "most": 7, "window_hours": 8}
        ]
        offer_drafts.put(
            OfferedCampaign("summer", "Summer sale"), VelocityLimit(Pace.REFUNDS, 1, 1), by=SYSTEM, at=NOW
        )
        draft.refresh_from_db()
        assert draft.document["coupon_campaigns"][0] == {"key": "summer", "name": "Summer sale"}
        assert [each["most"] for each in draft.document["policies"]["velocity_limits"]] == [1]
        assert CouponCampaign.objects.get(key="summer").name == "Summer"


def test_a_live_coupon_cannot_name_a_tier_that_is_not_there(scope: Tenant) -> None:
    terms = DefinitionTerms(name="Ten", kind=CouponKind.PERCENT, percent_hundredths=1_000, tiers=["gone"])
    with pytest.raises(InvalidInput) as refusal:
        definitions.save(key="live", terms=terms, by=SYSTEM, at=NOW)
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/tiers", "unknown_tier")]
    row = definitions.save(key="live", terms=replace(terms, tiers=[]), by=SYSTEM, at=NOW)
    # What stands there already keeps nobody from changing the rest.
    CouponDefinition.objects.filter(pk=row.pk).update(tiers=["gone"])
    assert definitions.switch_off(definition=row, by=SYSTEM, at=NOW).is_active is False
