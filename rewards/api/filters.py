from __future__ import annotations

import django_filters

from rewards.models import RedemptionState, RewardKind
from tenants.api.filters import StrictFilterSet


class RewardFilter(StrictFilterSet):
    kind = django_filters.ChoiceFilter(choices=RewardKind.choices)


class RedemptionFilter(StrictFilterSet):
    state = django_filters.ChoiceFilter(choices=RedemptionState.choices)
    customer = django_filters.UUIDFilter(field_name="customer__public_id")
