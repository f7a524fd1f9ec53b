from __future__ import annotations

from typing import Any

import pytest

from rewards.domain.documents import parse
from rewards.models import TierMembership
from rewards.queries import held, programs
from tenants.models import Tenant
from tests.rewards.challenge_worlds import ORDERS, challenge, count_orders, publish
from tests.rewards.factories import NOW, make_customer, make_order, make_wallet, post

pytestmark = pytest.mark.django_db
LADDER = [{"key": "gold", "name": "Gold", "threshold_minor": 0}]


def revision(**sections: Any) -> Any:
    return parse({"wallets": [{"key": "points", "name": "Points"}], **sections})


def test_points_tiers_and_progress_are_held_until_nobody_has_them(scope: Tenant) -> None:
    publish(challenge(ORDERS), challenge(ORDERS, key="d"), tiers=LADDER)
    assert held.beyond(revision()) == {}
    customer, gems = make_customer(), make_wallet("gems")
    make_wallet("empty")
    post(customer, gems, 5)
    TierMembership.objects.create(
        customer=customer, tier_key="gold", since=NOW, computed_at=NOW, qualifying_spend_minor=0
    )
    count_orders(make_order(customer, [("A", 1, 10)]).pk)
    assert held.beyond(revision()) == {
        "wallets": frozenset({"gems"}), "tiers": frozenset({"gold"}), "challenges": frozenset({"c", "d"}),
    }  # fmt: skip
    kept = revision(tiers=LADDER, challenges=[challenge(ORDERS)])
    assert held.beyond(kept) == {"wallets": frozenset({"gems"}), "challenges": frozenset({"d"})}
    post(customer, gems, -5)
    told = [(finding.code, finding.rule) for finding in programs.findings_of(kept)]
    assert told == [("still_held", "d")]
