from __future__ import annotations

import django_filters

from rewards.models import (
    AdjustmentState,
    CodeState,
    CouponKind,
    CouponRedemptionState,
    PoolKind,
    RedemptionState,
    ReferralState,
    ReviewState,
    RewardKind,
    VelocityKind,
)
from tenants.api.filters import PublicIdFilter, StrictBooleanFilter, StrictFilterSet


class AdjustmentRequestFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=AdjustmentState.choices)
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")


class RewardFilter(StrictFilterSet):
    kind = django_filters.ChoiceFilter(choices=RewardKind.choices)


class RedemptionFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=RedemptionState.choices)
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")


class CouponDefinitionFilter(StrictFilterSet):
    key = django_filters.CharFilter()
    kind = django_filters.ChoiceFilter(choices=CouponKind.choices)
    campaign = django_filters.CharFilter(field_name="campaign__key")
    is_active = StrictBooleanFilter()


class CouponCampaignFilter(StrictFilterSet):
    key = django_filters.CharFilter()
    is_targeted = StrictBooleanFilter()


class CouponPoolFilter(StrictFilterSet):
    definition = django_filters.CharFilter(field_name="definition__key")
    kind = django_filters.ChoiceFilter(choices=PoolKind.choices)


class CouponRedemptionFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=CouponRedemptionState.choices)
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")
    order = django_filters.CharFilter(field_name="order_reference")


class CouponCodeFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=CodeState.choices)


class ReviewFilter(StrictFilterSet):
    kind = django_filters.ChoiceFilter(choices=VelocityKind.choices)
    state = django_filters.ChoiceFilter(choices=ReviewState.choices)
    customer = PublicIdFilter(of="customers", field_name="customer__public_id")


class ReferralFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=ReferralState.choices)
    referrer = PublicIdFilter(of="customers", field_name="referrer__public_id")
    customer = PublicIdFilter(of="customers", field_name="referee__public_id")
