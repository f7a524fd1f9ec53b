"""Whatever is credited without an order ends as the member's tier says, by the revision of its day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.models import Customer
from rewards.domain.offers import ReferralTerms
from rewards.models import Lot, ProgramRevision, Referral
from rewards.services import (
    movements,
    opening_balances,
    points,
    programs,
    referral_codes,
    referral_programs,
    referral_qualifications,
    referrals,
    tiers,
)
from rewards.services.opening_balances import Balance
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tests.rewards.challenge_worlds import ORDERS, challenge, count_orders
from tests.rewards.factories import NOW, make_customer, make_order

pytestmark = pytest.mark.django_db
LAST_MONTH = NOW - timedelta(days=30)
A_YEAR = datetime(2027, 3, 15, 4, tzinfo=UTC)
HALF_A_YEAR = datetime(2026, 9, 15, 4, tzinfo=UTC)
Members = tuple[Customer, Customer]


def document(months: int = 12) -> dict[str, Any]:
    wallet = {
        "key": "points", "name": "Points", "expiry": {"kind": "rolling", "months": months},
        "expiry_by_tier": {"gold": {"kind": "never"}}, "pending": {"days": 2},
    }  # fmt: skip
    ladder = [("base", 0), ("gold", 5000)]
    return {
        "wallets": [wallet],
        "tiers": [{"key": key, "name": key.title(), "threshold_minor": least} for key, least in ladder],
        "challenges": [challenge({**ORDERS, "target": 1})],
        "policies": {"backdating_days": 60},
    }


def publish(written: dict[str, Any], at: datetime) -> ProgramRevision:
    return programs.publish(
        revision=programs.save_draft(document=written, by=SYSTEM, at=at), by=SYSTEM, at=at
    )


@pytest.fixture
def members(scope: Tenant) -> Members:
    """One of the lowest tier and one of gold, whose points never end."""
    publish(document(), LAST_MONTH - timedelta(days=30))
    plain, gold = make_customer(), make_customer()
    make_order(gold, [("GROCERY", 1, 5000)], LAST_MONTH - timedelta(days=1))
    tiers.refresh(customer_ids={plain.pk, gold.pk}, at=LAST_MONTH)
    return plain, gold


def ends(*customers: Customer) -> list[datetime | None]:
    return [Lot.objects.filter(account__customer=each).latest("id").expires_at for each in customers]


def test_what_apps_staff_and_files_credit_ends_by_the_tier(members: Members, actor: Actor) -> None:
    for member in members:
        movements.earn(customer=member, points=5, wallet_key="points", idempotency_key="a", by=actor, at=NOW)
    assert ends(*members) == [A_YEAR, None]
    for member in members:
        points.adjust(customer=member, points=5, reason="Sorry", by=actor, at=NOW)
    assert ends(*members) == [A_YEAR, None]
    balances = [Balance(member.pk, 7) for member in members]
    opening_balances.post(wallet_key="points", balances=balances, by=actor, at=NOW)
    assert ends(*members) == [A_YEAR, None]


def test_challenges_and_referrals_credit_under_the_wallets_rules(members: Members) -> None:
    count_orders(*(make_order(member, [("GROCERY", 1, 10)], NOW).pk for member in members))
    assert ends(*members) == [A_YEAR, None]
    terms = ReferralTerms(referrer_points=100, referee_kind="points", referee_points=50)
    referral_programs.save_program(terms=terms, by=SYSTEM, at=NOW)
    for referrer in members:
        friend = make_customer()
        code = referral_codes.code_of(customer=referrer, at=NOW).code
        referrals.register(code=code, referee=friend, by=SYSTEM, at=NOW)
        referral_qualifications.by_orders(
            [make_order(friend, [("DAIRY", 1, 9000)], NOW).pk], by=SYSTEM, at=NOW
        )
    assert Referral.objects.filter(state="rewarded").count() == 2
    assert ends(*members) == [A_YEAR, None]
    lot = Lot.objects.filter(account__customer=members[0]).latest("id")
    assert (lot.granted, lot.is_pending, lot.activates_at) == (
        100,
        True,
        datetime(2026, 3, 16, 4, tzinfo=UTC),
    )


def test_what_was_earned_earlier_goes_by_the_revision_of_its_day(members: Members, actor: Actor) -> None:
    first = ProgramRevision.objects.get()
    publish(document(months=6), NOW - timedelta(days=10))
    posted: dict[str, Any] = {"customer": members[0], "points": 5, "wallet_key": "points", "by": actor}
    movements.earn(**posted, idempotency_key="new", at=NOW)
    assert ends(members[0]) == [HALF_A_YEAR]
    then = NOW - timedelta(days=20)
    movements.earn(**posted, idempotency_key="old", at=NOW, occurred_at=then)
    lot = Lot.objects.filter(account__customer=members[0]).latest("id")
    assert lot.expires_at == datetime(2027, 2, 23, 5, tzinfo=UTC)
    assert lot.entries.get().transaction.revision_id == first.pk


@pytest.mark.parametrize(("days", "code"), [(-61, "too_old"), (1, "in_the_future")])
def test_what_is_too_old_or_to_come_is_refused(members: Members, actor: Actor, days: int, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        movements.earn(
            customer=members[0], points=5, wallet_key="points", idempotency_key="k", by=actor, at=NOW,
            occurred_at=NOW + timedelta(days=days),
        )  # fmt: skip
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/occurred_at", code)]
    assert not Lot.objects.exists()
