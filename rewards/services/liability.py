"""Month ends of the liability, kept as they were."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Min

from rewards.domain.expiry import add_months, start_of_day
from rewards.models import LedgerTransaction, LiabilitySnapshot, Wallet
from rewards.queries import liability
from tenants.scope import active_tenant

MOST_MONTHS: Final = 12


@transaction.atomic
def snapshot_month_ends(*, at: datetime) -> int:
    """Store the month ends of the last twelve months that are not stored yet; returns how many.

    A month end that was missed is computed from what the ledger says about that moment. Safe to repeat.
    """
    zone = active_tenant().zone
    begun = LedgerTransaction.objects.aggregate(first=Min("occurred_at"))["first"]
    if begun is None:
        return 0
    first = at.astimezone(zone).date().replace(day=1)
    firsts = [add_months(first, -months) for months in range(MOST_MONTHS)]
    wanted = {day - timedelta(days=1): start_of_day(day, zone) for day in firsts}
    stored = set(LiabilitySnapshot.objects.filter(month_end__in=wanted).values_list("month_end", flat=True))
    missing = {end: moment for end, moment in wanted.items() if end not in stored and moment > begun}
    for end, moment in sorted(missing.items()):
        _store(end, moment, at=at)
    return len(missing)


def _store(end: date, moment: datetime, *, at: datetime) -> None:
    wallets = dict(Wallet.objects.values_list("key", "pk"))
    LiabilitySnapshot.objects.bulk_create(
        [
            LiabilitySnapshot(
                month_end=end,
                wallet_id=wallets[part.wallet],
                tier_key=part.tier,
                age=part.age,
                points=part.points,
                cost_minor=part.cost_minor,
                liability_minor=part.liability_minor,
                taken_at=at,
            )
            for part in liability.as_of(moment)
        ],
        ignore_conflicts=True,
    )
