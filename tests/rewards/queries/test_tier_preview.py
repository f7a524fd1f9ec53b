"""What a draft would do to tiers and what that costs, before it is published."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.domain.documents import parse
from rewards.queries import programs, tier_preview
from rewards.services import programs as program_services
from rewards.services import tiers
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.rewards.factories import NOW, make_customer, make_order

WALLETS = [
    {"key": "points", "name": "Points", "thousand_points_minor": 1000},
    {"key": "stars", "name": "Stars", "thousand_points_minor": 5000},
]


def document(silver: int, points: dict[str, int], stars: dict[str, int] | None = None) -> dict[str, Any]:
    """One point and one star a dollar, times what the tiers say; silver from ``silver`` on."""
    ladder = [
        {"key": "base", "name": "Base", "threshold_minor": 0},
        {"key": "silver", "name": "Silver", "threshold_minor": silver},
    ]
    rules = [
        {
            "key": wallet,
            "name": wallet,
            "wallet": wallet,
            "points": 1,
            "per_minor": 100,
            "tier_percent": percents,
        }
        for wallet, percents in (("points", points), ("stars", stars or {}))
    ]
    return {"wallets": WALLETS, "tiers": ladder, "rules": rules}


@pytest.fixture
def members(scope: Tenant) -> None:
    """Two members, of 100 and of 1,000 dollars a year; the second one is silver."""
    for amount in (10_000, 100_000):
        make_order(make_customer(), [("A", 1, amount)])
    published = document(50_000, {"silver": 150})
    draft = program_services.save_draft(document=published, by=SYSTEM, at=NOW)
    program_services.publish(revision=draft, by=SYSTEM, at=NOW)
    tiers.recompute(at=NOW)


def preview(**changes: Any) -> tier_preview.TierPreview:
    return tier_preview.of_revision(parse(document(**changes)), at=NOW)


def test_the_program_in_force_again_moves_nobody_and_costs_nothing(members: None) -> None:
    seen = preview(silver=50_000, points={"silver": 150})
    assert (seen.ups, seen.downs, seen.extra_points, seen.extra_cost_minor) == (0, 0, 0, 0)
    assert seen.before == seen.after == {"base": 1, "silver": 1}


def test_who_moves_up_costs_the_difference(members: None) -> None:
    seen = preview(silver=10_000, points={"silver": 150})
    assert (seen.ups, seen.downs, seen.after) == (1, 0, {"silver": 2})
    # Half a point more for each of 100 dollars, at one minor unit a point.
    assert (seen.extra_points, seen.extra_cost_minor) == (50, 50)


def test_a_larger_multiplier_costs_also_for_who_keeps_the_tier(members: None) -> None:
    seen = preview(silver=50_000, points={"silver": 200})
    assert (seen.ups, seen.downs) == (0, 0)
    assert (seen.extra_points, seen.extra_cost_minor) == (500, 500)


def test_points_cost_what_their_wallet_says(members: None) -> None:
    """Half as many points less for silver at one unit each, and 1,000 stars more at five."""
    seen = preview(silver=50_000, points={"silver": 100}, stars={"silver": 200})
    assert (seen.extra_points, seen.extra_cost_minor) == (-500 + 1000, -500 + 5000)


def test_fewer_points_save_their_cost(members: None) -> None:
    seen = preview(silver=200_000, points={"silver": 150})
    # Silver is kept as long as it is earned only.
    assert (seen.ups, seen.downs, seen.after) == (0, 1, {"base": 2})
    assert (seen.extra_points, seen.extra_cost_minor) == (-500, -500)


def test_a_first_program_is_previewed_too(scope: Tenant) -> None:
    make_order(make_customer(), [("A", 1, 60_000)])
    assert programs.published() is None
    seen = preview(silver=50_000, points={"silver": 150})
    assert (seen.ups, seen.before, seen.extra_points) == (1, {"": 1}, 300)
