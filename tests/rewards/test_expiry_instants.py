"""Points end at exact instants: around midnight, where clocks change, on leap days; swept or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rewards.models import LedgerTransaction, Lot
from rewards.queries import balances
from rewards.services import expiries, points, programs, verification
from rewards.services.errors import InsufficientPoints
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import balance_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)
MONTH = {"kind": "rolling", "months": 1}
YEAR = {"kind": "rolling", "months": 12}
MONTH_END = {"kind": "calendar", "period": "month"}
QUARTER_END = {"kind": "calendar", "period": "quarter"}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour, minute


# By name: the tenant's zone, the wallet's expiry, when the points are earned and when they are gone.
CASES: dict[str, tuple[str, dict[str, Any], datetime, datetime]] = {
    "a minute before midnight": (
        "America/New_York", MONTH, utc(2026, 1, 16, 4, 59), utc(2026, 2, 16, 5)),
    "midnight": (
        "America/New_York", MONTH, utc(2026, 1, 16, 5, 0), utc(2026, 2, 17, 5)),
    "the same moment elsewhere": (
        "Asia/Shanghai", MONTH, utc(2026, 1, 16, 5, 0), utc(2026, 2, 16, 16)),
    "a last day of 23 hours": (
        "America/New_York", MONTH, utc(2026, 2, 8, 12), utc(2026, 3, 9, 4)),
    "a last day of 25 hours": (
        "America/New_York", MONTH, utc(2026, 10, 1, 12), utc(2026, 11, 2, 5)),
    "a midnight that is skipped": (
        "America/Sao_Paulo", MONTH, utc(2018, 10, 3, 12), utc(2018, 11, 4, 3)),
    "a midnight that comes twice": (
        "America/Havana", MONTH, utc(2025, 10, 1, 12), utc(2025, 11, 2, 4)),
    "the day on which midnight comes twice": (
        "America/Havana", MONTH, utc(2025, 10, 2, 12), utc(2025, 11, 3, 5)),
    "clocks that change by half an hour": (
        "Australia/Lord_Howe", MONTH, utc(2026, 3, 4, 12), utc(2026, 4, 4, 13)),
    "a day that a zone left out": (
        "Pacific/Apia", MONTH, utc(2011, 11, 30, 12), utc(2011, 12, 30, 10)),
    "on a leap day": (
        "America/New_York", YEAR, utc(2024, 2, 29, 12), utc(2025, 3, 1, 5)),
    "until a leap day": (
        "America/New_York", YEAR, utc(2027, 2, 28, 12), utc(2028, 2, 29, 5)),
    "in the month of a leap day": (
        "Asia/Shanghai", MONTH, utc(2028, 1, 31, 12), utc(2028, 2, 29, 16)),
    "at the end of a leap day": (
        "Asia/Shanghai", MONTH_END, utc(2028, 2, 29, 15, 59), utc(2028, 2, 29, 16)),
    "a quarter in which clocks change": (
        "Europe/Berlin", QUARTER_END, utc(2026, 1, 1, 0), utc(2026, 3, 31, 22)),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tenant: Tenant, other_tenant: Tenant) -> Any:
    """A tenant in a zone, with a member who earned; another tenant's points never end."""
    zone, expiry, earned, gone = CASES[request.param]
    tenant.time_zone = zone
    tenant.save()
    with tenant_scope(other_tenant):
        bystander = make_customer()
        post(bystander, make_wallet(), 30, at=earned)
    with tenant_scope(tenant):
        document = {"wallets": [{"key": "points", "name": "Points", "expiry": expiry}]}
        draft = programs.save_draft(document=document, by=SYSTEM, at=earned)
        programs.publish(revision=draft, by=SYSTEM, at=earned)
        member = make_customer()
        points.adjust(customer=member, points=70, reason="earned", by=SYSTEM, at=earned)
        yield member, gone, ZoneInfo(zone)
        assert verification.verify_ledger(by=SYSTEM, at=gone).findings == ()
    with tenant_scope(other_tenant):
        assert expiries.expire_batch(at=gone).points == 0
        assert balance_of(bystander) == (30, 0)


def spend(member: Any, at: datetime) -> int:
    return points.adjust(customer=member, points=-1, reason="spent", by=SYSTEM, at=at).available


def shown(member: Any, at: datetime) -> int:
    return balances.of_customers([member.pk], at=at)[member.pk][0].available


def test_points_are_there_to_the_last_instant_and_gone_at_the_next_before_any_sweep(case: Any) -> None:
    member, gone, _zone = case
    assert Lot.objects.get().expires_at == gone
    assert (shown(member, gone - INSTANT), spend(member, gone - INSTANT)) == (70, 69)
    assert shown(member, gone) == 0
    with pytest.raises(InsufficientPoints) as refusal:
        spend(member, gone)
    assert refusal.value.extra["missing"] == 1
    # Nothing has swept: what is stored is not what counts.
    assert balance_of(member) == (69, 0)


def test_the_sweep_takes_them_at_that_instant_and_once(case: Any) -> None:
    member, gone, zone = case
    assert expiries.expire_batch(at=gone - INSTANT).points == 0
    assert [expiries.expire_batch(at=gone).points for _ in range(2)] == [70, 0]
    last = LedgerTransaction.objects.latest("id")
    assert (last.kind, last.points, balance_of(member)) == ("expire", -70, (0, 0))
    # The instant before belongs to another local day than the instant itself.
    assert (gone - INSTANT).astimezone(zone).date() < gone.astimezone(zone).date()
