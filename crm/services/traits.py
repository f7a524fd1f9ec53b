"""Computed traits, written in bulk by models and aggregates."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm.models import ComputedTrait
from crm.services import customer_touches
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant_id

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_trait (
    customer_id bigint NOT NULL, number float8, text text
) ON COMMIT DROP;
TRUNCATE staged_trait
"""
_WRITE = """
INSERT INTO crm_computedtrait AS kept (tenant_id, customer_id, name, number, text, model_version, computed_at)
SELECT %(tenant)s, s.customer_id, %(name)s, s.number, s.text, %(version)s, %(at)s
FROM staged_trait s ORDER BY s.customer_id
ON CONFLICT (tenant_id, customer_id, name) DO UPDATE SET
    number = excluded.number, text = excluded.text, model_version = excluded.model_version,
    computed_at = excluded.computed_at
"""


@transaction.atomic
def write_many(
    *,
    name: str,
    values: Mapping[int, float | str],
    model_version: str,
    at: datetime,
    replace: bool = False,
) -> int:
    """Write one trait of many customers at once, by COPY; return how many.

    ``replace`` also removes the trait from customers not in ``values``. Raises ``InvalidInput`` for a number
    that is not finite; a customer of another tenant is a foreign-key error.
    """
    rows = [(customer_id, *_columns(name, value)) for customer_id, value in values.items()]
    params: dict[str, Any] = {"tenant": active_tenant_id(), "name": name, "version": model_version, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.cursor.copy("COPY staged_trait (customer_id, number, text) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(_WRITE, params)
        written = cursor.rowcount
        if replace:
            cursor.execute(
                """DELETE FROM crm_computedtrait t WHERE t.tenant_id = %(tenant)s AND t.name = %(name)s
                   AND NOT EXISTS (SELECT FROM staged_trait s WHERE s.customer_id = t.customer_id)""",
                params,
            )
            if cursor.rowcount:
                customer_touches.add_everyone(is_history=False)
    customer_touches.add(values.keys(), is_history=False)
    return int(written)


@transaction.atomic
def drop(*, name: str, customer_ids: Collection[int]) -> int:
    """Remove one trait from these customers, for which there is nothing to compute it from any more."""
    held = ComputedTrait.objects.filter(name=name, customer__in=list(customer_ids))
    losing = list(held.values_list("customer_id", flat=True))
    if losing:
        held.delete()
        customer_touches.add(losing, is_history=False)
    return len(losing)


def _columns(name: str, value: float | str) -> tuple[float | None, str | None]:
    if isinstance(value, str):
        return None, value[:200]
    number = float(value)
    if not math.isfinite(number):
        raise InvalidInput(errors=[FieldError(f"/{name}", "not_finite", f"{value} is not a finite number.")])
    return number, None
