"""The import of order lines: staged by COPY, judged and loaded set by set, in one transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from crm.domain.mappings import ORDER_MAPPINGS, OrderMapping
from crm.domain.money import exponent
from crm.locks import lock_imports
from crm.models import ImportRun
from crm.models.import_run import ImportKind
from crm.services import order_summaries
from crm.services.imports import order_statements as sql
from crm.services.imports import returns, runs, staging
from crm.services.imports.errors import UnknownMapping
from crm.services.imports.files import FileShape
from crm.services.imports.kinds import Account
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant


@transaction.atomic
def import_orders(
    *, path: Path, mapping: str, by: Actor, at: datetime, progress: staging.Progress = staging.no_progress
) -> ImportRun:
    """Load a file of order lines. Raises ``UnknownMapping``, ``UnreadableFile``, ``MissingColumns``.

    Every row is accepted, merged (an exact duplicate, or loaded before) or quarantined with a reason. One
    transaction: a crash leaves nothing, and loading the same file again changes nothing.
    """
    by.require(Permission.CUSTOMERS_IMPORT)
    if mapping not in ORDER_MAPPINGS:
        raise UnknownMapping(f"There is no order mapping “{mapping}”; there are {', '.join(ORDER_MAPPINGS)}.")
    run = runs.begin(kind=ImportKind.ORDERS, mapping=mapping, path=path, by=by, at=at)
    account = OrderLoad(path, ORDER_MAPPINGS[mapping], run.pk, at, progress=progress).execute()
    return runs.finish(
        run,
        read=account.read,
        merged=account.merged,
        quarantined=account.quarantined,
        report=account.report,
        by=by,
        at=at,
    )


class OrderLoad:
    """One file of order lines into the open scope's tenant, on behalf of one run."""

    def __init__(
        self,
        path: Path,
        mapping: OrderMapping,
        run_id: int,
        at: datetime,
        *,
        progress: staging.Progress,
        shape: FileShape | None = None,
    ) -> None:
        self.path, self.mapping, self.progress, self.shape = path, mapping, progress, shape
        tenant = active_tenant()
        self.currency = mapping.currency or tenant.currency
        self.watch = staging.Stopwatch()
        self.report: dict[str, Any] = {}
        self.params: dict[str, Any] = {
            "tenant": tenant.pk,
            "at": at,
            "zone": mapping.time_zone or tenant.time_zone,
            "currency": self.currency,
            "prefix": mapping.cancellation_prefix,
            "order_pattern": mapping.order_pattern,
            "allows_free": mapping.allows_free_lines,
            "charge_codes": sorted(mapping.charge_codes),
            "import_run": run_id,
        }

    def execute(self) -> Account:
        """Load the file in the open transaction and return the account of its rows."""
        lock_imports()
        staging.begin()
        with self.watch.stage("read"):
            read = self._stage()
        with self.watch.stage("clean"):
            self._judge()
        self._load_documents()
        with self.watch.stage("quarantine"):
            merged, quarantined = self._settle()
        with self.watch.stage("summaries"):
            staging.run(sql.ANALYZE)
            order_summaries.refresh()
        self._describe(merged, quarantined)
        return Account(read, merged.total(), quarantined.total(), self.report)

    def _stage(self) -> int:
        from crm.services.imports import order_columns  # noqa: PLC0415 - pyarrow costs a second to import

        staging.run(sql.STAGE)
        read = 0

        def blocks() -> Any:
            nonlocal read
            source = order_columns.blocks(self.path, self.mapping, exponent(self.currency), self.shape)
            for read, block in source:  # noqa: B007 - the count is read outside
                yield block

        staging.copy_blocks("staged", order_columns.STAGED_COLUMNS, blocks())
        staging.run("ANALYZE staged")
        self.progress(read, 0, "rows read")
        return read

    def _judge(self) -> None:
        staging.run(sql.REJECT_ROWS, self.params)
        staging.run(sql.MERGE_DUPLICATES, self.params)
        if self.mapping.outliers:
            table = "flagged" if self.mapping.flags_outliers else "verdict"
            params = {**self.params, **asdict(self.mapping.outliers)}
            staging.run(sql.REJECT_OUTLIERS.format(table=table), params)
        staging.run(sql.SETTLE_KNOWN_ORDERS, self.params)
        staging.run("ANALYZE verdict")

    def _load_documents(self) -> None:
        params, count = self.params, self.report
        with self.watch.stage("orders"):
            staging.run(sql.COLLECT_ORDERS, params)
            staging.run(sql.REJECT_CONTRADICTIONS, params)
            staging.run("ANALYZE staged_order; ANALYZE verdict")
            count["customers_created"] = staging.run(sql.ADD_CUSTOMERS, params)
            staging.run(sql.COLLECT_ITEMS, params)
            staging.run("ANALYZE staged_item")
            count["items_created"] = staging.run(sql.ADD_ITEMS, params)
            staging.run(sql.KEEP_ITEM_JOURNAL, params)
            count["orders"] = staging.run(sql.ADD_ORDERS, params)
        self.progress(1, 3, "orders loaded")
        with self.watch.stage("lines"):
            count["lines"] = staging.run(sql.ADD_LINES, params)
        self.progress(2, 3, "lines loaded")
        if self.mapping.cancellation_prefix:
            with self.watch.stage("returns"):
                staging.run(sql.ANALYZE)
                count["returns"] = returns.load_returns(params)

    def _settle(self) -> tuple[Counter[str], Counter[str]]:
        """Keep the quarantined rows and return the reasons' counts of the merged and the quarantined."""
        from crm.services.imports import sources  # noqa: PLC0415 - pyarrow costs a second to import

        merged: Counter[str] = Counter(
            dict(staging.rows("SELECT reason, count(*) FROM verdict WHERE outcome = 'merged' GROUP BY 1"))
        )
        reason_by_row: dict[int, str] = dict(
            staging.rows("SELECT row_number, reason FROM verdict WHERE outcome = 'quarantined'")
        )
        names = self.shape.header if self.shape else self.mapping.columns
        raw = sources.raw_rows(self.path, names, reason_by_row, self.shape)
        runs.quarantine(self.params["import_run"], reason_by_row, raw, self._column_of)
        return merged, Counter(reason_by_row.values())

    def _column_of(self, reason: str) -> str:
        """Return the source column a reason is about, as far as its name tells."""
        mapping = self.mapping
        columns = {
            "quantity": mapping.quantity,
            "price": mapping.unit_price or "",
            "amount": mapping.unit_price or "",
            "time": mapping.placed_at,
            "sku": mapping.sku,
            "order": mapping.order,
            "not": mapping.order,
        }
        return columns.get(reason.partition("_")[0], "")

    def _describe(self, merged: Counter[str], quarantined: Counter[str]) -> None:
        [(self.report["anonymous_rows"],)] = staging.rows(sql.COUNT_ANONYMOUS, self.params)
        [(lines, amount)] = staging.rows(sql.COUNT_CAPPED_COUPONS, self.params)
        flagged = staging.rows("SELECT reason, count(*) FROM flagged GROUP BY reason")
        self.report |= {
            "warnings": dict(flagged),
            "coupons_capped": {"lines": lines, "minor": amount},
            "merged": dict(merged.most_common()),
            "quarantined": dict(quarantined.most_common()),
            "time_zone": self.params["zone"],
            "currency": self.currency,
            "seconds": self.watch.seconds,
        }
