"""Files with one record a row (items, customers), staged as JSON patches keyed by external id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from crm.models import ImportRun
from crm.services.imports import runs, staging

LONGEST_ID = 200
# Turns a row into (external id, fields, problem); the problem, if any, is the reason for quarantine.
Parser = Callable[[dict[str, Any]], tuple[str | None, dict[str, Any], str | None]]

_TABLE = """
CREATE TEMPORARY TABLE staged_record (
    row_number bigint NOT NULL, external_id text COLLATE "C", fields jsonb, problem text
) ON COMMIT DROP
"""
# The last row of an id wins; the others are merged into it.
LATEST = """
latest AS (
    SELECT DISTINCT ON (external_id) external_id, fields, row_number FROM staged_record
    WHERE problem IS NULL ORDER BY external_id, row_number DESC
)
"""


def text(value: Any) -> str:
    """Return a cell as trimmed text, empty when there is none; a whole float without its ``.0``."""
    if value is None or value != value:  # noqa: PLR0124 - not-a-number
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("\0", "").strip()


def identified(external_id: str) -> str | None:
    """Return the problem of an external id, or None."""
    if not external_id:
        return "id_missing"
    return "id_too_long" if len(external_id) > LONGEST_ID else None


def stage(path: Path, columns: Sequence[str], optional: Collection[str], parse: Parser) -> int:
    """Stage the file's rows and return how many there are."""
    staging.run(_TABLE)
    read = 0

    def staged() -> Iterator[tuple[int, str | None, str, str | None]]:
        from crm.services.imports import sources  # noqa: PLC0415 - pyarrow costs a second to import

        nonlocal read
        for batch in sources.read(path, columns, optional):
            for number, row in enumerate(batch.rows.to_pylist(), start=batch.first_row):
                external_id, fields, problem = parse(row)
                reason = batch.flaws.get(number) or problem
                yield number, external_id, runs.as_json(fields), reason
                read = number

    staging.copy_rows("staged_record", ("row_number", "external_id", "fields", "problem"), staged())
    staging.run("ANALYZE staged_record")
    return read


def quarantine(run: ImportRun, path: Path, columns: Sequence[str]) -> Counter[str]:
    """Keep the rows with a problem; return how many there are of each."""
    from crm.services.imports import sources  # noqa: PLC0415 - pyarrow costs a second to import

    reason_by_row = dict(
        staging.rows("SELECT row_number, problem FROM staged_record WHERE problem IS NOT NULL")
    )
    runs.quarantine(run.pk, reason_by_row, sources.raw_rows(path, columns, reason_by_row))
    return Counter(reason_by_row.values())
