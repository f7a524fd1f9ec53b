"""The review queue: who guesses codes, known or not, is told in words and let on again."""

from __future__ import annotations

from django.test import Client

from rewards.models import AbuseReview, VelocityKind, VelocityLimit
from rewards.services import velocity
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled

QUEUE, LIMITS = "/t/acme/reviews/", "/t/acme/reviews/limits/"


def test_a_guesser_without_a_customer_is_shown_and_decided(filled: Filled, staff: Client) -> None:
    guesser = velocity.Guesser(velocity.CLIENT, "10.0.0.7 <b>")
    with tenant_scope(filled.tenant):
        velocity.count_guesses(guesser, [f"BAD-{number}" for number in range(10)], at=NOW)
    with tenant_scope(filled.tenant):
        review = AbuseReview.objects.get(kind=VelocityKind.GUESSES)
    listed = staff.get(QUEUE).content.decode()
    assert "No known customer" in listed
    assert "Shopper: 10.0.0.7 &lt;b&gt;" in listed
    page = f"{QUEUE}{review.public_id}/"
    assert "BAD-0, BAD-1" in staff.get(page).content.decode()
    assert staff.post(page, {"decision": "approve", "reason": "a till"}).status_code == 302
    with tenant_scope(filled.tenant):
        review.refresh_from_db()
        assert (review.state, review.reason) == ("approved", "a till")
        velocity.require_no_guessing(guesser)


def test_limits_are_those_of_pace_only(filled: Filled, staff: Client) -> None:
    assert "guesses_most" not in staff.get(LIMITS).content.decode()
    kinds = ("redemptions", "refunds", "referrals")
    values = {f"{kind}_{field}": "7" for kind in kinds for field in ("most", "hours")}
    assert staff.post(LIMITS, values).status_code == 302
    with tenant_scope(filled.tenant):
        assert sorted(VelocityLimit.objects.values_list("kind", "most", "window_hours")) == [
            (kind, 7, 7) for kind in sorted(kinds)
        ]
