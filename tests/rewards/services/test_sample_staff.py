"""What the staff of a sample leave to the new user."""

from __future__ import annotations

from datetime import timedelta

from rewards.models import AbuseReview, ReviewState, VelocityKind
from rewards.services import sample_staff, velocity
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.rewards.factories import NOW, make_customer


def test_one_review_is_left_however_few_there_were(scope: Tenant) -> None:
    for days in (80, 60):
        velocity.open_review(
            kind=VelocityKind.COUPONS,
            customer_id=make_customer().pk,
            subject=str(days),
            details={},
            at=NOW - timedelta(days=days),
        )
    sample_staff.decide(by=SYSTEM, at=NOW - timedelta(days=1), ends_at=NOW)
    older, newest = AbuseReview.objects.order_by("pk")
    assert older.state != ReviewState.OPEN
    assert newest.state == ReviewState.OPEN
