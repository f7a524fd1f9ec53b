"""What loyalty lends to segment rules: the tier, its qualifying spend, and the points of each wallet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from crm.domain.rules import Scalar
from crm.queries.rule_sources import RuleSource
from rewards.models import Account, TierMembership, Wallet
from tenants.scope import active_tenant_id

_TIER = """SELECT customer_id, NULL::float8 AS number, tier_key::text AS text FROM rewards_tiermembership
WHERE tenant_id = %s"""
_QUALIFYING = """SELECT customer_id, qualifying_spend_minor::float8 AS number, NULL::text AS text
FROM rewards_tiermembership WHERE tenant_id = %s"""
_POINTS = """SELECT customer_id, available::float8 AS number, NULL::text AS text FROM rewards_account
WHERE tenant_id = %s AND customer_id IS NOT NULL
  AND wallet_id = (SELECT id FROM rewards_wallet WHERE tenant_id = %s AND key = %s)"""
_POINTS_PREFIX = "points."


def _relation(name: str) -> tuple[str, list[Any]]:
    tenant_id = active_tenant_id()
    if name == "tier":
        return _TIER, [tenant_id]
    if name == "qualifying_spend_minor":
        return _QUALIFYING, [tenant_id]
    return _POINTS, [tenant_id, tenant_id, name.removeprefix(_POINTS_PREFIX)]


def _values(customer_ids: Collection[int]) -> Mapping[int, Mapping[str, Scalar]]:
    found: dict[int, dict[str, Scalar]] = defaultdict(dict)
    for standing in TierMembership.objects.filter(customer__in=customer_ids):
        found[standing.customer_id]["tier"] = standing.tier_key
        found[standing.customer_id]["qualifying_spend_minor"] = float(standing.qualifying_spend_minor)
    accounts = Account.objects.filter(customer__in=customer_ids)
    for customer_id, key, available in accounts.values_list("customer_id", "wallet__key", "available"):
        found[customer_id][f"{_POINTS_PREFIX}{key}"] = float(available)
    return found


def _names() -> list[tuple[str, str]]:
    wallets = Wallet.objects.order_by("pk").values_list("key", "name")
    points = [(f"{_POINTS_PREFIX}{key}", name) for key, name in wallets]
    return [("tier", ""), *points, ("qualifying_spend_minor", "")]


LOYALTY = RuleSource(relation=_relation, values=_values, names=_names)
