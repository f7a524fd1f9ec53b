"""Fills a tenant with coupons, a redemption and a review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crm.models import Customer
from rewards.domain.carts import Cart, CartLine
from rewards.models import CouponCampaign, CouponDefinition, CouponKind, Referral, Reward, VelocityKind
from rewards.services import coupons, points, redemptions, velocity
from rewards.services.coupons import campaigns, carts, definitions, pools, takings
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tests.conftest import NOW


def add(customer: Customer, reward: Reward, actor: Actor, mark: str) -> dict[str, Any]:
    """Write one of everything; return the ids that stand in addresses."""
    definition = add_definition(actor, mark, 1)
    pool = pools.import_codes(
        definition=definition, name=f"{mark} pool", codes=[f"{mark}-1", f"{mark}-2"], by=actor, at=NOW
    )
    source = Source("filling", mark)
    code = coupons.issue(
        customer_id=customer.pk, definition_key=definition.key, source=source, by=actor, at=NOW
    )
    cart = Cart([CartLine(f"{mark}-I1", 2, 250)])
    carts.redeem(request=takings.Request([code.code], cart, source, customer), by=actor, at=NOW)
    redemption = add_redemption(customer, reward, actor, mark)
    review = velocity.open_review(
        kind=VelocityKind.REDEMPTIONS,
        customer_id=customer.pk,
        subject=str(redemption.public_id),
        details={"reward": f"{mark} mug", "points": 100},
        at=NOW,
    )
    return {
        "coupon": definition.public_id,
        **dict.fromkeys(
            ("coupon_campaign", "coupon_campaign_recipients"), add_campaign(actor, mark, 1).public_id
        ),
        "coupon_pool_download": pool.public_id,
        "redemption_step": redemption.public_id,
        "review": review.public_id,
        "referral_reject": add_referral(customer).public_id,
    }


def add_definition(actor: Actor, mark: str, number: int) -> CouponDefinition:
    terms = DefinitionTerms(name=f"{mark} coupon {number}", kind=CouponKind.AMOUNT, amount_minor=100)
    return definitions.save(
        key=f"coupon-{number}", terms=terms, generic_code=f"{mark}{number}", by=actor, at=NOW
    )


def add_campaign(actor: Actor, mark: str, number: int) -> CouponCampaign:
    terms = campaigns.CampaignTerms(name=f"{mark} campaign {number}", is_targeted=True, limit_uses=10)
    return campaigns.create(key=f"campaign-{number}", terms=terms, by=actor, at=NOW)


def add_redemption(customer: Customer, reward: Reward, actor: Actor, mark: str) -> Any:
    points.adjust(customer=customer, points=100, reason=f"{mark} gift", by=actor, at=NOW)
    return redemptions.redeem(customer=customer, reward=reward, by=actor, at=NOW)


def add_referral(customer: Customer) -> Referral:
    """Whoever came second was brought by the first one."""
    friend = Customer.objects.exclude(pk=customer.pk).order_by("pk").first() or customer
    row: Referral = Referral.objects.create(
        referrer=customer, referee=friend, created_at=NOW, ends_at=NOW + timedelta(days=90)
    )
    return row
