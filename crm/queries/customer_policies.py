"""The tenant's policy about customers' data; a tenant that never chose has the defaults."""

from __future__ import annotations

from crm.domain.identities import Spelling
from crm.models import CustomerPolicy
from tenants.scope import active_tenant

# Where a tenant's customers most likely dial, by its currency; the euro and others name no one country.
_REGION_BY_CURRENCY = {
    "USD": "US", "CAD": "CA", "GBP": "GB", "CNY": "CN", "JPY": "JP", "INR": "IN", "BRL": "BR", "AUD": "AU",
    "NZD": "NZ", "CHF": "CH", "SEK": "SE", "NOK": "NO", "DKK": "DK", "PLN": "PL", "CZK": "CZ", "HKD": "HK",
    "SGD": "SG", "KRW": "KR", "TWD": "TW", "MXN": "MX", "ZAR": "ZA", "TRY": "TR",
}  # fmt: skip


def current() -> CustomerPolicy:
    """Return the tenant's policy, unsaved with the defaults if it has none."""
    found = CustomerPolicy.objects.first()
    return found or CustomerPolicy()


def spelling() -> Spelling:
    """Return how the tenant spells identities (two queries at most)."""
    policy = current()
    region = policy.phone_region or _REGION_BY_CURRENCY.get(active_tenant().currency, "")
    return Spelling(
        phone_region=region,
        ignores_gmail_dots=policy.ignores_gmail_dots,
        drops_plus_tag=policy.drops_plus_tag,
    )
