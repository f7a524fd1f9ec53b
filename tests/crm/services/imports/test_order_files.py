"""Order files through the wizard: cancellations, outliers, missing values; checked, loaded, undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from crm.models import (
    Customer,
    Item,
    Order,
    OrderLine,
    OrderSummary,
    QuarantinedRow,
    Return,
    ReturnLine,
    StagedRow,
)
from crm.services.imports import order_load, order_records, wizard
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.imports.wizardry import checked, counts, loaded, run_job, uploaded

pytestmark = pytest.mark.django_db
UCI = Path(__file__).parents[5] / "shared/data/online-retail/online_retail.parquet"
UCI_RULES = {
    "cancellation_prefix": "C",
    "order_pattern": "^C?[0-9]+$",
    "charge_codes": ["AMAZONFEE", "B", "BANK CHARGES", "C2", "CRUK", "D", "DOT", "M", "PADS", "POST", "S"],
    "folds_sku_case": True,
    "allows_free_lines": False,
    "outliers": "quarantine",
}
UCI_PLAN = {"zone": "Europe/London", "currency": "GBP", "orders": UCI_RULES}
LINES = (
    "订单号;会员号;货号;数量;单价;下单时间;渠道\n"
    "1;c1;a;2;1,50;05/01/2026 20:30;web\n"
    "1;;b;1;2,00;05/01/2026 20:30;\n"
    "2;c2;a;x;1,50;06/01/2026 10:00;\n"
    "C3;c1;a;-1;1,50;07/01/2026 10:00;web\n"
).encode("gb18030")


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def test_a_cancellation_with_a_slash_in_its_number_keeps_its_lines(tenant: Tenant, crowd: Tenant) -> None:
    text = LINES.decode("gb18030").replace("C3;", "C3/1;").encode("gb18030")
    plan: dict[str, Any] = {**SCATTERED_PLAN, "columns": {"下单时间": {"date_format": "dmy"}}}
    run = loaded(tenant, "orders", text, **plan)
    assert run.report["returns"] == 1
    with tenant_scope(tenant):
        line = ReturnLine.objects.get()
        assert (line.parent.external_id, line.order_line.sku, line.quantity) == ("C3/1/1", "a", 1)


def test_lines_cancellations_and_blanks(tenant: Tenant, crowd: Tenant) -> None:
    plan: dict[str, Any] = {
        "orders": {"cancellation_prefix": "C"},
        "columns": {
            "下单时间": {"date_format": "dmy"},
            "会员号": {"missing": "previous"},
            "渠道": {"missing": "fill", "fill": "shop"},
        },
    }
    run = checked(tenant, uploaded(tenant, "orders", LINES), **plan)
    report = run.check_report
    assert report["rows"] == {"read": 4, "accepted": 3, "merged": 0, "quarantined": 1}
    assert (report["new"], report["lines"], report["returns"]) == (1, 2, 1)
    with tenant_scope(tenant):
        assert (Order.objects.count(), Customer.objects.count(), QuarantinedRow.objects.count()) == (0, 0, 0)
        assert list(StagedRow.objects.values_list("row_number", "reason", "column")) == [
            (3, "quantity_invalid", "数量")
        ]
    run = loaded(tenant, "orders", LINES, **plan)
    assert (counts(run), run.state) == ((4, 3, 0, 1), "done_with_errors")
    with tenant_scope(tenant):
        order = Order.objects.get()
        assert (order.total_minor, order.customer.external_id, order.channel) == (500, "c1", "shop")
        assert order.placed_at.isoformat() == "2026-01-06T01:30:00+00:00"
        assert Return.objects.get().total_minor == 150
        assert QuarantinedRow.objects.get().column == "数量"
        wizard.start_undo(run=run, by=SYSTEM, at=NOW)
    run_job("crm.undo_import", tenant, run)
    assert run.undo_report == {"orders": 1, "returns": 1, "retired": 2, "removed": 1}
    with tenant_scope(tenant):
        assert (Order.objects.count(), OrderLine.objects.count(), Customer.objects.count()) == (0, 0, 0)
        assert not Item.objects.filter(is_active=True).exists()


def test_a_second_load_of_a_finished_run_repeats_its_account(tenant: Tenant) -> None:
    run = loaded(tenant, "orders", "order id,sku,quantity,price,date\n1,a,1,2,2026-01-05\n")
    before = counts(run)
    run_job("crm.load_import", tenant, run)
    assert (counts(run), before) == ((1, 1, 0, 0), (1, 1, 0, 0))


SCATTERED = (
    "order id,customer id,sku,name,quantity,price,date\n"
    "1,c1,a,Zebra,1,2,2026-01-05\n2,c2,a,Apple,1,3,2026-01-05\n3,c1,b,,1,2,2026-01-05\n"
    "1,c1,b,,1,2,2026-01-05\n4,c9,a,,1,2,2026-01-06\n4,c8,b,,1,2,2026-01-06\n2,c2,b,,x,2,2026-01-05\n"
    "C5,c1,a,,-1,2,2026-01-07\nC6,c2,a,,-1,3,2026-01-07\nC6,c1,b,,-1,2,2026-01-07\n"
    "C7,c2,a,,-1,3,2026-01-08\n1,c1,a,Zebra,1,2,2026-01-05\n"
)
SCATTERED_PLAN: dict[str, Any] = {"orders": {"cancellation_prefix": "C"}}
SCATTERED_REFUSED = {
    5: "order_of_two_customers", 6: "order_of_two_customers", 7: "quantity_invalid",
    11: "cancels_more_than_sold",
}  # fmt: skip


@pytest.mark.parametrize("dies_at", [2, 4, 6, 8, 10, None])
def test_a_load_in_parts_that_was_killed_goes_on_and_doubles_nothing(
    tenant: Tenant, crowd: Tenant, monkeypatch: pytest.MonkeyPatch, dies_at: int | None
) -> None:
    monkeypatch.setattr(order_load, "LINES_OF_PART", 1)
    run = checked(tenant, uploaded(tenant, "orders", SCATTERED), **SCATTERED_PLAN)
    assert run.check_report["rows"] == {"read": 12, "accepted": 7, "merged": 1, "quarantined": 4}
    with tenant_scope(tenant):
        wizard.start_load(run=run, by=SYSTEM, at=NOW)

    def killed(done: int, total: int, message: str) -> None:
        if message == "rows loaded" and done == dies_at:
            raise KeyboardInterrupt

    if dies_at:
        with pytest.raises(KeyboardInterrupt):
            run_job("crm.load_import", tenant, run, killed)
        with tenant_scope(tenant):
            run.refresh_from_db()
            # A part of each order, and one of the cancellations of each customer.
            assert (run.state, run.position, Order.objects.count()) == (
                "running", dies_at // 2, min(dies_at // 2, 3),
            )  # fmt: skip
    run_job("crm.load_import", tenant, run)
    assert (counts(run), run.state) == ((12, 7, 1, 4), "done_with_errors")
    with tenant_scope(tenant):
        assert dict(QuarantinedRow.objects.values_list("row_number", "reason")) == SCATTERED_REFUSED
        assert QuarantinedRow.objects.get(row_number=11).raw["order id"] == "C7"
        assert (Order.objects.count(), OrderLine.objects.count(), Return.objects.count()) == (3, 4, 3)
        assert dict(OrderSummary.objects.values_list("customer__external_id", "returned_minor")) == {
            "c1": 400, "c2": 300,
        }  # fmt: skip
        # Named and priced after all lines of the file, not after the first part.
        apple = Item.objects.get(external_id="a")
        assert (apple.name, apple.price_minor) == ("Apple", 300)
        assert StagedRow.objects.count() == 0
    assert {name: run.report[name] for name in ("orders", "lines", "returns", "customers_created")} == {
        "orders": 3, "lines": 4, "returns": 3, "customers_created": 2,
    }  # fmt: skip
    again = loaded(tenant, "orders", SCATTERED, **SCATTERED_PLAN)
    assert (counts(again), again.report["orders"]) == ((12, 0, 8, 4), 0)


def test_orders_are_undone_some_at_a_time_and_leave_no_totals(
    tenant: Tenant, crowd: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_records, "UNDO_ROWS", 1)
    with tenant_scope(tenant):
        factories.customer("c1")
    run = loaded(tenant, "orders", SCATTERED, **SCATTERED_PLAN)
    with tenant_scope(tenant):
        wizard.start_undo(run=run, by=SYSTEM, at=NOW)

    def killed(done: int, total: int, message: str) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job("crm.undo_import", tenant, run, killed)
    with tenant_scope(tenant):
        assert (Order.objects.count(), Return.objects.count()) == (2, 0)
    run_job("crm.undo_import", tenant, run)
    assert run.undo_report == {"returns": 3, "orders": 3, "retired": 2, "removed": 1}
    with tenant_scope(tenant):
        assert (Order.objects.count(), OrderSummary.objects.count()) == (0, 0)
        assert Customer.objects.get().external_id == "c1"
    with tenant_scope(crowd):
        assert (Order.objects.count(), OrderSummary.objects.count()) == (3, 3)


def test_undo_keeps_orders_that_something_came_back_of(tenant: Tenant) -> None:
    run = loaded(
        tenant,
        "orders",
        "order id,customer id,sku,quantity,price,date\n1,c1,a,1,2,2026-01-05\n2,c2,a,1,2,2026-01-05\n",
    )
    with tenant_scope(tenant):
        factories.returned("r1", Order.objects.get(external_id="1"), {1: 1})
        wizard.start_undo(run=run, by=SYSTEM, at=NOW)
    run_job("crm.undo_import", tenant, run)
    assert run.undo_report == {"orders": 1, "orders_in_use": 1, "removed": 1, "in_use": 1}


def test_outliers_are_flagged_or_kept_out(tenant: Tenant) -> None:
    rows = [f"{n},a,2,1.50,2026-01-05" for n in range(12)] + [
        "99,a,5000,1.50,2026-01-05",
        "98,a,1,150,2026-01-05",
    ]
    text = "\n".join(["order id,sku,quantity,price,date", *rows])
    run = checked(tenant, uploaded(tenant, "orders", text), orders={"outliers": "flag"})
    assert (run.check_report["warnings"], run.check_report["quarantined"]) == (
        {"quantity_absurd": 1, "price_absurd": 1}, {},
    )  # fmt: skip
    run = checked(tenant, uploaded(tenant, "orders", text), orders={"outliers": "quarantine"})
    assert run.check_report["quarantined"] == {"quantity_absurd": 1, "price_absurd": 1}


@pytest.mark.slow
@pytest.mark.skipif(not UCI.exists(), reason="shared/data is not here")
def test_the_whole_online_retail_file_by_the_wizard(tenant: Tenant) -> None:
    """541,909 rows: every one accepted, merged or quarantined, none unaccounted for."""
    run = uploaded(tenant, "orders", UCI.read_bytes(), "online_retail.parquet")
    assert {each["source"]: each.get("target", "") for each in run.plan["columns"]} == {
        "InvoiceNo": "order.external_id",
        "StockCode": "line.sku",
        "Description": "line.name",
        "Quantity": "line.quantity",
        "InvoiceDate": "order.placed_at",
        "UnitPrice": "line.unit_price",
        "CustomerID": "order.customer",
        "Country": "order.channel",
    }
    run = checked(tenant, run, **UCI_PLAN)
    rows = run.check_report["rows"]
    assert rows["read"] == 541_909 == rows["accepted"] + rows["merged"] + rows["quarantined"]
    assert (rows["accepted"], rows["merged"], rows["quarantined"]) == (531_958, 5_263, 4_688)
    assert run.check_report["merged"] == {"exact_duplicate": 5_263}
    assert run.check_report["quarantined"] == {
        "cancels_unknown_sale": 1639,
        "quantity_negative": 1336,
        "price_zero": 1183,
        "cancels_without_customer": 379,
        "cancels_more_than_sold": 81,
        "price_absurd": 40,
        "quantity_absurd": 27,
        "not_an_order": 3,
    }
    assert (run.check_report["orders"], run.check_report["returns"]) == (19_949, 3_668)
    assert (run.check_report["lines"], run.check_report["anonymous_rows"]) == (524_812, 132_151)


@pytest.mark.skipif(not UCI.exists(), reason="shared/data is not here")
def test_a_slice_says_the_same_as_csv_and_as_workbook(tenant: Tenant, tmp_path: Path) -> None:
    table = next(pq.ParquetFile(UCI).iter_batches(batch_size=1500))
    pyarrow.csv.write_csv(table, tmp_path / "slice.csv")
    pq.write_table(pyarrow.Table.from_batches([table]), tmp_path / "slice.parquet")
    with xlsxwriter.Workbook(
        tmp_path / "slice.xlsx", {"nan_inf_to_errors": True, "default_date_format": "yyyy-mm-dd hh:mm"}
    ) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, table.schema.names)
        for number, row in enumerate(table.to_pylist(), start=1):
            sheet.write_row(
                number,
                0,
                [None if value is not None and str(value) == "nan" else value for value in row.values()],
            )
    reports = []
    for name in ("slice.csv", "slice.parquet", "slice.xlsx"):
        run = uploaded(tenant, "orders", (tmp_path / name).read_bytes(), name)
        report = checked(tenant, run, **UCI_PLAN).check_report
        reports.append({key: value for key, value in report.items() if key != "seconds"})
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["rows"]["read"] == 1500
