"""Whatever a file holds, every row is accepted, merged or quarantined, and loading it again adds nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Order, OrderLine, OrderSummary, QuarantinedRow, ReturnLine
from crm.services.imports.orders import import_orders
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
MESS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6)


def cell(*likely: str) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(likely), st.sampled_from(likely), MESS)


ROWS = st.lists(
    st.tuples(
        cell("1", "2", "C3", "C4", "A5"),
        cell("a", "A", "b", "POST"),
        cell("", "Apple"),
        cell("1", "2", "-1", "-2", "0", "1e3", "NaN"),
        cell("2010-07-01 08:26", "2010-07-02 08:26", "02/07/2010 08:26", "2010-03-28 01:30"),
        cell("1.50", "0", "2", "-1", "inf", "1e400"),
        cell("", "7", "8"),
        cell("UK"),
    ),
    max_size=14,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=ROWS)
def test_every_row_is_accounted_for(
    tmp_path: Path, crowd: Tenant, scope: Tenant, rows: list[tuple[str, ...]]
) -> None:
    path = tmp_path / "mess.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    savepoint = transaction.savepoint()
    _load_twice(path, rows)
    transaction.savepoint_rollback(savepoint)


def _load_twice(path: Path, rows: list[Any]) -> None:
    run = import_orders(path=path, mapping="uci_online_retail", by=SYSTEM, at=NOW)
    assert run.rows_read == len(rows)
    assert run.rows_read == run.rows_accepted + run.rows_merged + run.rows_quarantined
    assert QuarantinedRow.objects.filter(import_run=run).count() == run.rows_quarantined
    assert sum(run.report["quarantined"].values()) == run.rows_quarantined
    lines = OrderLine.objects.count()
    assert run.report["lines"] == lines
    given_back = run.rows_accepted - lines
    assert given_back >= 0
    assert (given_back == 0) == (not ReturnLine.objects.exists())
    revenue = sum(order.total_minor for order in Order.objects.filter(customer__isnull=False))
    assert sum(OrderSummary.objects.values_list("revenue_minor", flat=True)) == revenue
    again = import_orders(path=path, mapping="uci_online_retail", by=SYSTEM, at=NOW)
    assert again.rows_accepted == 0
    assert OrderLine.objects.count() == lines
