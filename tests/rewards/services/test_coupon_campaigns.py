from __future__ import annotations

from datetime import timedelta

import pytest

from crm.models import SegmentMember
from rewards.models import CouponDefinition, CouponRecipient
from rewards.queries import coupon_campaigns
from rewards.queries.coupon_campaigns import Spending
from rewards.services.coupons import campaigns
from rewards.services.coupons.campaigns import CampaignKeyTaken, CampaignTerms
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import AuditEntry, Tenant
from tests.crm import factories
from tests.rewards.coupons import make_definition, redeem
from tests.rewards.factories import NOW, make_customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("scope")]
SPRING = CampaignTerms(name="Spring", limit_uses=10)


def make(key: str = "spring", terms: CampaignTerms = SPRING, **given: object) -> campaigns.CouponCampaign:
    return campaigns.create(key=key, terms=terms, by=SYSTEM, at=NOW, **given)  # type: ignore[arg-type]


def keys_of(campaign: campaigns.CouponCampaign) -> list[str]:
    return sorted(CouponDefinition.objects.filter(campaign=campaign).values_list("key", flat=True))


def test_definitions_are_replaced_and_never_taken_from_another_campaign() -> None:
    for key in ("a", "b", "c"):
        make_definition(key)
    spring, autumn = make(definition_keys=["a", "b"]), make("autumn", definition_keys=["c"])
    campaigns.change(campaign=spring, values={}, definition_keys=["b"], by=SYSTEM, at=NOW)
    assert (keys_of(spring), keys_of(autumn)) == (["b"], ["c"])
    for wrong, code in ((["c"], "other_campaign"), (["nothing"], "unknown_coupon")):
        with pytest.raises(InvalidInput) as refusal:
            campaigns.change(campaign=spring, values={"name": "x"}, definition_keys=wrong, by=SYSTEM, at=NOW)
        assert [(each.pointer, each.code) for each in refusal.value.errors] == [("/definitions", code)]
    spring.refresh_from_db()
    assert (spring.name, keys_of(spring)) == ("Spring", ["b"])


def test_a_key_is_taken_once_and_a_change_keeps_what_it_does_not_name() -> None:
    spring = make()
    with pytest.raises(CampaignKeyTaken):
        make()
    campaigns.change(campaign=spring, values={"is_targeted": True}, by=SYSTEM, at=NOW)
    spring.refresh_from_db()
    assert (spring.name, spring.limit_uses, spring.is_targeted) == ("Spring", 10, True)
    assert AuditEntry.objects.filter(action="coupon_campaign.saved").latest("pk").diff == {
        "is_targeted": [False, True]
    }


def test_impossible_terms_name_their_fields() -> None:
    wrong = CampaignTerms(name="x", starts_at=NOW, ends_at=NOW, limit_uses=0, limit_discount_minor=0)
    with pytest.raises(InvalidInput) as refusal:
        make(terms=wrong)
    assert [each.pointer for each in refusal.value.errors] == [
        "/ends_at", "/limit_uses", "/limit_discount_minor"
    ]  # fmt: skip
    spring = make(terms=CampaignTerms(name="x", starts_at=NOW))
    with pytest.raises(InvalidInput):
        campaigns.change(campaign=spring, values={"ends_at": NOW - timedelta(1)}, by=SYSTEM, at=NOW)


def test_spending_is_what_limits_counted_or_else_what_was_used() -> None:
    limited, free, unused = make(), make("free", CampaignTerms(name="Free")), make("unused")
    make_definition(code="one", campaign=limited, uses_per_code=None)
    make_definition(code="two", campaign=free, uses_per_code=None)
    redeem("one")
    redeem("two")
    redeem("two")
    assert coupon_campaigns.spending([limited, free, unused]) == {
        limited.pk: Spending(1, 200), free.pk: Spending(2, 400), unused.pk: Spending(),
    }  # fmt: skip


def test_members_of_a_segment_become_recipients_once(other_tenant: Tenant) -> None:
    campaign, segment = make(), factories.segment("loyal")
    invited, _other = make_customer(), make_customer()
    SegmentMember.objects.create(segment=segment, customer=invited, joined_at=NOW)
    for added in (1, 0):
        assert campaigns.add_segment(campaign=campaign, segment=segment, by=SYSTEM, at=NOW) == added
    assert list(CouponRecipient.objects.values_list("customer_id", flat=True)) == [invited.pk]
