# ruff: noqa: DTZ001 - files hold wall-clock times without a zone
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from crm.models import Customer, ImportRun, Item, Order, OrderLine, OrderSummary, QuarantinedRow, Return
from crm.services.imports import order_statements
from crm.services.imports.errors import MissingColumns, UnknownMapping, UnreadableFile
from crm.services.imports.orders import import_orders
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import PermissionRefused
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
UCI = Path(__file__).parents[5] / "shared/data/online-retail/online_retail.parquet"
HEADER = "order_id,customer_id,sku,name,quantity,unit_price,placed_at,channel,discount,coupon_discount"


def load(path: Path, mapping: str = "generic", by: Actor = SYSTEM) -> ImportRun:
    return import_orders(path=path, mapping=mapping, by=by, at=NOW)


def csv(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return path


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.rows_read, run.rows_accepted, run.rows_merged, run.rows_quarantined


def reasons(run: ImportRun) -> dict[int, str]:
    return dict(QuarantinedRow.objects.filter(import_run=run).values_list("row_number", "reason"))


def test_generic_csv(tmp_path: Path, crowd: Tenant, scope: Tenant) -> None:
    run = load(
        csv(
            tmp_path,
            "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,0.50,0.25",
            "o1,c1,b,Bread,1,2.00,2026-01-05 20:30,web,,",
            "o2,,a,Apple,1,1.50,2026-01-06T10:00:00+01:00,shop,,",
            'o3,c2,"c,1","Cake ""large""",3,"1,000.005",06/01/2026 10:00,,,',
        )
    )
    assert counts(run) == (4, 4, 0, 0)
    assert run.state == "done"
    first = Order.objects.get(external_id="o1")
    # New York is five hours behind in January.
    assert first.placed_at == datetime(2026, 1, 6, 1, 30, tzinfo=UTC)
    assert (
        first.gross_minor,
        first.store_discount_minor,
        first.coupon_discount_minor,
        first.total_minor,
    ) == (
        500,
        50,
        25,
        425,
    )
    assert first.customer.external_id == "c1"
    assert Order.objects.get(external_id="o2").customer is None
    assert Order.objects.get(external_id="o2").placed_at == datetime(2026, 1, 6, 9, tzinfo=UTC)
    cake = OrderLine.objects.get(sku="c,1")
    assert (cake.unit_price_minor, cake.total_minor, cake.item.name) == (100001, 300003, 'Cake "large"')
    assert list(first.lines.order_by("position").values_list("position", "sku")) == [(1, "a"), (2, "b")]
    summary = OrderSummary.objects.get(customer__external_id="c1")
    assert (summary.orders_count, summary.revenue_minor, summary.last_order_at) == (1, 425, first.placed_at)
    customer = Customer.objects.get(external_id="c1")
    assert customer.first_seen_at == customer.last_seen_at == first.placed_at
    assert (run.report["orders"], run.report["anonymous_rows"]) == (3, 1)


def test_every_bad_row_is_kept_with_its_number_and_reason(tmp_path: Path, scope: Tenant) -> None:
    run = load(
        csv(
            tmp_path,
            "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,",
            ",c1,a,Apple,2,1.50,2026-01-05 20:30,web,,",
            "o2,c1,,Apple,2,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,two,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,1.5,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,0,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,-1,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,1,,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,1,-1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,1,cheap,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,1,1.50,,web,,",
            "o2,c1,a,Apple,1,1.50,soon,web,,",
            "o2,c1,a,Apple,1,1.50,2026-01-05 20:30,web,9,",
            "o2,c1,a,Apple,1,1.50,2026-01-05 20:30,web,-1,",
            "o2,c1,a,Apple,1,1.50,2026-01-05",
            "o2,c1,a,Apple,9999999999,1.50,2026-01-05 20:30,web,,",
            "o2,c1,a,Apple,1,99999999999999,2026-01-05 20:30,web,,",
            "o3,c1,a,Apple,1,1.50,2026-01-05 20:30,web,,",
            "o3,c2,b,Bread,1,1.50,2026-01-05 20:30,web,,",
            f"{'x' * 201},c1,a,Apple,1,1.50,2026-01-05 20:30,web,,",
        )
    )
    assert counts(run) == (21, 1, 0, 20)
    assert run.state == "done_with_errors"
    assert reasons(run) == {
        2: "order_missing",
        3: "sku_missing",
        4: "quantity_missing",
        5: "quantity_invalid",
        6: "quantity_invalid",
        7: "quantity_zero",
        8: "quantity_negative",
        9: "price_missing",
        10: "price_negative",
        11: "amount_invalid",
        12: "time_missing",
        13: "time_invalid",
        14: "discount_above_price",
        15: "discount_negative",
        16: "row_malformed",
        17: "quantity_invalid",
        18: "amount_invalid",
        19: "order_of_two_customers",
        20: "order_of_two_customers",
        21: "id_too_long",
    }
    kept = QuarantinedRow.objects.get(row_number=5)
    assert kept.raw["quantity"] == "two"
    assert kept.raw["order_id"] == "o2"


def test_loading_again_changes_nothing(tmp_path: Path, scope: Tenant) -> None:
    path = csv(
        tmp_path,
        "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,9",
        "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,9",
        "o1,c1,b,Bread,0,1.50,2026-01-05 20:30,web,,",
    )
    assert counts(load(path)) == (3, 1, 1, 1)
    again = load(path)
    assert counts(again) == (3, 0, 2, 1)
    assert again.report["merged"] == {"already_loaded": 1, "exact_duplicate": 1}
    assert (Order.objects.count(), OrderLine.objects.count(), Item.objects.count()) == (1, 1, 1)
    # A coupon above the price is capped, and the account says so.
    assert OrderLine.objects.get().total_minor == 0
    assert OrderSummary.objects.get().orders_count == 1


def test_a_line_that_contradicts_a_known_order_is_quarantined(tmp_path: Path, scope: Tenant) -> None:
    load(csv(tmp_path, "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,"))
    run = load(csv(tmp_path, "o1,c1,a,Apple,3,1.50,2026-01-05 20:30,web,,"))
    assert reasons(run) == {1: "order_already_loaded"}


def journey(tmp_path: Path, rows: list[tuple[Any, ...]]) -> Path:
    names = [
        "household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc",
        "coupon_disc", "coupon_match_disc", "transaction_timestamp",
    ]  # fmt: skip
    path = tmp_path / "transactions.parquet"
    pq.write_table(pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)}), path)
    return path


def test_complete_journey_amounts(tmp_path: Path, scope: Tenant) -> None:
    at = datetime(2017, 1, 1, 11, 53, 26)
    path = journey(
        tmp_path,
        [
            (900, 330, 31198570044, 1095275, 1, 2.50, 0.49, 0.30, 0.20, at),
            (900, 330, 31198570044, 9878513, 0, 0.0, 0.0, 0.0, 0.0, at),
            (900, 330, 31198570044, 1041453, 3, 1.0, 0.0, 1.25, 0.0, at),
        ],
    )
    run = load(path, "complete_journey")
    assert counts(run) == (3, 2, 0, 1)
    assert reasons(run) == {2: "quantity_zero"}
    bought = OrderLine.objects.get(sku="1095275")
    # Shelf 2.50 + 0.49 + 0.20; the store gives 0.49, coupons 0.30 + 0.20; the shopper pays 2.50 - 0.30.
    assert (bought.gross_minor, bought.store_discount_minor, bought.coupon_discount_minor) == (319, 49, 50)
    assert bought.total_minor == 220
    assert run.report["coupons_capped"] == {"lines": 1, "minor": 25}
    order = Order.objects.get(external_id="31198570044")
    assert order.total_minor == 220
    assert order.placed_at == datetime(2017, 1, 1, 16, 53, 26, tzinfo=UTC)
    assert order.currency == "USD"
    assert order.channel == "330"


def uci(tmp_path: Path, rows: list[tuple[Any, ...]]) -> Path:
    names = [
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ]
    path = tmp_path / "uci.parquet"
    pq.write_table(pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)}), path)
    return path


def test_messy_retail_file(tmp_path: Path, scope: Tenant) -> None:
    sold, back = datetime(2010, 7, 1, 8, 26), datetime(2010, 7, 3, 9, 0)
    where = "United Kingdom"
    usual = [(str(600000 + n), "85123A", "HEART", 6, sold, 2.55, 1.0, where) for n in range(10)]
    run = load(
        uci(
            tmp_path,
            [
                ("536365", "85123a", "HEART", 6, sold, 2.55, 17850.0, where),
                ("536365", "85123A", "HEART", 6, sold, 2.55, 17850.0, where),
                ("536365", "POST", "POSTAGE", 1, sold, 18.0, 17850.0, where),
                ("536366", "71053", "LANTERN", 2, sold, 3.39, float("nan"), where),
                ("C536379", "85123A", "HEART", -4, back, 2.55, 17850.0, where),
                ("C536380", "85123A", "HEART", -4, back, 2.55, 17850.0, where),
                ("C536381", "71053", "LANTERN", -1, back, 3.39, None, where),
                ("C536382", "D", "Discount", -1, back, 9.0, 17850.0, where),
                ("536367", "84406B", "?", -3, sold, 0.0, None, where),
                ("536368", "84406B", "free", 3, sold, 0.0, None, where),
                ("A563185", "B", "Adjust bad debt", 1, sold, 11062.06, None, where),
                ("536369", "85123A", "HEART", 74215, sold, 2.55, 17850.0, where),
                ("536370", "85123A", "HEART", 1, sold, 649.5, 17850.0, where),
                *usual,
            ],
        ),
        "uci_online_retail",
    )
    assert counts(run) == (23, 14, 1, 8)
    assert reasons(run) == {
        6: "cancels_more_than_sold",
        7: "cancels_without_customer",
        8: "cancels_unknown_sale",
        9: "quantity_negative",
        10: "price_zero",
        11: "not_an_order",
        12: "quantity_absurd",
        13: "price_absurd",
    }
    assert run.report["merged"] == {"exact_duplicate": 1}
    order = Order.objects.get(external_id="536365")
    assert order.placed_at == datetime(2010, 7, 1, 7, 26, tzinfo=UTC)
    assert (order.currency, order.total_minor, order.customer.external_id) == ("GBP", 1530 + 1800, "17850")
    assert list(order.lines.order_by("position").values_list("kind", "item__external_id")) == [
        ("product", "85123A"),
        ("charge", None),
    ]
    back_again = Return.objects.get()
    assert (back_again.external_id, back_again.order, back_again.total_minor) == (
        "C536379/536365",
        order,
        1020,
    )
    assert OrderSummary.objects.get(customer=order.customer).returned_minor == 1020


def test_messy_retail_file_again(tmp_path: Path, scope: Tenant) -> None:
    sold = datetime(2010, 7, 1, 8, 26)
    path = uci(
        tmp_path,
        [
            ("536365", "85123A", "HEART", 6, sold, 2.55, 17850.0, "UK"),
            ("C536379", "85123A", "HEART", -4, datetime(2010, 7, 3), 2.55, 17850.0, "UK"),
        ],
    )
    assert counts(load(path, "uci_online_retail")) == (2, 2, 0, 0)
    assert counts(load(path, "uci_online_retail")) == (2, 0, 2, 0)
    assert Return.objects.count() == 1


def test_a_crash_leaves_nothing(tmp_path: Path, scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    path = csv(tmp_path, "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,")
    monkeypatch.setattr(order_statements, "ADD_LINES", "SELECT 1 / 0")
    with pytest.raises(DatabaseError):
        load(path)
    assert (ImportRun.objects.count(), Order.objects.count(), Customer.objects.count()) == (0, 0, 0)
    monkeypatch.undo()
    assert counts(load(path)) == (1, 1, 0, 0)


def test_refused_files(tmp_path: Path, scope: Tenant) -> None:
    with pytest.raises(UnknownMapping):
        load(csv(tmp_path, ""), "unheard_of")
    with pytest.raises(UnreadableFile):
        load(tmp_path / "nothing.csv")
    with pytest.raises(MissingColumns) as caught:
        load(csv(tmp_path, "1,2", header="order_id,sku"))
    assert caught.value.extra["columns"] == ["quantity", "placed_at", "unit_price"]
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 but not really")
    with pytest.raises(UnreadableFile):
        load(broken)
    assert ImportRun.objects.count() == 0


def test_only_those_who_may_import(tmp_path: Path, scope: Tenant) -> None:
    nobody = Actor(kind=ActorKind.USER, label="nobody")
    with pytest.raises(PermissionRefused):
        load(csv(tmp_path, "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,"), by=nobody)


def test_tenants_load_the_same_file_apart(tmp_path: Path, tenant: Tenant, other_tenant: Tenant) -> None:
    path = csv(tmp_path, "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,")
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            assert counts(load(path)) == (1, 1, 0, 0)
            assert Order.objects.get().currency == each.currency
    with tenant_scope(other_tenant):
        # Shanghai is eight hours ahead.
        assert Order.objects.get().placed_at == datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


def test_command(tmp_path: Path, tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv(tmp_path, "o1,c1,a,Apple,2,1.50,2026-01-05 20:30,web,,", "o1,c1,a,Apple,x,1,2026-01-05,web,,")
    call_command("import_orders", str(path), tenant="acme", mapping="generic")
    assert "2 rows read: 1 accepted, 0 merged, 1 quarantined" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no tenant"):
        call_command("import_orders", str(path), tenant="nobody", mapping="generic")
    with pytest.raises(CommandError, match="no file"):
        call_command("import_orders", str(tmp_path / "x.csv"), tenant="acme", mapping="generic")
