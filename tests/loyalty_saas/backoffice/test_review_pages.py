"""The review queue: who guesses codes, known or not, is told in words and let on again."""

from __future__ import annotations

from django.test import Client

from rewards.models import AbuseReview, VelocityKind, VelocityLimit
from rewards.services import guesses
from rewards.services.guesses import Guesser, GuesserKind
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled
from tests.rewards.publishing import publish_draft

QUEUE, LIMITS = "/t/acme/reviews/", "/t/acme/reviews/limits/"


def test_a_guesser_without_a_customer_is_shown_and_decided(filled: Filled, staff: Client) -> None:
    guesser = Guesser(GuesserKind.CLIENT, "10.0.0.7")
    codes = [f"BAD-{number}" for number in range(10)]
    with tenant_scope(filled.tenant), guesses.counted([guesser], codes, at=NOW) as unknown:
        unknown.extend(codes)
    with tenant_scope(filled.tenant):
        review = AbuseReview.objects.get(kind=VelocityKind.GUESSES)
        label = guesser.label
    listed = staff.get(QUEUE).content.decode()
    assert "No known customer" in listed
    assert f"Shopper: {label}" in listed
    assert "10.0.0.7" not in listed
    page = f"{QUEUE}{review.public_id}/"
    assert "BAD-0, BAD-1" in staff.get(page).content.decode()
    assert staff.post(page, {"decision": "approve", "reason": "a till"}).status_code == 302
    with tenant_scope(filled.tenant):
        review.refresh_from_db()
        assert (review.state, review.reason) == ("approved", "a till")
        with guesses.counted([guesser], codes, at=NOW):
            pass


def test_limits_are_those_of_pace_only(filled: Filled, staff: Client) -> None:
    assert "guesses_most" not in staff.get(LIMITS).content.decode()
    kinds = ("redemptions", "refunds", "referrals", "coupons", "transfers")
    values = {f"{kind}_{field}": "7" for kind in kinds for field in ("most", "hours")}
    assert staff.post(LIMITS, values).status_code == 302
    with tenant_scope(filled.tenant):
        assert not VelocityLimit.objects.exists()
    publish_draft(filled.tenant)
    with tenant_scope(filled.tenant):
        assert sorted(VelocityLimit.objects.values_list("kind", "most", "window_hours")) == [
            (kind, 7, 7) for kind in sorted(kinds)
        ]
