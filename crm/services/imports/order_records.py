"""Order lines from files: judged as a whole, loaded in parts of whole orders, undone part by part too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.domain.cells import CellRule
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.domain.import_plans import ImportPlan
from crm.domain.mappings import OrderMapping, OutlierRule
from crm.domain.money import exponent
from crm.locks import lock_imports
from crm.models import Customer, ImportRun, QuarantinedRow, StagedRow
from crm.services import order_summaries
from crm.services.imports import item_statements, settling, staging
from crm.services.imports.dependents import guards_of, remove_unused
from crm.services.imports.kinds import Account, Kind, Work, register
from crm.services.imports.order_load import OrderLoad
from crm.services.imports.staged import ATTEMPTS, DROP_CHANGES, TAKE_CHANGES, UNDO_ROWS
from tenants.models import Tenant
from tenants.scope import tenant_scope

_ROWS_SHOWN: Final = 1_000
FIELDS: Final = FieldSet(
    fields=(
        ImportField("order.external_id", _("Order id"), is_required=True, synonyms=(
            "order id", "order", "order no", "order number", "invoice", "invoiceno", "invoice no",
            "basket id",
            "transaction id", "receipt", "订单号", "订单编号", "发票号", "单号")),
        ImportField("order.customer", _("Customer id"), synonyms=(
            "customer id", "customer", "customerid", "member id", "household id", "user id", "客户编号",
            "会员号",
            "会员编号", "用户ID")),
        ImportField("line.sku", _("Item id"), is_required=True, synonyms=(
            "sku", "item id", "item", "product id", "product code", "stock code", "stockcode", "article",
            "商品编号",
            "商品编码", "货号")),
        ImportField("line.name", _("Item name"), longest=300, synonyms=(
            "name", "description", "product", "product name", "item name", "title", "商品名称", "品名",
            "名称")),
        ImportField("line.quantity", _("Quantity"), ValueType.WHOLE, is_required=True, synonyms=(
            "quantity", "qty", "units", "count", "数量", "件数")),
        ImportField("line.unit_price", _("Unit price"), ValueType.MONEY, synonyms=(
            "unit price", "unitprice", "price", "单价", "价格")),
        ImportField("line.gross", _("Amount of the line"), ValueType.MONEY, synonyms=(
            "gross", "line total", "amount", "line amount", "sales value", "金额", "小计")),
        ImportField("line.store_discount", _("Discount"), ValueType.MONEY, synonyms=(
            "discount", "store discount", "折扣", "优惠")),
        ImportField("line.coupon_discount", _("Coupon discount"), ValueType.MONEY, synonyms=(
            "coupon discount", "coupon", "voucher", "优惠券", "券优惠")),
        ImportField("order.placed_at", _("Placed at"), ValueType.MOMENT, is_required=True, synonyms=(
            "placed at", "order date", "date", "time", "timestamp", "invoicedate", "invoice date",
            "transaction timestamp",
            "created at", "下单时间", "订单时间", "日期", "时间")),
        ImportField("order.channel", _("Channel"), longest=60, synonyms=(
            "channel", "store", "store id", "shop", "country", "source", "渠道", "门店", "店铺")),
    ),
    one_of=("line.unit_price", "line.gross"),
)  # fmt: skip
_SOME = """
WITH taken AS (
    SELECT t.id FROM {table} t
    WHERE t.tenant_id = %(tenant)s AND t.import_run_id = %(run)s AND t.id > %(after)s
    ORDER BY t.id LIMIT %(size)s
), gone AS (
    DELETE FROM {table} t USING taken WHERE t.tenant_id = %(tenant)s AND t.id = taken.id {guards}
    RETURNING t.customer_id
)
SELECT (SELECT max(id) FROM taken), (SELECT count(*) FROM gone),
       (SELECT array_agg(DISTINCT customer_id) FROM gone WHERE customer_id IS NOT NULL)
"""
_HAS_NO_RETURN = (
    "AND NOT EXISTS (SELECT FROM crm_return r WHERE r.tenant_id = %(tenant)s AND r.order_id = t.id)"
)
_COUNT_ORDERS = """
SELECT count(*) FROM crm_order WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s
"""


def mapping_of(plan: ImportPlan, tenant: Tenant) -> OrderMapping:
    """Return the plan of an order file as the loader reads it."""
    source = {column.target: column.source for column in plan.columns if column.target}
    orders = plan.orders
    zone, places = plan.zone or tenant.time_zone, exponent(plan.currency or tenant.currency)
    is_judged = orders.outliers != "off"
    limits = OutlierRule(deviations=orders.outlier_deviations, minimum_quantity=orders.outlier_least_quantity)
    return OrderMapping(
        name="plan",
        order=source["order.external_id"],
        sku=source["line.sku"],
        quantity=source["line.quantity"],
        placed_at=source["order.placed_at"],
        customer=source.get("order.customer", ""),
        unit_price=source.get("line.unit_price"),
        gross=(source["line.gross"],) if "line.gross" in source else (),
        store_discount=_named(source, "line.store_discount"),
        coupon_discount=_named(source, "line.coupon_discount"),
        label=source.get("line.name"),
        channel=source.get("order.channel"),
        optional=frozenset({""}),
        time_zone=_zone_of(plan, "order.placed_at") or zone,
        currency=plan.currency or None,
        cancellation_prefix=orders.cancellation_prefix,
        order_pattern=orders.order_pattern,
        charge_codes=frozenset(orders.charge_codes),
        folds_sku_case=orders.folds_sku_case,
        allows_free_lines=orders.allows_free_lines,
        outliers=limits if is_judged else None,
        flags_outliers=orders.outliers == "flag",
        rules={
            column.source: CellRule(
                type=FIELDS.field_by_key[column.target].type,
                zone=ZoneInfo(column.zone or zone),
                date_format=column.date_format,
                is_decimal_comma=column.decimal_comma,
                is_minor=column.unit == "minor",
                exponent=places,
            )
            for column in plan.columns
            if column.target
        },
        missing={
            column.source: (column.missing, column.fill)
            for column in plan.columns
            if column.missing != "keep"
        },
    )


def _named(source: dict[str, str], target: str) -> tuple[str, ...]:
    return (source[target],) if target in source else ()


def _zone_of(plan: ImportPlan, target: str) -> str:
    return next((column.zone for column in plan.columns if column.target == target), "")


class OrderImporter:
    """Checks by loading and rolling back: what the check says is what the load does."""

    def check(self, work: Work) -> Account:
        with tenant_scope(work.tenant):
            with transaction.atomic():
                account = OrderLoad(work, mapping_of(work.plan, work.tenant)).execute()
                account.report["new"] = account.report["orders"]
                refused = _refused(work)
                transaction.set_rollback(True)
            settling.clear(work)
            StagedRow.objects.bulk_create(refused)
            settling.show_refused(work)
        return account

    def load(self, work: Work) -> Account:
        """Load part by part, each a transaction; an interrupted load goes on after its last part."""
        with tenant_scope(work.tenant):
            run = ImportRun.objects.get(pk=work.run_id)
            if kept := settling.kept_account(run):
                return kept
            load = OrderLoad(work, mapping_of(work.plan, work.tenant))
            if "parts" not in run.report:
                load.stage()
            parts, read = list(load.parts_left()), ImportRun.objects.get(pk=work.run_id).rows_staged
        for number, part in parts:
            _in_a_scope(load, number, part)
            work.progress(read * number // parts[-1][0], read, "rows loaded")
        with tenant_scope(work.tenant):
            load.summarise()
            refused = settling.refused_late(work)
        for block in settling.quarantined(work, refused):
            with tenant_scope(work.tenant):
                QuarantinedRow.objects.bulk_create(block, ignore_conflicts=True)
        with tenant_scope(work.tenant):
            account = load.account()
            account.report["new"] = account.report["orders"]
            settling.clear(work)
            settling.keep_account(work, account)
        return account

    def undo(self, work: Work) -> dict[str, int]:
        """Remove the orders and returns that nothing depends on, then the customers and items they made."""
        params = {"tenant": work.tenant.pk, "run": work.run_id, "at": work.at, "size": UNDO_ROWS}
        total: Counter[str] = Counter()
        unreturned = f"{_HAS_NO_RETURN} {guards_of('order', 't')}"
        for name, table, guards in (
            ("returns", "crm_return", guards_of("return", "t")),
            ("orders", "crm_order", unreturned),
        ):
            for count in _removed(work, name, _SOME.format(table=table, guards=guards), params):
                total[name] += count
                work.progress(total.total(), 0, "rows undone")
        with tenant_scope(work.tenant):
            [(kept,)] = staging.rows(_COUNT_ORDERS, params)
        while counts := _made_taken_back(work, params):
            total += counts
        with tenant_scope(work.tenant):
            settling.add_to_undo_report(work, Counter(orders_in_use=kept))
        return dict(total + Counter(orders_in_use=kept))


def _in_a_scope(load: OrderLoad, number: int, part: str) -> None:
    """Load one part; a race with the API over the same new order or customer is run again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with tenant_scope(load.work.tenant):
                return load.load(number, part)
        except IntegrityError:
            if attempt == ATTEMPTS:
                raise
    return None


def _refused(work: Work) -> list[StagedRow]:
    """Return the refused rows as new ones, to be kept when everything else is rolled back."""
    rows = StagedRow.objects.filter(import_run_id=work.run_id, outcome=StagedRow.Outcome.QUARANTINED)
    return [
        StagedRow(
            import_run_id=work.run_id,
            row_number=number,
            outcome=StagedRow.Outcome.QUARANTINED,
            reason=reason,
            column=column,
        )
        for number, reason, column in rows.order_by("row_number").values_list(
            "row_number", "reason", "column"
        )[:_ROWS_SHOWN]
    ]


def _removed(work: Work, name: str, statement: str, params: dict[str, Any]) -> Iterator[int]:
    """Remove the run's orders or returns, some thousands a transaction; yield how many went."""
    after: int | None = 0
    while after is not None:
        with tenant_scope(work.tenant):
            lock_imports()
            staging.run("SET LOCAL statement_timeout = 0")
            [(after, count, buyers)] = staging.rows(statement, {**params, "after": after})
            order_summaries.refresh(buyers or [])
            settling.add_to_undo_report(work, Counter({name: count}))
        yield count


def _made_taken_back(work: Work, params: dict[str, Any]) -> Counter[str] | None:
    """Take back some of the customers and items that the import made; None when all have been."""
    with tenant_scope(work.tenant):
        lock_imports()
        staging.run(TAKE_CHANGES, params)
        [(taken,)] = staging.rows("SELECT count(*) FROM undone")
        if not taken:
            return None
        retired = staging.run(item_statements.RETIRE, params)
        removed, in_use = remove_unused(Customer, "customer", params)
        staging.run(DROP_CHANGES, params)
        counts = Counter(retired=retired, removed=removed, in_use=in_use)
        settling.add_to_undo_report(work, counts)
        return counts


register(
    Kind(
        key="orders",
        label=_("Orders"),
        hint=_("One line of an order a row; customers and items that are new are made."),
        symbol="receipt_long",
        fields=FIELDS,
        importer=OrderImporter(),
    )
)
