"""Order lines from files: a document needs all of its lines, so a file is loaded in one transaction."""

from __future__ import annotations

from collections import Counter
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.domain.cells import CellRule
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.domain.import_plans import ImportPlan
from crm.domain.mappings import OrderMapping, OutlierRule
from crm.domain.money import exponent
from crm.locks import lock_import_run, lock_imports
from crm.models import Customer, QuarantinedRow, StagedRow
from crm.services import order_summaries
from crm.services.imports import item_statements, settling, staging
from crm.services.imports.dependents import guards_of, remove_unused
from crm.services.imports.kinds import Account, Kind, Work, register
from crm.services.imports.orders import OrderLoad
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
_REMOVE_RETURNS = """
DELETE FROM crm_return r WHERE r.tenant_id = %(tenant)s AND r.import_run_id = %(run)s {guards}
"""
_REMOVE_ORDERS = """
DELETE FROM crm_order t WHERE t.tenant_id = %(tenant)s AND t.import_run_id = %(run)s
AND NOT EXISTS (SELECT FROM crm_return r WHERE r.tenant_id = %(tenant)s AND r.order_id = t.id) {guards}
"""
_COUNT_ORDERS = """
SELECT count(*) FROM crm_order WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s
"""
_TAKE_ALL = """
DROP TABLE IF EXISTS undone;
CREATE TEMPORARY TABLE undone ON COMMIT DROP AS
SELECT id, subject, subject_id, is_new FROM crm_importchange
WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s
"""
_DROP_ALL = "DELETE FROM crm_importchange WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s"


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
                account = self._execute(work)
                refused = list(
                    QuarantinedRow.objects.filter(import_run_id=work.run_id).order_by("row_number")[
                        :_ROWS_SHOWN
                    ]
                )
                transaction.set_rollback(True)
            settling.clear(work)
            StagedRow.objects.bulk_create(
                StagedRow(
                    import_run_id=work.run_id,
                    row_number=row.row_number,
                    fields={"raw": row.raw},
                    outcome=StagedRow.Outcome.QUARANTINED,
                    reason=row.reason,
                    column=row.column,
                )
                for row in refused
            )
        return account

    def load(self, work: Work) -> Account:
        """Load once: the account commits with the rows, so a second call only repeats it."""
        with tenant_scope(work.tenant):
            run = lock_import_run(work.run_id)
            if kept := settling.kept_account(run):
                return kept
            account = self._execute(work)
            settling.clear(work)
            settling.keep_account(work, account)
        return account

    def undo(self, work: Work) -> dict[str, int]:
        """Remove the orders and returns that nothing depends on, then the customers and items they made."""
        params = {"tenant": work.tenant.pk, "run": work.run_id, "at": work.at}
        with tenant_scope(work.tenant):
            lock_imports()
            staging.run("SET LOCAL statement_timeout = 0")
            returns = staging.run(_REMOVE_RETURNS.format(guards=guards_of("return", "r")), params)
            orders = staging.run(_REMOVE_ORDERS.format(guards=guards_of("order", "t")), params)
            [(kept,)] = staging.rows(_COUNT_ORDERS, params)
            order_summaries.refresh()
            staging.run(_TAKE_ALL, params)
            retired = staging.run(item_statements.RETIRE, params)
            removed, in_use = remove_unused(Customer, "customer", params)
            staging.run(_DROP_ALL, params)
            counts = Counter(
                orders=orders,
                returns=returns,
                orders_in_use=kept,
                retired=retired,
                removed=removed,
                in_use=in_use,
            )
            settling.add_to_undo_report(work, counts)
        return dict(counts)

    def _execute(self, work: Work) -> Account:
        mapping = mapping_of(work.plan, work.tenant)
        load = OrderLoad(work.path, mapping, work.run_id, work.at, progress=work.progress, shape=work.shape)
        account = load.execute()
        account.report["new"] = account.report.get("orders", 0)
        return account


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
