"""What a draft would do to tiers and what that costs, before it is published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from crm.models import Order
from rewards.domain.documents import InvalidDocument, json_schema, parse, to_json
from rewards.models import RewardKind, TierMembership
from rewards.queries import programs, tier_preview
from rewards.queries.tier_perks import Perk, PerkKind
from rewards.services import cancellations, catalogue, redemptions, tiers
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.rewards.factories import NOW, make_customer, make_order, post

DAY = timedelta(days=1)

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


def with_perks(**perks: Any) -> dict[str, Any]:
    """The program in force, with perks for silver."""
    written = document(50_000, {"silver": 150})
    return {**written, "tiers": [written["tiers"][0], {**written["tiers"][1], "perks": perks}]}


@pytest.fixture
def bought(members: None) -> None:
    """Each member took two mugs of 300 points within the year, gave one of them back, and one before that."""
    mug = catalogue.save_reward(
        key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=300, stock=None,
        by=SYSTEM, at=NOW - 500 * DAY,
    )  # fmt: skip
    for membership in TierMembership.objects.select_related("customer"):
        customer = membership.customer
        post(customer, mug.wallet, 5_000, at=NOW - 500 * DAY)
        taken = [
            redemptions.redeem(customer=customer, reward=mug, by=SYSTEM, at=NOW - days * DAY)
            for days in (400, 20, 10)
        ]
        cancellations.cancel(redemption=taken[-1], reason="Broken", by=SYSTEM, at=NOW - DAY)


def test_cheaper_rewards_cost_the_points_that_are_not_paid(bought: None) -> None:
    seen = tier_preview.of_revision(parse(with_perks(prices={"mug": 200})), at=NOW)
    # Of the silver member alone, the one mug that was kept this year; 1,000 points cost ten dollars.
    assert (seen.saved_points, seen.saved_cost_minor) == (100, 100)
    dearer = tier_preview.of_revision(parse(with_perks(prices={"mug": 900})), at=NOW)
    assert (dearer.saved_points, dearer.saved_cost_minor) == (0, 0)


def test_a_price_that_is_taken_away_saves_its_cost(bought: None) -> None:
    draft = program_services.save_draft(document=with_perks(prices={"mug": 200}), by=SYSTEM, at=NOW)
    program_services.publish(revision=draft, by=SYSTEM, at=NOW)
    seen = preview(silver=50_000, points={"silver": 150})
    assert (seen.saved_points, seen.saved_cost_minor) == (-100, -100)


def costs_of(written: dict[str, Any]) -> tuple[int, list[tuple[str, int | None]]]:
    """What perks cost more in a year, in all and each."""
    seen = tier_preview.of_revision(parse(written), at=NOW)
    return seen.perk_cost_minor, [(each.perk.cost_key, each.extra_cost_minor) for each in seen.perks]


def test_a_perk_costs_by_member_and_month_or_by_order(members: None) -> None:
    costs = {
        "entitlement:lounge": {"cost_minor": 150},
        "free_shipping": {"cost_minor": 300, "per": "order"},
    }
    new = with_perks(free_shipping=True, entitlements=["lounge"], price_list="vip", costs=costs)
    orders = Order.objects.filter(
        customer__tier_memberships__tier_key="silver", placed_at__gt=NOW - 365 * DAY
    )
    assert orders.count() == 1
    # One member for twelve months, and one order; what the price list costs nobody has entered.
    assert costs_of(new) == (
        1800 + 300,
        [("entitlement:lounge", 1800), ("free_shipping", 300), ("price_list", None)],
    )
    draft = program_services.save_draft(document=new, by=SYSTEM, at=NOW)
    program_services.publish(revision=draft, by=SYSTEM, at=NOW)
    assert costs_of(new) == (0, [])
    assert costs_of(with_perks(entitlements=["lounge"], price_list="vip")) == (
        -300, [("free_shipping", -300)],
    )  # fmt: skip
    # Who corrects a cost has not made the perk dearer.
    dearer = with_perks(
        free_shipping=True, entitlements=["lounge"], price_list="vip",
        costs={**costs, "entitlement:lounge": {"cost_minor": 200}},
    )  # fmt: skip
    assert costs_of(dearer) == (0, [])
    dearer["tiers"][1]["threshold_minor"] = 10_000
    # Both are silver then: a year of one more member, and the other one's order.
    assert costs_of(dearer) == (
        2400 + 300, [("entitlement:lounge", 2400), ("free_shipping", 300), ("price_list", None)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("costs", "pointer"),
    [
        ({"free_shipping": {"cost_minor": 1}}, "/tiers/1/perks/costs/free_shipping"),
        ({"entitlement:lounge": {"cost_minor": 1, "per": "order"}},
         "/tiers/1/perks/costs/entitlement:lounge/per"),
        ({"entitlement:lounge": {"cost_minor": -1}},
         "/tiers/1/perks/costs/entitlement:lounge/cost_minor"),
        ({"entitlement:lounge": {"cost_minor": 1, "per": "year"}},
         "/tiers/1/perks/costs/entitlement:lounge/per"),
        ({"entitlement:lounge": 5}, "/tiers/1/perks/costs/entitlement:lounge"),
    ],
)  # fmt: skip
def test_a_cost_names_what_is_wrong(costs: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        parse(with_perks(entitlements=["lounge"], costs=costs))
    assert pointer in [error.pointer for error in refusal.value.errors]


def test_costs_survive_the_round_trip_and_fit_the_schema() -> None:
    costs = {
        "reward:mug": {"cost_minor": 90, "per": "month"},
        "price_list": {"cost_minor": 5, "per": "order"},
    }
    written = with_perks(rewards=["mug"], price_list="vip", costs=costs)
    taken = to_json(parse(written))
    assert taken["tiers"][1]["perks"]["costs"] == costs
    jsonschema.validate(taken, json_schema(), cls=jsonschema.Draft202012Validator)


def test_perks_without_a_price_tell_who_has_them(members: None) -> None:
    draft = with_perks(free_shipping=True, entitlements=["lounge"], rewards=["mug"], price_list="vip")
    seen = tier_preview.of_revision(parse(draft), at=NOW)
    assert [(each.perk, each.before, each.after) for each in seen.perks] == [
        (Perk(PerkKind.ENTITLEMENT, "lounge"), 0, 1),
        (Perk(PerkKind.FREE_SHIPPING), 0, 1),
        (Perk(PerkKind.PRICE_LIST, "vip"), 0, 1),
        (Perk(PerkKind.REWARD, "mug"), 0, 1),
    ]
    assert preview(silver=50_000, points={"silver": 150}).perks == ()
