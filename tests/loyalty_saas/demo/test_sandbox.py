from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from loyalty_saas.demo import sandbox_shop
from loyalty_saas.demo.sandbox_truth import CATEGORIES, TASTES, PurchaseProcess, Shop, draw_shop, truth_of

CLOSED_ON = date(2026, 1, 1)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return draw_shop(closed_on=CLOSED_ON)


def test_the_same_seed_draws_the_same_shop(shop: Shop) -> None:
    assert draw_shop(closed_on=CLOSED_ON) == shop
    assert draw_shop(closed_on=CLOSED_ON, seed=8) != shop


def test_rates_follow_the_gamma_distribution(shop: Shop) -> None:
    process = PurchaseProcess()
    rates = [shopper.rate for shopper in shop.shoppers]
    mean = sum(rates) / len(rates)
    variance = sum((rate - mean) ** 2 for rate in rates) / len(rates)
    assert mean == pytest.approx(process.r / process.alpha, rel=0.05)
    assert variance == pytest.approx(process.r / process.alpha**2, rel=0.15)


def test_dropout_follows_the_beta_distribution(shop: Shop) -> None:
    process = PurchaseProcess()
    mean = sum(shopper.dropout for shopper in shop.shoppers) / len(shop.shoppers)
    assert mean == pytest.approx(process.a / (process.a + process.b), rel=0.05)


def test_purchases_stay_inside_the_year_and_in_order(shop: Shop) -> None:
    for shopper in shop.shoppers:
        assert list(shopper.purchases) == sorted(shopper.purchases)
        assert shopper.signed_up_at < shopper.purchases[0]
    assert all(shop.opened_on <= purchase.placed_at.date() <= shop.closed_on for purchase in shop.purchases)


def test_baskets_show_the_taste_of_the_cluster(shop: Shop) -> None:
    for taste in TASTES:
        lines = Counter(
            line.item.category
            for purchase in shop.purchases
            if purchase.shopper and purchase.shopper.taste == taste.name
            for line in purchase.lines
        )
        favourite = max(CATEGORIES, key=lambda category: taste.weight_by_category[category])
        assert lines.most_common(1)[0][0] == favourite


def test_files_hold_every_line_return_and_truth(shop: Shop, tmp_path: Path) -> None:
    sandbox_shop.write_files(shop, tmp_path)
    with (tmp_path / "sandbox-orders.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == sum(len(purchase.lines) for purchase in shop.purchases)
    assert len({row["order_id"] for row in rows if not row["customer_id"]}) == truth_of(shop)["guest_orders"]
    spent = sum(round(float(row["unit_price"]) * 100) * int(row["quantity"]) for row in rows)
    assert spent == sum(
        line.item.price_minor * line.quantity for purchase in shop.purchases for line in purchase.lines
    )
    returns = (tmp_path / "sandbox-returns.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(returns) == truth_of(shop)["returns"]
    assert sandbox_shop.known_truth(tmp_path) == json.loads(json.dumps(truth_of(shop)))


def test_stages_draw_the_files_once(tmp_path: Path) -> None:
    sandbox_shop.stages(tmp_path)
    written = (tmp_path / "sandbox-orders.csv").stat().st_mtime_ns
    sandbox_shop.stages(tmp_path)
    assert (tmp_path / "sandbox-orders.csv").stat().st_mtime_ns == written
