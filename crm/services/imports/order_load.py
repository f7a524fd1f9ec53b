"""A file of order lines on its way in: judged as a whole, then loaded part by part.

A part holds whole orders, or all cancellations of its customers. Its rows, its verdicts and the run's
position commit together, so a load that was killed goes on with the next part and does nothing twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from crm.domain.mappings import OrderMapping
from crm.domain.money import exponent
from crm.locks import lock_import_run, lock_imports
from crm.models import ImportRun
from crm.services import order_summaries
from crm.services.imports import order_judging, returns, settling, staging
from crm.services.imports import order_statements as sql
from crm.services.imports.kinds import Account, Work
from tenants.scope import active_tenant

LINES_OF_PART: Final = 20_000
_FLAGGED: Final = "warning:"


class OrderLoad:
    """One file of order lines into the open scope's tenant, on behalf of one run."""

    def __init__(self, work: Work, mapping: OrderMapping) -> None:
        self.work, self.mapping = work, mapping
        tenant = active_tenant()
        self.currency = mapping.currency or tenant.currency
        self.watch = staging.Stopwatch()
        self.params: dict[str, Any] = {
            "tenant": tenant.pk,
            "at": work.at,
            "zone": mapping.time_zone or tenant.time_zone,
            "currency": self.currency,
            "prefix": mapping.cancellation_prefix,
            "order_pattern": mapping.order_pattern,
            "allows_free": mapping.allows_free_lines,
            "charge_codes": sorted(mapping.charge_codes),
            "import_run": work.run_id,
            "lines_of_part": LINES_OF_PART,
            "columns": json.dumps(self._column_by_word()),
        }

    def execute(self) -> Account:
        """Load the whole file at once in the open transaction and return the account of its rows."""
        lock_imports()
        staging.begin()
        settling.clear(self.work)
        read = self._judged()
        staging.run(order_judging.TAKE_ALL, self.params)
        counts = self._flagged() + self._load_sales(self.params)
        if self.mapping.cancellation_prefix:
            staging.analyze_loaded()
            counts += self._load_returns(self.params)
        staging.run(order_judging.KEEP_VERDICTS, self.params)
        staging.run(order_judging.LET_GO)
        staging.analyze_loaded()
        self.summarise()
        ImportRun.objects.filter(pk=self.work.run_id).update(
            rows_staged=read, report={"counts": dict(counts)}
        )
        return self.account()

    def summarise(self) -> None:
        """Renew the totals of the customers, once everything is loaded."""
        with self.watch.stage("summaries"):
            order_summaries.refresh()

    def stage(self) -> None:
        """Read and judge the file and keep its rows in parts; nothing but the staging is written."""
        staging.begin()
        settling.clear(self.work)
        read = self._judged()
        with self.watch.stage("clean"):
            staging.run(order_judging.CUT, self.params)
            [(sales, cancelled)] = staging.rows(order_judging.COUNT_PARTS)
            staging.run(order_judging.KEEP, self.params)
        run = lock_import_run(self.work.run_id)
        run.rows_staged, run.position = read, 0
        run.report = {"parts": {"sale": sales, "return": cancelled}, "counts": dict(self._flagged())}
        run.save(update_fields=["rows_staged", "position", "report"])

    def parts_left(self) -> Iterator[tuple[int, str]]:
        """Yield the number and the name of the parts that are not loaded yet: first sales, then returns."""
        run = ImportRun.objects.get(pk=self.work.run_id)
        names = [f"{kind} {number}" for kind, count in run.report["parts"].items() for number in range(count)]
        yield from list(enumerate(names, start=1))[run.position :]

    def load(self, number: int, part: str) -> None:
        """Load one part in the open transaction; one that is loaded already is left alone."""
        lock_imports()
        staging.begin()
        run = lock_import_run(self.work.run_id)
        if run.position >= number:
            return
        params = {**self.params, "part": part}
        staging.run(sql.TAKE_PART, params)
        load = self._load_sales if part.startswith("sale") else self._load_returns
        counts = Counter(run.report["counts"]) + load(params)
        staging.run(sql.KEEP_VERDICTS, params)
        staging.analyze_after(number)
        run.position, run.report = number, {**run.report, "counts": dict(counts)}
        run.save(update_fields=["position", "report"])

    def account(self) -> Account:
        """Return what became of the rows, after the last part."""
        run = ImportRun.objects.get(pk=self.work.run_id)
        counts, rows = Counter(run.report["counts"]), settling.verdicts(self.work)
        merged, quarantined = rows["merged"], rows["quarantined"]
        told = ["customers_created", "items_created", "orders", "lines", "anonymous_rows"]
        told += ["returns"] if self.mapping.cancellation_prefix else []
        report: dict[str, Any] = {name: counts[name] for name in told}
        report |= {
            "warnings": {
                name.removeprefix(_FLAGGED): count
                for name, count in counts.items()
                if name.startswith(_FLAGGED)
            },
            "coupons_capped": {"lines": counts["capped_lines"], "minor": counts["capped_minor"]},
            "merged": dict(merged.most_common()),
            "quarantined": dict(quarantined.most_common()),
            "time_zone": self.params["zone"],
            "currency": self.currency,
            "seconds": self.watch.seconds,
        }
        return Account(run.rows_staged, merged.total(), quarantined.total(), report)

    def _read(self) -> int:
        from crm.services.imports import order_columns  # noqa: PLC0415 - pyarrow costs a second to import

        staging.run(order_judging.STAGE)
        read = 0

        def blocks() -> Any:
            nonlocal read
            places = exponent(self.currency)
            source = order_columns.blocks(self.work.path, self.mapping, places, self.work.shape)
            for read, block in source:  # noqa: B007 - the count is read outside
                yield block

        staging.copy_blocks("staged", order_columns.STAGED_COLUMNS, blocks())
        staging.run("ANALYZE staged")
        self.work.progress(read, 0, "rows read")
        return read

    def _judged(self) -> int:
        """Read and judge the file; return how many rows it has."""
        with self.watch.stage("read"):
            read = self._read()
        with self.watch.stage("clean"):
            self._judge()
            staging.run(order_judging.SEE_ITEMS, self.params)
        return read

    def _flagged(self) -> Counter[str]:
        found = staging.rows(order_judging.COUNT_FLAGGED)
        return Counter({f"{_FLAGGED}{reason}": count for reason, count in found})

    def _judge(self) -> None:
        staging.run(order_judging.REJECT_ROWS, self.params)
        staging.run(order_judging.MERGE_DUPLICATES, self.params)
        if self.mapping.outliers:
            table = "flagged" if self.mapping.flags_outliers else "verdict"
            params = {**self.params, **asdict(self.mapping.outliers)}
            staging.run(order_judging.REJECT_OUTLIERS.format(table=table), params)
        staging.run("ANALYZE verdict")

    def _load_sales(self, params: dict[str, Any]) -> Counter[str]:
        count: Counter[str] = Counter()
        with self.watch.stage("orders"):
            staging.run(sql.SETTLE_KNOWN_ORDERS, params)
            staging.run(sql.COLLECT_ORDERS, params)
            staging.run(sql.REJECT_CONTRADICTIONS, params)
            staging.run("ANALYZE staged_order; ANALYZE verdict")
            count["customers_created"] = staging.run(sql.ADD_CUSTOMERS, params)
            staging.run(sql.COLLECT_ITEMS, params)
            staging.run("ANALYZE staged_item")
            count["items_created"] = staging.run(sql.ADD_ITEMS, params)
            staging.run(sql.KEEP_ITEM_JOURNAL, params)
            count["orders"] = staging.run(sql.ADD_ORDERS, params)
        with self.watch.stage("lines"):
            count["lines"] = staging.run(sql.ADD_LINES, params)
        [(count["anonymous_rows"],)] = staging.rows(sql.COUNT_ANONYMOUS, params)
        [(count["capped_lines"], count["capped_minor"])] = staging.rows(sql.COUNT_CAPPED_COUPONS, params)
        return count

    def _load_returns(self, params: dict[str, Any]) -> Counter[str]:
        with self.watch.stage("returns"):
            made = returns.load_returns(params)
        return Counter(returns=made)

    def _column_by_word(self) -> dict[str, str]:
        """Return the source column a reason is about by the reason's first word, as far as that tells."""
        mapping = self.mapping
        return {
            "quantity": mapping.quantity,
            "price": mapping.unit_price or "",
            "amount": mapping.unit_price or "",
            "time": mapping.placed_at,
            "sku": mapping.sku,
            "order": mapping.order,
            "not": mapping.order,
        }
